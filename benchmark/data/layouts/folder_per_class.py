"""A folder per class, with folders of splits above or without: the usual layout, and ImageNet's once extracted."""

from __future__ import annotations

import re

from ...errors import InputError
from ..storage.found import Found
from ..storage.location import Location
from ..storage.split_words import TEST, TRAIN, VAL
from ..storage.tree import IMAGE_SUFFIXES, Tree, is_image
from ..wordnet import readable
from .imagenet_labels import DEVKITS, validation_truth
from .rows import Rows, add, from_rows

_SPLIT = re.compile(r"(.*?)(?:train|training)/[^/]+/.", re.IGNORECASE)


def matches(location: Location) -> bool:
    """Always: this is the layout of last resort, and says what is wrong where it finds no classes."""
    return True


def read(location: Location) -> Found:
    """See ``read_tree``."""
    return read_tree(location.tree)


def read_tree(tree: Tree, layout: str | None = None) -> Found:
    """One folder per class, with train/ and val/ above (or valid/, validation/; test/ where there is no val/).

    A val/ without folders is labelled by ImageNet's devkit or Kaggle's table. The splits may lie deeper, as in Kaggle's
    ILSVRC/Data/CLS-LOC/.
    """
    images = [i for i, name in enumerate(tree.names) if is_image(name)]
    if not images:
        raise InputError(f"{tree.path} holds no images ({', '.join(IMAGE_SUFFIXES)})")
    base = next((match[1] for i in images if (match := _SPLIT.match(tree.names[i]))), "")
    tops = {tree.names[i][len(base) :].partition("/")[0].lower() for i in images if tree.names[i].startswith(base)}
    train = next((top for top in TRAIN if top in tops), None)
    val = next((top for top in (*VAL, *TEST) if top in tops), None)
    if train and not val and not any(_SPLIT.match(tree.names[i]) for i in images):
        train = None  # a class of that name, beside cars and ships
    if train and not val:
        raise InputError(f"{tree.path} has {train}/ but no val/ beside it; give both, or the folder {train} itself")
    wanted = {train: "train", val: "val"} if train and val else {"": "all"}
    rows: dict[str, Rows] = {split: ([], []) for split in wanted.values()}
    flat: list[tuple[int, str]] = []
    ignored = 0
    for i in images:
        name = tree.names[i]
        top, _, below = name[len(base) :].partition("/")
        split = wanted.get(top.lower() if train else "") if name.startswith(base) else None
        inside = below if train else name
        group, slash, _ = inside.partition("/")
        if split and slash:
            add(rows[split], i, group)
        elif split == "val":
            flat.append((i, inside))
        else:
            ignored += 1
    notes: tuple[str, ...] = ()
    if flat and not rows["val"][0]:
        skipped = _label_flat(tree, flat, set(rows["train"][1]), rows["val"])
        notes = (f"{skipped:,} validation images of classes without training images are not used.",) * bool(skipped)
        ignored += skipped
        kaggle = "ILSVRC-2012, Kaggle's tree" if base.endswith("CLS-LOC/") else None
        layout = layout or kaggle or f"{train}/ with a folder per class, {val}/ labelled by a list"
    else:
        ignored += len(flat)
    if not any(positions for positions, _ in rows.values()):
        raise InputError(f"{tree.path} holds images but no folder per class; put each class's images into its own")
    plain = f"folder per class, with {train}/ and {val}/" if train else "folder per class, no splits"
    classes = tuple(sorted({group for _, groups in rows.values() for group in groups}))
    return from_rows(tree, layout or plain, classes, readable(classes), rows, len(base), notes=notes, ignored=ignored)


def _label_flat(tree: Tree, flat: list[tuple[int, str]], trained: set[str], rows: Rows) -> int:
    """Label images that lie in no folder; answers how many belong to classes that training lacks."""
    truth = validation_truth(tree)
    if truth is None:
        raise InputError(
            f"{tree.path}: the images of val/ lie in no class folder, and neither the devkit "
            f"({DEVKITS[0]}) nor LOC_val_solution.csv is there to label them"
        )
    skipped = 0
    for i, name in flat:
        wnid = truth.get(name.rsplit("/", 1)[-1].rsplit(".", 1)[0])
        if wnid is None:
            raise InputError(f"{tree.path}: the ground truth has no label for val/{name}")
        if wnid in trained:
            add(rows, i, wnid)
        else:
            skipped += 1
    return skipped
