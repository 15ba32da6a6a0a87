"""How classes are called on the page."""

from __future__ import annotations

import re
from collections import Counter

from ..results.schema import DatasetRecord

SYNSET = re.compile(r"n\d{8}")


def labels(dataset: DatasetRecord) -> list[str]:
    """A name for each class: of a synset's names the first, unless two classes share it; others as they are."""
    brief = [
        whole.split(",")[0].strip() or whole if SYNSET.fullmatch(class_id) else whole
        for class_id, whole in zip(dataset.classes, dataset.class_names, strict=True)
    ]
    times = Counter(brief)
    return [one if times[one] == 1 else whole for one, whole in zip(brief, dataset.class_names, strict=True)]
