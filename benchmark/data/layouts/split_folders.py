"""Which folders are splits: ``train/`` and ``val/``, and the many other ways to call and nest them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..storage.split_words import only_noise, split_of_folder


@dataclass
class _Folder:
    """images: whether some lie in it, not deeper. inside: the folders in it that hold images, deeper ones too."""

    images: bool = False
    inside: dict[str, _Folder] = field(default_factory=dict)


@dataclass(frozen=True)
class Splits:
    """The folders of "train", "val" and "test" that were found, each with the "/" that ends it, and their own names.

    inner: where the class folders of each begin, which may be deeper. flat: the splits without class folders. base: the
    folder that all of them are in. others: what further data sets in the same folder are called, in words.
    """

    folders: dict[str, str]
    inner: dict[str, str]
    names: dict[str, str]
    flat: frozenset[str]
    base: str
    own: str = ""
    others: tuple[str, ...] = ()


def find_splits(folders: Iterable[str]) -> Splits | None:
    """From the folders that hold images, each with the "/" that ends it; None where none of them is a split.

    Splits stand beside each other and differ in the word for the split alone: ``images_train/`` and ``images_val/``,
    but not ``bullet_train/`` and ``test_tube/``. The outermost ones count; of several, those with the plainest names.
    Among other folders, "train" may be a class, beside cars and ships.
    """
    level = [("", _tree(folders))]
    while level:
        for base, folder in level:
            splits = _splits_in(base, folder)
            if splits is not None:
                return splits
        level = [(f"{base}{name}/", inner) for base, folder in level for name, inner in sorted(folder.inside.items())]
    return None


def _splits_in(base: str, folder: _Folder) -> Splits | None:
    by_rest: dict[str, dict[str, list[str]]] = {}
    for name in sorted(folder.inside):
        told = split_of_folder(name)
        if told is not None:
            by_rest.setdefault(told[1], {}).setdefault(told[0], []).append(name)
    pairs = sorted(rest for rest, found in by_rest.items() if "train" in found and len(found) > 1)
    if not pairs:
        if "train" not in by_rest.get("", {}) or not _may_be_a_split(folder, by_rest[""]["train"][0]):
            return None
        pairs = [""]
    found = by_rest[pairs[0]]
    names = {split: _plainest(several) for split, several in found.items()}
    flat = {split for split, name in names.items() if not folder.inside[name].inside}
    if "train" in flat and (base or set(folder.inside) - set(names.values())):
        return None  # folders of images among others, no folders of classes
    twice = [name for split, several in found.items() for name in several if name != names[split]]
    inner = {}
    for split, name in names.items():
        inner[split] = base + name + "/" + ("" if split in flat else _wrapping(name, folder.inside[name]))
    return Splits(
        {split: f"{base}{name}/" for split, name in names.items()},
        inner,
        names,
        frozenset(flat),
        base,
        pairs[0],
        (*pairs[1:], *twice),
    )


def _may_be_a_split(folder: _Folder, train: str) -> bool:
    """Whether ``train/`` without another split holds classes, rather than being one."""
    own = set(folder.inside[train].inside)
    others = [inner for name, inner in folder.inside.items() if name != train]
    return bool(own) and (not others or any(own & set(inner.inside) for inner in others))


def _plainest(several: list[str]) -> str:
    """Of several names for one split, the shortest, which says least else."""
    return min(several, key=lambda name: (len(name), name))


def _wrapping(name: str, folder: _Folder) -> str:
    """``train/`` in ``train/train/cat/``, ``images/`` in ``train/images/cat/``: folders around the class folders."""
    path = ""
    while len(folder.inside) == 1 and not folder.images:
        (inner,) = folder.inside
        if not folder.inside[inner].inside or not (inner == name or split_of_folder(inner) or only_noise(inner)):
            break
        path, folder = f"{path}{inner}/", folder.inside[inner]
    return path


def lone_wrapping(folders: Iterable[str]) -> str:
    """``images/`` where all images lie in ``images/<class>/``: a folder whose name says nothing is no class."""
    path, folder = "", _tree(folders)
    while len(folder.inside) == 1 and not folder.images:
        (inner,) = folder.inside
        if not folder.inside[inner].inside or not only_noise(inner):
            break
        path, folder = f"{path}{inner}/", folder.inside[inner]
    return path


def splits_below_classes(folders: Iterable[str]) -> dict[str, tuple[str, str]] | None:
    """Folder → (split, class) where every image lies in ``<class>/<split>/``; None where that is not so."""
    told = {}
    for path in folders:
        parts = path.split("/")[:-1]
        split = split_of_folder(parts[-1]) if len(parts) == 2 else None
        if split is None or split[1]:
            return None
        told[path] = split[0], parts[0]
    found = {split for split, _ in told.values()}
    return told if "train" in found and len(found) > 1 else None


def alike_inside(folders: Iterable[str]) -> tuple[list[str], list[str]]:
    """Outer folders that hold the same inner ones, and those: perhaps splits under names that nobody knows."""
    inside = {name: set(folder.inside) for name, folder in _tree(folders).inside.items()}
    shared = set.intersection(*inside.values()) if len(inside) > 1 else set()
    return (sorted(inside), sorted(shared)) if len(shared) > 1 else ([], [])


def _tree(folders: Iterable[str]) -> _Folder:
    root = _Folder()
    for path in folders:
        here = root
        for part in path.split("/")[:-1]:
            here = here.inside.setdefault(part, _Folder())
        here.images = True
    return root
