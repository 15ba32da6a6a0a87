"""From a label and a split for each image to a data set: what tables, shards and batches have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...errors import InputError
from ..storage.found import Found, found_split
from ..wordnet import readable


def by_label(
    layout: str,
    stored: Any,
    names: Sequence[str],
    labels: Sequence[str],
    splits: Sequence[str | None],
    class_ids: Sequence[str] | None = None,
) -> Found:
    """A data set from one label (a class id) and one split ("train", "val", "test" or None) an image.

    "test" stands for "val" where there is none, and is not used otherwise. ``class_ids``: the classes in their order,
    where that is known; else sorted, as numbers where all are.
    """
    given = {split for split in splits if split is not None}
    if given and "train" not in given:
        raise InputError(f"{stored.containers[0]}: there is no split called train (found: {', '.join(sorted(given))})")
    if given == {"train"}:
        splits, given = [None] * len(splits), set()
    held_out = "val" if "val" in given else "test"
    classes = tuple(class_ids) if class_ids is not None else tuple(sorted(set(labels), key=_order(set(labels))))
    label = {name: i for i, name in enumerate(classes)}
    wanted: dict[str | None, str] = {"train": "train", held_out: "val"} if given else {None: "all"}
    rows: dict[str, list[int]] = {split: [] for split in wanted.values()}
    for i, split in enumerate(splits):
        if split in wanted:
            rows[wanted[split]].append(i)
    parts = {
        split: found_split(stored, chosen, [label[labels[i]] for i in chosen], names.__getitem__)
        for split, chosen in rows.items()
    }
    return Found(layout, classes, readable(classes), parts, ignored=len(labels) - sum(map(len, rows.values())))


def class_id(label: Any) -> str:
    """A class id from a table: text as it is, whole numbers without a decimal point.

    Parquet makes floats of columns with gaps.
    """
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label).strip()


def _order(labels: set[str]) -> Any:
    return int if all(re.fullmatch(r"-?\d{1,18}", name) for name in labels) else str
