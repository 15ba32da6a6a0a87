"""How many views of a test image a contender answers by: the image, and by default its mirror image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

VIEWS = (1, 2)  # the image alone; the image and its mirror image


def mean_of_views(scores: NDArray[Any], views: int) -> NDArray[Any]:
    """(n, C): the mean over the views of each image, from (views · n, C): all images, then all mirror images."""
    return np.asarray(scores.reshape(views, -1, scores.shape[1]).mean(0))
