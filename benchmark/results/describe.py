"""A data set as a run records it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data import Dataset
from ..data.wordnet import branch, hierarchical_cost, known
from .schema import DatasetRecord, ProblemRecord


def describe(name: str, dataset: Dataset, *, limited: bool) -> DatasetRecord:
    """``name``: what the run calls it; ``limited``: whether images were left out by --limit."""
    return DatasetRecord(
        name=name,
        title=dataset.title,
        description=dataset.description,
        layout=dataset.layout,
        n_train=len(dataset.train.images),
        n_val=len(dataset.val.images),
        n_classes=len(dataset.classes),
        classes=list(dataset.classes),
        class_names=list(dataset.class_names),
        branches=[branch(wnid) for wnid in dataset.classes] if known(dataset.classes) else None,
        fingerprint=dataset.fingerprint,
        image_size=dataset.val.images.typical_size,
        limited=limited,
        problems=[ProblemRecord(split=p.split, id=p.id, reason=p.reason) for p in dataset.problems],
        notes=list(dataset.notes),
    )


def tree_of(classes: Sequence[str]) -> NDArray[np.float64] | None:
    """(C, C) ILSVRC-2010's hierarchical costs where all the classes are synsets, else None."""
    return hierarchical_cost(classes) if known(classes) else None
