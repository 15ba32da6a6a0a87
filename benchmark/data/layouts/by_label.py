"""From a label and a split for each image to a data set: what tables, shards and batches have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ...errors import InputError
from ..storage.found import Found, found_split
from ..storage.left_out import NO_LABEL, TEST, LeftOut, Tally
from ..storage.stored import Stored
from ..wordnet import readable
from .classes import class_ids, in_order


def by_label(
    layout: str,
    stored: Stored,
    names: Sequence[str],
    labels: Sequence[str | None],
    splits: Sequence[str | None],
    order: Sequence[str] | None = None,
    *,
    notes: tuple[str, ...] = (),
    left_out: Iterable[LeftOut] = (),
) -> Found:
    """A data set from one label (a class id, None where there is none) and one split an image.

    A split is "train", "val", "test" or None. "test" stands for "val" where there is none, and is not used otherwise;
    images without a label are not used. ``order``: the classes in their order, where that is known; else sorted, as
    numbers where all are. Raises InputError.
    """
    where = stored.containers[0]
    others = Tally(left_out)
    unlabelled = Counter[str | None]()
    first: dict[str | None, str] = {}
    for i, label in enumerate(labels):
        if label is None:
            unlabelled[splits[i]] += 1
            first.setdefault(splits[i], names[i])
    for split, number in unlabelled.items():
        others.add(NO_LABEL if split is None else f"{NO_LABEL}, in the split {split}", first[split] or "row", number)
    given = {split for split, label in zip(splits, labels, strict=True) if split is not None and label is not None}
    if given and "train" not in given:
        raise InputError(f"{where}: there is no split called train (found: {', '.join(sorted(given))})")
    if given == {"train"}:
        splits, given = [None] * len(splits), set()
    held_out = "val" if "val" in given else "test"
    wanted: dict[str | None, str] = {"train": "train", held_out: "val"} if given else {None: "all"}
    rows: dict[str, list[int]] = {split: [] for split in wanted.values()}
    for i, split in enumerate(splits):
        if labels[i] is None:
            continue
        if split in wanted:
            rows[wanted[split]].append(i)
        else:
            others.add(TEST, names[i] or "row")
    used = [label for chosen in rows.values() for label in {labels[i] for i in chosen} if label is not None]
    if not used:
        raise InputError(f"{where} holds no labelled images")
    ids, spellings = class_ids([*(order or ()), *used])
    classes = tuple(dict.fromkeys(ids[name] for name in order)) if order is not None else in_order(ids.values())
    place = {name: i for i, name in enumerate(classes)}
    label_of = {name: place[one] for name, one in ids.items()}
    parts = {
        split: found_split(stored, chosen, [label_of[labels[i] or ""] for i in chosen], names)
        for split, chosen in rows.items()
    }
    return Found(layout, classes, readable(classes), parts, (*notes, *spellings), others.all())


def class_id(label: Any) -> str:
    """A class id from a table: text as it is, whole numbers without a decimal point.

    Parquet makes floats of columns with gaps.
    """
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label).strip()
