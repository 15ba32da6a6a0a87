"""A network that was taught nothing true: the control of what maps and filters show by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .models import AlexNet


@dataclass(kw_only=True, eq=False, repr=False)
class AlexNetShuffled(AlexNet):
    """AlexNet trained on labels that were shuffled among the images: no better than chance, a control.

    The data randomisation test of Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018: a map that looks the
    same for this network as for one that learned something explains the image, not the network. A floor: it takes part
    in no verdict. All else as ``alexnet``.
    """

    family = "floor"

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Train on n images and their labels in an order drawn by ``random_state``."""
        shuffled = np.random.default_rng([self.random_state, 2]).permutation(np.asarray(labels))
        super().fit(images, shuffled)
        return self
