"""Tiny ImageNet-200 as it was published."""

from __future__ import annotations

from dataclasses import replace

from ...errors import InputError
from ..storage.found import Found
from ..storage.left_out import NO_CLASS, NO_LABEL, Tally
from ..storage.location import Location
from ..wordnet import words
from .rows import Rows, add, from_rows


def matches(location: Location) -> bool:
    """By its two lists."""
    return location.tree.has("wnids.txt") and location.tree.has("val/val_annotations.txt")


def read(location: Location) -> Found:
    """train/<wnid>/images/, val/images/ and val/val_annotations.txt."""
    tree = location.tree
    wnids = {line.strip() for line in tree.text("wnids.txt").splitlines() if line.strip()}
    listed = tree.text("words.txt") if tree.has("words.txt") else ""
    named = dict(line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    truth, boxes = {}, dict[str, tuple[int, int, int, int]]()
    for line in tree.text("val/val_annotations.txt").splitlines():
        fields = line.split("\t")
        if len(fields) >= 2:
            if fields[1] not in wnids:
                raise InputError(f"{tree.path}: val_annotations.txt names the class {fields[1]!r}, wnids.txt does not")
            truth[fields[0]] = fields[1]
            if len(fields) == 6 and all(field.strip().isdecimal() for field in fields[2:]):
                left, top, right, bottom = map(int, fields[2:])
                boxes[fields[0].rpartition(".")[0]] = left, top, right, bottom
    rows: dict[str, Rows] = {"train": ([], []), "val": ([], [])}
    others = Tally(tree.others)
    for i in tree.images:
        name = tree.names[i]
        split, _, below = name.partition("/")
        parts = below.split("/")
        if split == "train" and len(parts) == 3 and parts[1] == "images" and parts[0] in wnids:
            add(rows[split], i, parts[0])
        elif split == "val" and len(parts) == 2 and parts[0] == "images" and parts[1] in truth:
            add(rows[split], i, truth[parts[1]])
        else:
            # The test images are published without labels, so a run need not tell.
            others.add(NO_LABEL if split == "test" else NO_CLASS, name, told=split != "test")
    classes = tuple(sorted(wnids))
    names = tuple(named[wnid].strip() if wnid in named else words(wnid) for wnid in classes)
    found = from_rows(
        tree,
        "Tiny ImageNet",
        rows,
        classes=classes,
        class_names=names,
        below={"train": len("train/"), "val": len("val/")},
        left_out=others.all(),
    )
    return replace(found, boxes=boxes)
