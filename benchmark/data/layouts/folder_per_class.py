"""A folder per class, with folders of splits above or without: the usual layout, and ImageNet's once extracted."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import InputError
from ..storage.found import Found
from ..storage.left_out import NO_CLASS, NO_LABEL, NO_SPLIT, TEST, LeftOut, Tally
from ..storage.location import Location
from ..storage.split_words import split_of_folder
from ..storage.tree import Tree
from .hints import no_classes, no_images
from .imagenet_labels import DEVKITS, validation_truth
from .rows import Rows, add, from_rows
from .split_folders import Splits, alike_inside, find_splits, lone_wrapping, splits_below_classes

_Folders = dict[str, list[int]]  # a folder's path with the "/" that ends it → the images in it, not deeper


def matches(location: Location) -> bool:
    """Always: this is the layout of last resort, and says what is wrong where it finds no classes."""
    return True


def read(location: Location) -> Found:
    """See ``read_tree``."""
    return read_tree(location.tree)


def read_tree(tree: Tree, layout: str | None = None, *, left_out: Iterable[LeftOut] = ()) -> Found:
    """One folder per class, with train/ and val/ above (see ``find_splits``; test/ where there is no val/).

    A val/ without folders is labelled by ImageNet's devkit or Kaggle's table. The splits may lie deeper, as in Kaggle's
    ILSVRC/Data/CLS-LOC/. Raises InputError.
    """
    if not tree.images:
        raise InputError(no_images(tree))
    folders: _Folders = {}
    for i in tree.images:
        name = tree.names[i]
        folders.setdefault(name[: name.rfind("/") + 1], []).append(i)
    others = Tally(tree.others, left_out)
    below = splits_below_classes(folders)
    if below is not None:
        return _classes_with_splits(tree, folders, below, others)
    splits = find_splits(folders)
    if splits is None:
        return _without_splits(tree, folders, layout, others)
    return _with_splits(tree, folders, splits, layout, others)


def _without_splits(tree: Tree, folders: _Folders, layout: str | None, others: Tally) -> Found:
    base = lone_wrapping(folders)
    rows: dict[str, Rows] = {"all": ([], [])}
    for folder, images in folders.items():
        group = folder[len(base) :].partition("/")[0]
        if group:
            _add_all(rows["all"], images, group)
        else:
            others.add(NO_CLASS, tree.names[images[0]], len(images))
    if not rows["all"][0]:
        raise InputError(no_classes(tree))
    groups = set(rows["all"][1])
    alone = split_of_folder(next(iter(groups))) if len(groups) == 1 else None
    if alone is not None and alone[0] != "train":
        archives = [name for name in tree.names if "train" in name.lower() and name.lower().endswith((".tar", ".zip"))]
        packed = f"; {archives[0]} is an archive: unpack it" if archives else ""
        raise InputError(f"{tree.path} has {next(iter(groups))}/ but no train/ beside it{packed}")
    _check_one_class(tree, groups, [folder[len(base) :] for folder in folders])
    notes = [*_vanished(tree, {base: groups}), *_suspicious(groups, folders)]
    return from_rows(
        tree,
        layout or "folder per class, no splits",
        rows,
        below={"all": len(base)},
        notes=tuple(notes),
        left_out=others.all(),
    )


def _classes_with_splits(tree: Tree, folders: _Folders, told: dict[str, tuple[str, str]], others: Tally) -> Found:
    """``cat/train/``, ``cat/val/``: the splits below the classes."""
    held_out = "val" if any(split == "val" for split, _ in told.values()) else "test"
    rows: dict[str, Rows] = {"train": ([], []), "val": ([], [])}
    for folder, images in folders.items():
        split, group = told[folder]
        if split in ("train", held_out):
            _add_all(rows["train" if split == "train" else "val"], images, group)
        else:
            others.add(TEST, tree.names[images[0]], len(images))
    return from_rows(tree, "folder per class, with the splits inside", rows, left_out=others.all())


def _with_splits(tree: Tree, folders: _Folders, splits: Splits, layout: str | None, others: Tally) -> Found:
    names, flat = splits.names, splits.flat
    train = names["train"].lower()
    if "train" in flat:
        found = " and ".join(f"{name}/" for name in names.values())
        raise InputError(
            f"{tree.path}: {found} look like splits, but hold images and no folder per class; "
            "put each class's images into a folder of its own, or list them in a CSV with path,label,split"
        )
    held_out = next((split for split in ("val", "test") if split in names and split not in flat), None)
    if held_out is None and "val" in names:
        held_out = "val"  # a list may label it
    if held_out is None and "test" not in names:
        beside = sorted({folder.partition("/")[0] for folder in folders if folder} - {names["train"]})
        found = f" (found: {', '.join(beside)})" if beside and not splits.base else ""
        raise InputError(
            f"{tree.path} has {train}/ but no val/ beside it{found}; give both, or the folder {names['train']} itself"
        )
    wanted = {"train": "train", held_out: "val"} if held_out else {"train": "all"}
    rows: dict[str, Rows] = {split: ([], []) for split in wanted.values()}
    loose: list[tuple[int, str]] = []
    passed: list[tuple[str, int]] = []
    for folder, images in folders.items():
        split = next((one for one, path in splits.folders.items() if folder.startswith(path)), None)
        example = tree.names[images[0]]
        if split is None:
            passed.append((example, len(images)))
        elif split not in wanted:
            others.add(f"{NO_LABEL}, in {names[split]}/" if split in flat else TEST, example, len(images))
        elif split in flat:
            loose += [(i, tree.names[i][len(splits.folders[split]) :]) for i in images]
        else:
            group = folder[len(splits.inner[split]) :].partition("/")[0]
            if folder.startswith(splits.inner[split]) and group:
                _add_all(rows[wanted[split]], images, group)
            else:
                others.add(NO_CLASS, example, len(images))
    for example, number in passed:
        others.add(NO_SPLIT, example, number)
    notes = list(_vanished(tree, {splits.inner[one]: set(rows[split][1]) for one, split in wanted.items()}))
    if splits.others:
        own = splits.own or names["train"]
        notes.insert(0, f"{tree.path.name} holds several data sets; {own} was taken, not {', '.join(splits.others)}.")
    held = names[held_out].lower() if held_out else ""
    if loose:
        skipped = _label_flat(tree, loose, set(rows["train"][1]), rows["val"], held)
        notes += [f"{skipped:,} validation images of classes without training images are not used."] * bool(skipped)
        others.add("of a class without training images", loose[0][1], skipped, told=False)
        kaggle = "ILSVRC-2012, Kaggle's tree" if splits.base.endswith("CLS-LOC/") else None
        layout = layout or kaggle or f"{train}/ with a folder per class, {held}/ labelled by a list"
    plain = f"folder per class, with {train}/ and {held}/" if held else f"folder per class in {train}/, no other split"
    return from_rows(
        tree,
        layout or plain,
        rows,
        below={split: len(splits.inner[one]) for one, split in wanted.items()},
        notes=tuple(notes),
        left_out=others.all(),
    )


def _add_all(rows: Rows, images: list[int], group: str) -> None:
    rows[0].extend(images)
    rows[1].extend([group] * len(images))


def _label_flat(tree: Tree, flat: list[tuple[int, str]], trained: set[str], rows: Rows, val: str) -> int:
    """Label images that lie in no folder; answers how many belong to classes that training lacks."""
    truth = validation_truth(tree)
    if truth is None:
        raise InputError(
            f"{tree.path}: the images of {val}/ lie in no class folder, and neither the devkit "
            f"({DEVKITS[0]}) nor LOC_val_solution.csv is there to label them"
        )
    skipped = 0
    for i, name in flat:
        wnid = truth.get(name.rsplit("/", 1)[-1].rsplit(".", 1)[0])
        if wnid is None:
            raise InputError(f"{tree.path}: the ground truth has no label for {val}/{name}")
        if wnid in trained:
            add(rows, i, wnid)
        else:
            skipped += 1
    return skipped


def _vanished(tree: Tree, found: dict[str, set[str]]) -> Iterable[str]:
    """A note on folders beside those of the classes that hold no image that is read. found: by the folder above."""
    gone = {}
    for base, groups in found.items():
        for name in (*tree.folders, *tree.unread):
            group = name[len(base) :].partition("/")[0] if name.startswith(base) else ""
            if group and group not in groups and (name in tree.folders or "/" in name[len(base) :]):
                gone[base + group] = "empty" if name in tree.folders else "nothing that is read"
    if gone:
        shown = ", ".join(f"{name} ({why})" for name, why in sorted(gone.items())[:5])
        more = f" and {len(gone) - 5:,} more" if len(gone) > 5 else ""
        yield f"No class, for want of images: {shown}{more}."


def _check_one_class(tree: Tree, groups: set[str], folders: list[str]) -> None:
    """Raises InputError where all images lie in one folder, and in several folders of it."""
    inner = sorted({folder.split("/")[1] for folder in folders if folder.count("/") > 1})
    if len(groups) > 1 or len(inner) < 2:
        return
    (group,) = groups
    cure = f"give {tree.path / group}" if tree.path.is_dir() else "unpack it and give that folder"
    raise InputError(
        f"{tree.path} holds one class only ({group}); its folders {', '.join(inner[:3])} may be the classes: {cure}"
    )


def _suspicious(groups: set[str], folders: _Folders) -> Iterable[str]:
    """Notes where what was taken for classes may be something else."""
    splits = sorted(group for group in groups if split_of_folder(group))
    if len(splits) > 1:
        yield f"Classes that are called like splits: {', '.join(splits)}. If they are, call them train/ and val/."
        return
    inside = sorted(folder.rstrip("/") for folder in folders if folder.count("/") > 1)
    if all(len(group) == 1 for group in groups) and len(inside) == len(folders) > len(groups):
        yield (
            f"The classes are single letters that hold folders ({', '.join(inside[:2])}). If those are the classes, as "
            "in SUN397, list the images in a manifest: a table with path and label."
        )
        return
    outer, inner = alike_inside(folders)
    if outer:
        yield (
            f"The classes {', '.join(outer[:3])} hold folders of the same names ({', '.join(inner[:3])}). "
            "If those are the classes and the outer folders splits, call them train/ and val/."
        )
