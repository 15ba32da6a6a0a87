"""``topfive list``: contenders, data sets, probes, studies; or one of them with its docstring and its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import studies as known_studies
from ..errors import InputError
from ..families import DEEP, FAMILIES, FLOOR, HAND, OTHER, PRETRAINED, SHALLOW
from ..specs import Spec, written
from .contract import FILLED
from .discovery import Entry, resolve

BEGIN = "-m sift-fisher -m alexnet"  # one of each side that takes minutes
STRONGEST = "-m best-of-2012 -m resnet-2015"  # docs/baselines.md and docs/cnn.md have what they reach
SIDES = {
    HAND: "hand-engineered features, with a linear classifier",
    DEEP: "deep networks, trained on your images alone",
    PRETRAINED: "pre-trained on other images: shown, but on neither side of the verdict",
    SHALLOW: "learned features, but shallow",
    FLOOR: "floors: what any contender has to beat",
}
PARTS = "parts to combine, as in -m 'fisher[descriptor=sift+lcs,k=256]'"


def contenders(entries: Iterable[Entry]) -> None:
    """What to begin with; then a line for each contender, by side, the parts to be recombined last. Imports none."""
    groups: dict[str, list[tuple[str, str]]] = {family.name: [] for family in FAMILIES}
    parts: list[tuple[str, str]] = []
    for entry in sorted(entries, key=lambda entry: entry.name):
        family = entry.describe()[1] or OTHER
        foreign = "" if entry.origin.startswith("topfive ") else f"  ({entry.origin})"
        line = (entry.name, entry.summary() + foreign)
        (parts if entry.is_part() else groups.setdefault(family, [])).append(line)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Begin with one of each side:  topfive run -d PATH {BEGIN}")
    console.print(f"The strongest, which is slow: topfive run -d PATH {STRONGEST}")
    console.print("What one of them is made of:  topfive list alexnet")
    named = [(SIDES.get(family, family), members) for family, members in groups.items()] + [(PARTS, parts)]
    width = max((len(name) for _, members in named for name, _ in members), default=0)
    for title, members in named:
        if members:
            console.print(f"\n[bold]{escape(title)}[/]")
            _group(members, width)


def datasets() -> None:
    """What ``-d`` takes."""
    from ..data.plugins import plugin_names
    from ..data.sources import SOURCES

    _print(
        ("data", "what it is"),
        [
            ("photos", "20 photographs, 64 × 64 pixel crops; built in"),
            *((name, "from an installed package") for name in plugin_names()),
            ("PATH", "any folder or archive of images"),
            *((f"data/{source.folder}", f"`topfive data get {name}` first") for name, source in SOURCES.items()),
        ],
    )


def probes(entries: Iterable[Entry]) -> None:
    """A line for each probe; nothing is imported."""
    lines = [(entry.name, entry.describe()[0]) for entry in entries]
    _print(("probe", "what it asks"), lines)


def studies() -> None:
    """A line for each study: the first of its file's comment."""
    lines = [
        (name, path.read_text(encoding="utf-8").partition("\n")[0].strip("# "))
        for name, path in known_studies().items()
    ]
    _print(("study", "what it answers"), lines)


def one(name: str, contenders: dict[str, Entry], probes: dict[str, Entry]) -> None:
    """Its docstring, its parameters, and the docstrings of the classes that it has parameters from.

    Raises InputError where it is not known or importable.
    """
    is_probe = name in probes and name not in contenders
    entry = resolve(Spec(name), {**probes, **contenders})  # all, so that the nearest of both kinds is named
    try:
        factory = entry.load()
        parameters = inspect.signature(factory).parameters.values()
    except (Exception, SystemExit) as error:  # a plugin may raise anything while it is imported
        raise InputError(f"{name} ({entry.target}) cannot be imported: {type(error).__name__}: {error}") from None
    family = "probe" if is_probe else str(getattr(factory, "family", "")) or "other"
    print(f"{name}  {family}  {entry.target} ({entry.origin})\n")
    print(_plain(inspect.getdoc(factory) or "It has no docstring."))
    print(f"\nParameters, written {name}[key=value,…]:" if parameters else "\nIt has no parameters.")
    filled = () if is_probe else FILLED
    for each in parameters:
        default = "" if each.default is each.empty else written(each.default)
        print(f"  {each.name:18}{default}{'  (the run fills it in)' if each.name in filled else ''}".rstrip())
    for base in getattr(factory, "__mro__", ())[1:-1]:
        if "__init__" in vars(base) and base.__doc__:
            print(f"\n{base.__name__}, which it builds on:\n\n{_plain(inspect.cleandoc(base.__doc__))}")


def _plain(docstring: str) -> str:
    return docstring.replace("``", "`")


def _group(rows: Iterable[tuple[str, str]], width: int) -> None:
    """Two columns, indented, without titles; the first is ``width`` wide in every group."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    table.add_column(no_wrap=True, min_width=width)
    table.add_column()
    _fill(table, rows)


def _print(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=title != titles[-1])
    _fill(table, rows)


def _fill(table: Table, rows: Iterable[tuple[str, ...]]) -> None:
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)
