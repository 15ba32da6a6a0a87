"""The probe ``parts``: what a contender is made of, drawn for one image, as far as it shows it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from topfive.common.parameters import whole_number

from .contract import Fitted, Images, hook
from .tables import BYTES, INT, TEXT, Rows, middle, png


class Parts:
    """What it is made of: the steps from pixels to scores, and pictures of its parts for one image.

    Asks the optional methods ``pipeline`` and ``parts_of`` of a fitted contender; one that has neither answers empty
    tables. Returns ``steps``: number, step; and ``pictures``: image, name, picture (PNG), the image itself first.

    Parameters
    ----------
    images: how many validation images are drawn.
    random_state: which they are.
    """

    def __init__(self, images: int = 1, random_state: int = 0) -> None:
        self.images = images
        self.random_state = random_state
        whole_number("images", images, 1)
        whole_number("random_state", random_state, 0)

    def ask(self, contender: Fitted, images: Images, labels: NDArray[np.int64]) -> Mapping[str, pa.Table]:
        """See the class."""
        steps, pictures = Rows(number=INT, step=TEXT), Rows(image=INT, name=TEXT, picture=BYTES)
        pipeline, parts_of = hook(contender, "pipeline"), hook(contender, "parts_of")
        for number, step in enumerate([] if pipeline is None else pipeline()):
            steps.add(number, str(step))
        for i in range(len(images) if parts_of is not None else 0):
            image = middle(images[i])
            found = parts_of(image) if parts_of is not None else {}
            for name, picture in {"image": image, **found}.items() if found else ():
                pictures.add(i, name, png(picture))
        return {"steps": steps.table(), "pictures": pictures.table()}
