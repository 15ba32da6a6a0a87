"""Which layout lies at a path: from the names of the files alone, the same for a folder, a tar and a zip."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ..errors import InputError
from .cifar import cifar, is_cifar
from .containers import GZIPPED, TARS, listing
from .found import Found, part
from .imagenet import DEVKITS, official, validation_truth
from .pack import is_pack, read_pack
from .stored import Stored
from .tables import SUFFIXES, image_shards, is_image_table, manifest
from .tree import IMAGE_SUFFIXES, TEST, TRAIN, VAL, Tree, is_image
from .webdataset import is_shard, shards
from .wordnet import readable, words

_SPLIT = re.compile(r"(.*?)(?:train|training)/[^/]+/.", re.IGNORECASE)
_Rows = tuple[list[int], list[str]]  # positions, classes


def recognise(path: Path, listed: Stored | None = None) -> Found:
    """The data set at ``path``; ``listed``: its files, where they are known. Raises InputError with one line."""
    if path.is_file() and is_pack(path):
        return read_pack(path)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return image_shards([path], path.parent) if is_image_table(path) else manifest(path)
    stored = listing(path) if listed is None else listed
    if is_shard(stored) and path.is_file():
        return shards([path], path.parent)
    archives = official(path, stored) if path.is_dir() else None
    tree = Tree(path, *(archives or (stored,)))
    if tree.has("wnids.txt") and tree.has("val/val_annotations.txt"):
        return tiny_imagenet(tree)
    if is_cifar(tree):
        return cifar(tree)
    if path.is_dir() and not any(map(is_image, tree.names)):
        files = [path / name for name in stored.paths]
        tables = [file for file in files if file.suffix.lower() == ".parquet"]
        if tables and is_image_table(tables[0]):
            return image_shards(tables, path)
        tars = [file for file in files if file.name.lower().endswith(TARS + GZIPPED)]
        if tars and is_shard(listing(tars[0])):
            return shards(tars, path)
    return folder_per_class(tree, "ILSVRC-2012, official archives" if archives else None)


def tiny_imagenet(tree: Tree) -> Found:
    """Tiny ImageNet-200 as it was published: train/<wnid>/images/, val/images/ and val/val_annotations.txt."""
    wnids = {line.strip() for line in tree.text("wnids.txt").splitlines() if line.strip()}
    listed = tree.text("words.txt") if tree.has("words.txt") else ""
    named = dict(line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    truth = {}
    for line in tree.text("val/val_annotations.txt").splitlines():
        fields = line.split("\t")
        if len(fields) >= 2:
            if fields[1] not in wnids:
                raise InputError(f"{tree.path}: val_annotations.txt names the class {fields[1]!r}, wnids.txt does not")
            truth[fields[0]] = fields[1]
    rows: dict[str, _Rows] = {"train": ([], []), "val": ([], [])}
    ignored = 0
    for i, name in enumerate(tree.names):
        if not is_image(name):
            continue
        split, _, below = name.partition("/")
        parts = below.split("/")
        if split == "train" and len(parts) == 3 and parts[1] == "images" and parts[0] in wnids:
            _add(rows[split], i, parts[0])
        elif split == "val" and len(parts) == 2 and parts[0] == "images" and parts[1] in truth:
            _add(rows[split], i, truth[parts[1]])
        else:
            ignored += 1
    classes = tuple(sorted(wnids))
    names = tuple(named[wnid].strip() if wnid in named else words(wnid) for wnid in classes)
    return _found(tree, "Tiny ImageNet", classes, names, rows, ignored=ignored)


def folder_per_class(tree: Tree, layout: str | None = None) -> Found:
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
    rows: dict[str, _Rows] = {split: ([], []) for split in wanted.values()}
    flat: list[tuple[int, str]] = []
    ignored = 0
    for i in images:
        name = tree.names[i]
        top, _, below = name[len(base) :].partition("/")
        split = wanted.get(top.lower() if train else "") if name.startswith(base) else None
        inside = below if train else name
        group, slash, _ = inside.partition("/")
        if split and slash:
            _add(rows[split], i, group)
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
    return _found(tree, layout or plain, classes, readable(classes), rows, len(base), notes=notes, ignored=ignored)


def _label_flat(tree: Tree, flat: list[tuple[int, str]], trained: set[str], rows: _Rows) -> int:
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
            _add(rows, i, wnid)
        else:
            skipped += 1
    return skipped


def _add(rows: _Rows, position: int, group: str) -> None:
    rows[0].append(position)
    rows[1].append(sys.intern(group))  # a thousand strings, not a million


def _found(
    tree: Tree,
    layout: str,
    classes: tuple[str, ...],
    names: tuple[str, ...],
    rows: dict[str, _Rows],
    base: int = 0,
    *,
    notes: tuple[str, ...] = (),
    ignored: int,
) -> Found:
    """``base``: how many characters of each name stand before the splits' folders."""
    label = {name: i for i, name in enumerate(classes)}
    parts = {}
    for split, (positions, groups) in rows.items():
        parts[split] = part(
            tree.stored,
            positions,
            [label[group] for group in groups],
            (lambda i: tree.names[i][base:]) if split == "all" else (lambda i: tree.names[i][base:].partition("/")[2]),
        )
    return Found(layout, classes, names, parts, notes=notes, ignored=ignored)
