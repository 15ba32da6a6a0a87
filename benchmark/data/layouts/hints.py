"""What to say of a folder or archive in which no data set was recognised: what was found, and the one thing to do."""

from __future__ import annotations

from collections.abc import Sequence

from ..storage.formats import IMAGE_SUFFIXES
from ..storage.left_out import HIDDEN
from ..storage.tree import Tree

_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip", ".rar", ".7z")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


def no_images(tree: Tree) -> str:
    """For a place without images that can be read."""
    archives = _ending(tree, _ARCHIVES)
    if archives:
        return (
            f"{tree.path} holds no images but {_counted(archives, 'archive')}, which are not opened inside a folder; "
            "unpack them, each into a folder of its name, or give one of them as the path"
        )
    unread = [one for one in tree.others if one.told]
    if unread:
        found = "; ".join(f"{one.count:,} files are {one.reason} (for instance {one.example})" for one in unread)
        return f"{tree.path} holds no images that are read: {found}"
    hidden = [one for one in tree.stored.left_out if one.told or one.reason == HIDDEN]
    if hidden:
        found = "; ".join(f"{one.count:,} files are {one.reason} (for instance {one.example})" for one in hidden)
        return f"{tree.path} holds no images: {found}"
    tables = _ending(tree, _TABLES)
    if tables:
        return f"{tree.path} holds no images but {_counted(tables, 'table')}; give a table with columns path and label"
    return f"{tree.path} holds no images ({', '.join(IMAGE_SUFFIXES)})"


def no_classes(tree: Tree) -> str:
    """For images that lie in no folder of their class."""
    tables = _ending(tree, _TABLES)
    if tables:
        return (
            f"{tree.path} holds images but no folder per class; beside them is {_counted(tables, 'table')}: if it has "
            "the columns path and label, give the table itself as the path"
        )
    stems = {tree.names[i].rpartition(".")[0] for i in tree.images}
    beside = {
        ending for name in tree.names for stem, _, ending in [name.rpartition(".")] if stem in stems and "." in name
    }
    texts = sorted(beside & {"json", "txt", "caption"})
    if texts:
        return (
            f"{tree.path} holds images without a class: beside each is a .{' and a .'.join(texts)}, as img2dataset "
            "writes them, and no .cls; add a file KEY.cls with the class to each sample, or make a folder per class"
        )
    return f"{tree.path} holds images but no folder per class; put each class's images into its own"


def _ending(tree: Tree, endings: tuple[str, ...]) -> list[str]:
    return sorted(name for name in tree.names if name.lower().endswith(endings))


def _counted(names: Sequence[str], what: str) -> str:
    more = ", …" if len(names) > 2 else ""
    return f"{len(names):,} {what}{'s' * (len(names) != 1)} ({', '.join(names[:2])}{more})"
