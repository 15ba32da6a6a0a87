"""What the probe ``occlusion`` found: how good each contender's maps are, and whether two look at the same place.

Everything is a mean over images with a percentile bootstrap over them, the same images for every contender. Of several
seeds an image's value is the mean over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scoring.resampling import interval
from .asked import Told, told
from .contest import Contest
from .estimate import Estimate

ROUNDS = 2000
DISC = 15 / 224  # of the short side: how near a box a map's best place must come (TorchRay's pointing game)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Occluded:
    """Every contender that was asked about the same n images, floors too.

    maps: contender → the loss of each image, (rows, columns), of its first seed; areas: (contender, curve, order) →
    (n,) area under the curve of answers kept; curves: the same keys → (shares, (n, steps) kept); boxes: (n,) or None.
    """

    ids: list[str]
    labels: NDArray[np.int64]
    maps: Mapping[int, list[Floats]]
    patches: Mapping[int, list[Floats]]
    areas: Mapping[tuple[int, str, str], Floats]
    curves: Mapping[tuple[int, str, str], tuple[Floats, Floats]]
    boxes: list[tuple[int, int, int, int] | None]
    sizes: list[tuple[int, int]]

    def gain(self, contender: int, order: str = "random") -> Floats:
        """(n,) how much sooner the answer goes when cells are hidden in the order of the map than in another."""
        return self.areas[contender, "deletion", order] - self.areas[contender, "deletion", "map"]


def occluded(contest: Contest) -> Occluded | None:
    """None where nobody was asked."""
    asked = [one for one in told(contest, "occlusion") if one.rows("maps")]
    which = [tuple(one.ids) or tuple(map(str, range(len(one.rows("maps"))))) for one in asked]
    images = max(which, key=which.count, default=())
    mine: dict[int, list[Told]] = {}
    for one, ids in zip(asked, which, strict=True):
        if ids == images:
            mine.setdefault(one.contender, []).append(one)
    if not mine:
        return None
    first = next(iter(mine.values()))[0]
    told_of = first.rows("asked")
    areas, curves = dict[tuple[int, str, str], Floats](), dict[tuple[int, str, str], tuple[Floats, Floats]]()
    for i, seeds in mine.items():
        by_seed = [_areas(one, len(images)) for one in seeds]
        areas |= {(i, *key): np.mean([found[key] for found in by_seed], axis=0) for key in by_seed[0]}
        curves |= {(i, *key): found for key, found in _curves(seeds[0], len(images)).items()}
    return Occluded(
        ids=list(images),
        labels=np.array([row["label"] for row in first.rows("maps")]),
        maps={i: [_grid(row, "loss") for row in seeds[0].rows("maps")] for i, seeds in mine.items()},
        patches={
            i: grids for i, seeds in mine.items() if (grids := [_grid(r, "added") for r in seeds[0].rows("patches")])
        },
        areas=areas,
        curves=curves,
        boxes=[None if not row.get("box") else _box(row["box"]) for row in told_of] or [None] * len(images),
        sizes=[(row["height"], row["width"]) for row in first.rows("maps")],
    )


def _grid(row: Mapping[str, Any], name: str) -> Floats:
    return np.array(row[name], np.float64).reshape(row["rows"], row["columns"])


def _box(values: Sequence[int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = values
    return left, top, right, bottom


def _areas(one: Told, n: int) -> dict[tuple[str, str], Floats]:
    out: dict[tuple[str, str], Floats] = {}
    for row in one.rows("areas"):
        out.setdefault((row["curve"], row["order"]), np.zeros(n))[row["image"]] = row["kept"]
    return out


def _curves(one: Told, n: int) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """(shares, (n, steps) kept) of images whose curves have the most common shares; others are interpolated there."""
    found: dict[tuple[str, str], dict[int, list[tuple[float, float]]]] = {}
    for row in one.rows("curves"):
        points = found.setdefault((row["curve"], row["order"]), {}).setdefault(row["image"], [])
        points.append((float(row["share"]), float(row["kept"])))
    out = {}
    for key, by_image in found.items():
        shares = np.array([share for share, _ in by_image[0]])
        each = [np.array(by_image[i]) for i in range(n)]
        out[key] = shares, np.array([np.interp(shares, points[:, 0], points[:, 1]) for points in each])
    return out


def mean(values: Floats, seed: int = 0) -> Estimate:
    """Of one value an image, those that are no numbers left out; the bootstrap draws the same images for the same n."""
    kept = values[~np.isnan(values)]
    if not len(kept):
        return Estimate(float("nan"), float("nan"), float("nan"))
    drawn = np.random.default_rng(seed).integers(0, len(kept), (ROUNDS, len(kept)))
    return Estimate(float(kept.mean()), *interval(kept[drawn].mean(axis=1)))


def correlations(one: Sequence[Floats], other: Sequence[Floats]) -> tuple[Floats, float]:
    """(n,) Spearman's rank correlation of two maps of each image, NaN where one is flat; and the mean between maps of
    different images of one shape, which is what a common liking for the middle alone gives."""
    ours, theirs = ([_ranks(values) for values in maps] for maps in (one, other))
    same = np.array([_correlation(a, b) for a, b in zip(ours, theirs, strict=True)])
    crossed = [_correlation(a, b) for i, a in enumerate(ours) for j, b in enumerate(theirs) if i != j]
    known = [value for value in crossed if not np.isnan(value)]
    return same, float(np.mean(known)) if known else float("nan")


def _ranks(values: Floats) -> Floats | None:
    """The rank of each place, ties at their mean, about 0 and of length 1; None of a flat map or one with NaN."""
    levels, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(levels) < 2 or np.isnan(levels).any():
        return None
    ranks = (np.cumsum(counts) - (counts + 1) / 2)[place].reshape(values.shape)
    ranks -= ranks.mean()
    return np.asarray(ranks / np.linalg.norm(ranks), np.float64)


def _correlation(a: Floats | None, b: Floats | None) -> float:
    """Spearman's, which is Pearson's of ranks; NaN where there is none."""
    return float("nan") if a is None or b is None or a.shape != b.shape else float(np.sum(a * b))


def pointing(found: Occluded, contender: int) -> tuple[Floats, Floats, Floats] | None:
    """(n,) whether the map's best place hits the object; whether the image's middle does; the share of places that do.

    Pointing game (Zhang et al. 2016; TorchRay's tolerance): a hit if a disc of 15 px at 224 px about the middle of the
    cell with the greatest loss touches the box. NaN for images without one. None where no image has one.
    """
    if not any(found.boxes):
        return None
    hits, middle, chance = (np.full(len(found.ids), np.nan) for _ in range(3))
    for i, (box, loss, size) in enumerate(zip(found.boxes, found.maps[contender], found.sizes, strict=True)):
        if box is None:
            continue
        touches = _touching(box, DISC * min(size))
        down, across = ((np.arange(n) + 0.5) * side / n - 0.5 for n, side in zip(loss.shape, size, strict=True))
        every = np.array([[touches(x, y) for x in across] for y in down])
        hits[i] = every.ravel()[loss.argmax()]
        middle[i] = touches((size[1] - 1) / 2, (size[0] - 1) / 2)
        chance[i] = every.mean()
    return hits, middle, chance


def _touching(box: tuple[int, int, int, int], radius: float) -> Callable[[float, float], bool]:
    left, top, right, bottom = box

    def touches(x: float, y: float) -> bool:
        return float(np.hypot(max(left - x, 0, x - right), max(top - y, 0, y - bottom))) <= radius

    return touches
