"""What an archive holds once it is extracted: the last member of a name counts, links lead to other members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...errors import InputError

NOWHERE = -1
_MOST_STEPS = 40  # from link to link, as Linux allows
MOST_LINKED = 10_000  # folders entered through links: links of links may lead to more files than a disk holds


@dataclass(frozen=True)
class Link:
    """A member that leads to another. before: how many files came before it. target: as it is written.

    hard: the other is meant as it is at that place of the archive, by its path from the archive's root.
    """

    before: int
    name: str
    target: str
    hard: bool
    root: str = ""  # the folder that is the root for the target: archives may lie in an archive


@dataclass
class _Folder:
    inside: dict[str, _Folder | int | Link] = field(default_factory=dict)


def settle(names: Sequence[str], links: Sequence[Link]) -> list[tuple[str, int]]:
    """(name, position in ``names``) of every file as ``tar`` or ``unzip`` would leave it; NOWHERE for a broken link.

    Raises InputError where links lead to more folders than can be meant.
    """
    last: dict[str, int | Link] = {}
    waiting = list(reversed(links))
    for i in range(len(names) + 1):
        while waiting and waiting[-1].before == i:
            link = waiting.pop()
            target = _cleaned(link.root, link.target) if link.hard else None
            last[link.name] = link if target is None else last.get(target, NOWHERE)
        if i < len(names):
            last[names[i]] = i
    if not any(isinstance(one, Link) for one in last.values()):
        return [(name, one) for name, one in last.items() if isinstance(one, int)]
    root = _Folder()
    for name, one in last.items():
        *folders, base = name.split("/")
        here = root
        for part in folders:
            below = here.inside.get(part)
            if not isinstance(below, _Folder):
                below = here.inside[part] = _Folder()
            here = below
        if not isinstance(here.inside.get(base), _Folder):
            here.inside[base] = one
    return list(_walk(root))


def _walk(root: _Folder) -> Iterator[tuple[str, int]]:
    linked = 0
    # Its name, where it truly is (links inside it are meant from there), and the folders that it is in.
    waiting: list[tuple[str, list[str], _Folder, tuple[_Folder, ...]]] = [("", [], root, ())]
    while waiting:
        below, place, folder, above = waiting.pop()
        for name, one in folder.inside.items():
            end, there = _follow(root, place, one) if isinstance(one, Link) else (one, [*place, name])
            if isinstance(end, _Folder):
                if any(end is other for other in (*above, folder)):
                    continue  # a link that leads back to where it lies
                linked += isinstance(one, Link)
                if linked > MOST_LINKED:
                    raise InputError(f"links lead to more than {MOST_LINKED:,} folders; unpack it, leave some out")
                waiting.append((f"{below}{name}/", there, end, (*above, folder)))
            elif isinstance(end, int):
                yield below + name, end


def _follow(root: _Folder, place: list[str], link: Link) -> tuple[_Folder | int, list[str]]:
    """What a link in the folder ``place`` leads to at last, and where that is."""
    at, top, steps = place, _parts(link.root), 0
    todo = [link.target]
    while todo:
        head, *rest = todo.pop(0).split("/", 1)
        todo = rest + todo
        if head in ("", "."):
            continue
        if head == "..":
            if len(at) <= len(top):
                return NOWHERE, []  # out of the archive
            at = at[:-1]
            continue
        here = _at(root, at)
        one = NOWHERE if here is None else here.inside.get(head, NOWHERE)
        if isinstance(one, Link):
            steps += 1
            if steps > _MOST_STEPS or one.target.startswith("/"):
                return NOWHERE, []
            todo.insert(0, one.target)
        elif isinstance(one, int):
            return (one, []) if not any(todo) else (NOWHERE, [])
        else:
            at = [*at, head]
    end = _at(root, at)
    return (NOWHERE, []) if end is None or link.target.startswith("/") else (end, at)


def _at(root: _Folder, place: list[str]) -> _Folder | None:
    here: _Folder | int | Link | None = root
    for part in place:
        here = here.inside.get(part) if isinstance(here, _Folder) else None
    return here if isinstance(here, _Folder) else None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _cleaned(root: str, target: str) -> str | None:
    parts = [part for part in target.split("/") if part not in ("", ".")]
    return None if ".." in parts else root + "/".join(parts)
