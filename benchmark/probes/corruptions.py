"""The probe ``corruptions``: how well a contender sees through noise, blur, weather and digital damage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from topfive.common.parameters import whole_number

from .choices import chosen
from .contract import Fitted, Images, Pixels
from .damage import KINDS, SEVERITIES, damaged
from .tables import BYTES, INT, TEXT, Rows, middle, png


class Corruptions:
    """15 kinds of damage at 5 severities: noise, blur, weather, digital (after ImageNet-C, made here).

    Follows Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations",
    ICLR 2019: kinds, formulas and constants are those of the authors' scripts, for 64 px where an image's short side is
    below 128 px, for 224 px otherwise (``damage/constants.py``). They count pixels of the image as it is stored, before
    any resizing: an image far larger than 224 px is damaged less.

    Deviates, on purpose, so that results are "after" ImageNet-C or Tiny-ImageNet-C, never "on" it:

    - Seeded: image i is damaged in the same way each time. The authors' script has no seed.
    - Nothing is saved as JPEG of quality 85, which there adds a second damage to each kind.
    - Frost is made, not photographed. (The script picks among five of its six photographs, two of them the same.)
    - The images are this data set's own. Those of Tiny-ImageNet-C are not Tiny ImageNet's one to one.
    - Values are rounded, not cut off; images need not be square; elastic maps turn about the true middle of those.

    Kept, as the published images are made so: glass blur copies pixels where its script means to swap them, and the
    severities of the elastic transform, glass blur and (at 224 px) snow do not rise steadily in pixels changed.

    Parameters
    ----------
    kinds: "all", or names of ``damage.KINDS`` joined by "+", as in "fog+snow".
    severities: "all", or some of 1 to 5 joined by "+", as in "1+3+5".
    images: how many validation images are asked about.
    random_state: seed of all random numbers.

    Raises ValueError, in one line, for an unknown kind or severity.
    """

    def __init__(
        self,
        kinds: str | Sequence[str] = "all",
        severities: str | int | Sequence[int] = "all",
        images: int = 500,
        random_state: int = 0,
    ) -> None:
        self.kinds = kinds
        self.severities = severities
        self.images = images
        self.random_state = random_state
        self._kinds = chosen("kind of corruption", kinds, list(KINDS))
        self._severities = [int(s) for s in chosen("severity", severities, [str(s) for s in SEVERITIES])]
        whole_number("images", images, 1)
        whole_number("random_state", random_state, 0)

    def views(self, images: Images) -> Iterator[tuple[Mapping[str, str | int], Images]]:
        """``images`` under ``{"corruption": kind, "severity": severity}``, kind by kind, changed lazily."""
        for kind in self._kinds:
            for severity in self._severities:
                change = Corruption(kind, severity, self.random_state)
                yield {"corruption": kind, "severity": severity}, images.map(change)

    def ask(self, contender: Fitted, images: Images, labels: NDArray[np.int64]) -> Mapping[str, pa.Table]:
        """``pictures``: image, corruption, severity, picture (PNG): what the damage looks like.

        The first image, as it is (severity 0, corruption "") and under each kind at the middle one of the severities.
        """
        rows = Rows(image=INT, corruption=TEXT, severity=INT, picture=BYTES)
        severity = self._severities[len(self._severities) // 2]
        rows.add(0, "", 0, png(middle(images[0])))
        for kind in self._kinds:
            rows.add(0, kind, severity, png(middle(Corruption(kind, severity, self.random_state)(images[0], 0))))
        return {"pictures": rows.table()}


@dataclass(frozen=True)
class Corruption:
    """One kind of damage at one severity, as a change of image ``i``."""

    kind: str
    severity: int
    random_state: int

    takes_index: ClassVar[bool] = True

    def __call__(self, image: Pixels, i: int) -> Pixels:
        rng = np.random.default_rng([self.random_state, list(KINDS).index(self.kind), self.severity, i])
        return damaged(image, self.kind, self.severity, rng)
