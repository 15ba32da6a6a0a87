"""The probe ``transfer``: does what fools one contender fool the others?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import cv2
import numpy as np
import pyarrow as pa

from .contract import Fitted, Pixels
from .search import stacked
from .tables import BOOL, INT, TEXT, Rows


class Transfer:
    """What fools one contender, tried on the others: the images that the probe ``attack`` perturbed and kept.

    Asked when every cell of the run has been attacked, so with ``attack`` alone; contenders of the same data, seed and
    training images are tried on each other. The perturbed images are stored as they were scored, value by value.

    Returns ``answers``: source (the contender that was attacked), image (its place among those attacked), label,
    epsilon, answer and right; and ``examples``: source, image, answer, to each image of the source's own examples.
    """

    reads: ClassVar[str] = "attack"

    def ask_about(self, contender: Fitted, stored: Mapping[str, Mapping[str, pa.Table]]) -> Mapping[str, pa.Table]:
        """See the class."""
        answers = Rows(source=TEXT, image=INT, label=INT, epsilon=INT, answer=INT, right=BOOL)
        examples = Rows(source=TEXT, image=INT, answer=INT)
        for source, tables in stored.items():
            kept, shown = (tables[name].to_pylist() for name in ("perturbed", "examples"))
            for row, answer in zip(kept, _answers(contender, [row["perturbed"] for row in kept]), strict=True):
                answers.add(source, row["image"], row["label"], row["epsilon"], answer, answer == row["label"])
            for row, answer in zip(shown, _answers(contender, [row["perturbed"] for row in shown]), strict=True):
                examples.add(source, row["image"], answer)
        return {"answers": answers.table(), "examples": examples.table()}


def _answers(contender: Fitted, files: list[bytes]) -> list[int]:
    if not files:
        return []
    return [int(best) for best in np.asarray(contender.scores(stacked([_read(file) for file in files]))).argmax(axis=1)]


def _read(file: bytes) -> Pixels:
    image = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a perturbed image cannot be decoded")
    return np.asarray(image[..., ::-1], np.uint8)
