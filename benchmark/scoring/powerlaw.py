"""Power laws of learning curves: error = a · n^-b + c for n training images (Hestness et al. 2017).

Hestness and others, "Deep learning scaling is predictable, empirically", arXiv 1712.00409; their γ(m) = α m^β + γ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EXPONENTS = (0.01, 3.0)
GRID, REFINED = 120, 25
LEAST = 4  # sizes: three numbers are fitted


@dataclass(frozen=True)
class Laws:
    """Many power laws: a, b and c are (r,). a, b and c are not negative; ``unit``: n is counted in so many images."""

    a: Floats
    b: Floats
    c: Floats
    unit: float

    def errors(self, n: NDArray[Any] | float) -> Floats:
        """(r, m) errors at (m,) numbers of images."""
        x = np.atleast_1d(np.asarray(n, dtype=np.float64)) / self.unit
        return np.asarray(self.a[:, None] * x[None] ** -self.b[:, None] + self.c[:, None])

    @property
    def scale(self) -> Floats:
        """(r,) a in units of single images."""
        return np.asarray(self.a * self.unit**self.b)


def fit(sizes: NDArray[Any], errors: NDArray[Any], weights: NDArray[Any]) -> Laws:
    """The law of each row by weighted least squares: (k,) sizes, (r, k) errors, (k,) weights (1 / variance).

    For a given b the best a and c are a straight line's, whose ends are kept from being negative; so b is found on a
    fine grid over 0.01 to 3 and a finer one around its best point, for all rows at once, without a starting point that
    might lead astray. Raises ValueError for fewer than four sizes.
    """
    n = np.asarray(sizes, dtype=np.float64)
    if len(n) < LEAST:
        raise ValueError(f"a power law needs {LEAST} sizes, not {len(n)}")
    unit = float(np.exp(np.log(n).mean()))
    y, w = np.atleast_2d(np.asarray(errors, dtype=np.float64)), np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    grid = np.log(np.geomspace(*EXPONENTS, GRID))
    loss, _, _ = _lines(n / unit, y, w, np.broadcast_to(np.exp(grid), (len(y), GRID)))
    middle = grid[loss.argmin(axis=1)]
    step = grid[1] - grid[0]
    finer = np.exp(middle[:, None] + np.linspace(-step, step, REFINED)[None])
    loss, a, c = _lines(n / unit, y, w, finer)
    best = loss.argmin(axis=1)
    rows = np.arange(len(y))
    return Laws(a[rows, best], finer[rows, best], c[rows, best], unit)


def _lines(x: Floats, y: Floats, w: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """(loss, a, c), each (r, g), of the lines y = a · x^-b + c of r rows at g exponents each."""
    powers = x[None, None] ** -b[:, :, None]  # (r, g, k)
    sx, sxx = powers @ w, powers**2 @ w
    sy, sxy = (y @ w)[:, None], np.einsum("rgk,rk->rg", powers, y * w)
    a = (sxy - sx * sy) / np.maximum(sxx - sx**2, 1e-15)
    c = sy - a * sx
    a, c = np.where(c < 0, sxy / sxx, a), np.maximum(c, 0.0)
    a, c = np.maximum(a, 0.0), np.where(a < 0, sy, c)
    loss = ((a[:, :, None] * powers + c[:, :, None] - y[:, None]) ** 2) @ w
    return loss, a, c


def meeting(one: Laws, other: Laws, after: float, times: float) -> Floats:
    """(r,) the first n above ``after`` at which the two laws of a row meet; inf where they do not up to ``times`` it.

    Straight lines between 200 points of a logarithmic grid.
    """
    n = np.geomspace(after, after * times, 200)
    gap = one.errors(n) - other.errors(n)
    turned = np.sign(gap[:, 1:]) != np.sign(gap[:, :1])
    j = turned.argmax(axis=1)
    rows = np.arange(len(gap))
    before, later = gap[rows, j], gap[rows, j + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(turned.any(axis=1) & (before != later), before / (before - later), 0.0)
    log = np.log(n)
    return np.where(turned.any(axis=1), np.exp(log[j] + share * (log[1] - log[0])), np.inf)
