"""``topfive list``: contenders, data sets, probes, studies; or one of them with its docstring and its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..config import studies as known_studies
from ..errors import InputError
from ..families import FAMILIES, OTHER
from ..specs import Spec, written
from .contract import FILLED
from .discovery import Entry, resolve


def contenders(entries: Iterable[Entry]) -> None:
    """A line for each, in a group for each family; nothing is imported."""
    groups: dict[str, list[tuple[str, ...]]] = {family.name: [] for family in FAMILIES}
    for entry in sorted(entries, key=lambda entry: entry.name):
        summary, family = entry.describe()
        foreign = "" if entry.origin.startswith("topfive ") else f"  ({entry.origin})"
        plain = summary.removeprefix(f"{entry.name}: ")
        line = (entry.name, family or OTHER, plain[:1].upper() + plain[1:] + foreign)
        groups.setdefault(line[1], []).append(line)
    lines = [line for members in groups.values() if members for line in [("", "", ""), *members]]
    _print(("contender", "family", "what it is"), lines)


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


def _print(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=title != titles[-1])
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)
