"""Which layout lies at a path: from the names of the files alone, the same for a folder, a tar and a zip."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from ..errors import InputError
from .containers import hidden, listing
from .decode import Unreadable
from .found import Found, part
from .stored import Reader, Stored

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_WNID = re.compile(r"n\d{8}")
_TRAIN, _VAL, _TEST = ("train", "training"), ("val", "valid", "validation"), ("test",)
_MAX_TEXT = 64 * 2**20


class Tree:
    """The files at a path under their names, a lone outer folder taken off."""

    def __init__(self, path: Path, stored: Stored) -> None:
        self.path = path
        self.stored = stored
        names = list(stored.paths)
        tops = {name.partition("/")[0] for name in names if "/" in name}
        # One folder holds everything, as in most archives; a folder named train/ or by a class holds a layout's part.
        while len(tops) == 1 and all("/" in name for name in names):
            top = next(iter(tops))
            if top.lower() in _TRAIN + _VAL + _TEST:
                break
            inner = [name[len(top) + 1 :] for name in names]
            if not any("/" in name for name in inner):
                break
            names = inner
            tops = {name.partition("/")[0] for name in names if "/" in name}
        self.names = names
        self._places: dict[str, int] | None = None

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return name in self._all()

    def text(self, name: str) -> str:
        """The text of a small file."""
        place = self._all()[name]
        if self.stored.length[place] > _MAX_TEXT:
            raise InputError(f"{self.path}: {name} is larger than {_MAX_TEXT:,} bytes: not the list it should be")
        try:
            return Reader(self.stored).read(place).decode("utf-8", "replace")
        except Unreadable as error:
            raise InputError(f"{self.path}: {name}: {error}") from None

    def _all(self) -> dict[str, int]:
        if self._places is None:
            # Lists and tables only: 1.3 million image names need no dictionary.
            self._places = {name: i for i, name in enumerate(self.names) if not is_image(name)}
        return self._places


def is_image(name: str) -> bool:
    """Whether the name ends like one of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not hidden(name)


def recognise(path: Path, listed: Stored | None = None) -> Found:
    """The data set at ``path``; ``listed``: its files, where they are known. Raises InputError with one line."""
    tree = Tree(path, listing(path) if listed is None else listed)
    if tree.has("wnids.txt") and tree.has("val/val_annotations.txt"):
        return tiny_imagenet(tree)
    return folder_per_class(tree)


def tiny_imagenet(tree: Tree) -> Found:
    """Tiny ImageNet-200 as it was published: train/<wnid>/images/, val/images/ and val/val_annotations.txt."""
    classes = tuple(sorted({line.strip() for line in tree.text("wnids.txt").splitlines() if line.strip()}))
    label = {wnid: i for i, wnid in enumerate(classes)}
    words = (
        dict(line.split("\t", 1) for line in tree.text("words.txt").splitlines() if "\t" in line)
        if tree.has("words.txt")
        else {}
    )
    truth = {}
    for line in tree.text("val/val_annotations.txt").splitlines():
        fields = line.split("\t")
        if len(fields) >= 2:
            if fields[1] not in label:
                raise InputError(f"{tree.path}: val_annotations.txt names the class {fields[1]!r}, wnids.txt does not")
            truth[fields[0]] = label[fields[1]]
    rows: dict[str, tuple[list[int], list[int], list[str]]] = {"train": ([], [], []), "val": ([], [], [])}
    ignored = 0
    for i, name in enumerate(tree.names):
        parts = name.split("/")
        found: tuple[str, int] | None = None
        if is_image(name):
            if len(parts) == 4 and parts[0] == "train" and parts[2] == "images" and parts[1] in label:
                found = "train", label[parts[1]]
            elif len(parts) == 3 and parts[:2] == ["val", "images"] and parts[2] in truth:
                found = "val", truth[parts[2]]
            else:
                ignored += 1
        if found:
            split, answer = found
            rows[split][0].append(i)
            rows[split][1].append(answer)
            rows[split][2].append(name.partition("/")[2])
    return Found(
        "Tiny ImageNet",
        classes,
        tuple(words.get(wnid, wnid).strip() for wnid in classes),
        {split: part(tree.stored, *columns) for split, columns in rows.items()},
        ignored=ignored,
    )


def folder_per_class(tree: Tree) -> Found:
    """One folder per class, with train/ and val/ above (or valid/, validation/; test/ where there is no val/)."""
    images = [(i, name) for i, name in enumerate(tree.names) if is_image(name)]
    if not images:
        raise InputError(f"{tree.path} holds no images ({', '.join(IMAGE_SUFFIXES)})")
    tops = Counter(name.partition("/")[0].lower() for _, name in images if "/" in name)
    train = next((top for top in _TRAIN if top in tops), None)
    val = next((top for top in (*_VAL, *_TEST) if top in tops), None)
    wanted = {train: "train", val: "val"} if train and val else {"": "all"}
    if train and not val:
        raise InputError(f"{tree.path} has {train}/ but no val/ beside it; give both, or the folder {train} itself")
    rows: dict[str, tuple[list[int], list[str], list[str]]] = {split: ([], [], []) for split in wanted.values()}
    ignored = 0
    for i, name in images:
        top, _, below = name.partition("/")
        split = wanted.get(top.lower() if train else "")
        inside = below if train else name
        group, slash, _ = inside.partition("/")
        if split is None or not slash:
            ignored += 1
            continue
        rows[split][0].append(i)
        rows[split][1].append(group)
        rows[split][2].append(inside)
    if ignored == len(images):
        raise InputError(f"{tree.path} holds images but no folder per class; put each class's images into its own")
    classes = tuple(sorted({group for _, groups, _ in rows.values() for group in groups}))
    label = {name: i for i, name in enumerate(classes)}
    return Found(
        f"folder per class, with {train}/ and {val}/" if train else "folder per class, no splits",
        classes,
        tuple(name.replace("_", " ") for name in classes),
        {
            split: part(tree.stored, positions, [label[group] for group in groups], names)
            for split, (positions, groups, names) in rows.items()
        },
        ignored=ignored,
    )
