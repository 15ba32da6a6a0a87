"""How contenders, probes and sections are found, built-in and foreign alike, without importing any of them.

Three ways in: an entry-point group (the built-ins use it too), ``module:Class``, and single files
(``--plugin file.py``). Listing reads source text only, so it stays quick and cannot be broken by a plugin; a
contender's module is imported in its own process when its turn comes.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import topfive.common
from topfive.common.sources import source_digest

from ..errors import InputError
from ..specs import Spec, near, nearest

PLUGIN_MODULE = "topfive_plugin_"  # begins the name of the module of a plugin's file


@dataclass(frozen=True)
class Kind:
    """Something that others may bring: ``what`` it is called, its entry-point ``group``, and its classes in a file.

    methods: those that mark a class in a plugin's file as one, all of a set; several sets for several ways to be one.
    """

    what: str
    group: str
    methods: tuple[frozenset[str], ...]


CONTENDER = Kind(
    "contender", "topfive.methods", (frozenset({"fit", "decision_function"}), frozenset({"fit", "predict_proba"}))
)
PROBE = Kind("probe", "topfive.probes", (frozenset({"views"}), frozenset({"ask"})))
SECTION = Kind("section", "topfive.sections", (frozenset({"build"}),))
KINDS = (CONTENDER, PROBE, SECTION)


@dataclass(frozen=True)
class Entry:
    """What could be taken by its name. ``target`` is ``module:Class`` or ``/path/file.py:Class``."""

    name: str
    target: str
    origin: str

    def load(self) -> Any:
        """Import the module and return the class (or factory). Raises whatever the import raises."""
        module_name, _, attribute = self.target.rpartition(":")
        if module_name.endswith(".py"):
            module = _import_file(Path(module_name))
        else:
            module = importlib.import_module(module_name)
        found: Any = module
        for part in attribute.split("."):
            found = getattr(found, part)
        return found

    def describe(self) -> tuple[str, str]:
        """(first sentence of the docstring, family), read from the source text; empty where it cannot be found."""
        lineage = self._lineage()
        if not lineage:
            return "", ""
        paragraph = " ".join((ast.get_docstring(lineage[0]) or "").partition("\n\n")[0].split()).replace("``", "")
        families = [family for node in lineage if (family := _constant(node, "family"))]
        return paragraph, families[0] if families else ""

    def summary(self) -> str:
        """The first sentence of the docstring without its own name, beginning with a capital."""
        said = self.describe()[0].removeprefix(f"{self.name}: ")
        return said[:1].upper() + said[1:]

    def is_part(self) -> bool:
        """Whether the class, or one of its bases, says ``part = True``, read from the source text."""
        return any(_constant(node, "part") == "True" for node in self._lineage())

    def _lineage(self) -> list[ast.ClassDef]:
        module_name, _, attribute = self.target.rpartition(":")
        path = _source(module_name)
        return [] if path is None else list(_lineage(path, attribute))

    def code_version(self) -> str:
        """A digest of its sources: of its file, or of the package its module lies in, and of what topfive shares.

        Results of other code are never taken for its own.
        """
        path = _source(self.target.rpartition(":")[0])
        if path is None:
            return self.origin
        packaged = (path.parent / "__init__.py").is_file() and not self.target.rpartition(":")[0].endswith(".py")
        # Read anew each time: a cell's process imports what stands in the file then.
        return source_digest.__wrapped__(path.parent if packaged else path, _COMMON)


_COMMON = Path(topfive.common.__file__).parent


def discover(plugins: list[str] | None = None, kind: Kind = CONTENDER) -> dict[str, Entry]:
    """Every one of a kind that can be named, built-ins first. Raises InputError when two share a name."""
    entries: dict[str, Entry] = {}
    points = importlib.metadata.entry_points(group=kind.group)
    found = [(p.name, p.value, f"{p.dist.name} {p.dist.version}" if p.dist else "?") for p in points]
    for file in plugins or []:
        found += [(name, f"{path}:{cls}", path.name) for path, name, cls in _classes_of_plugin(file, kind)]
    for name, target, origin in sorted(set(found), key=lambda row: (not row[2].startswith("topfive "), row)):
        if name in entries and entries[name].target != target:
            raise InputError(
                f"two {kind.what}s are called {name!r}: {entries[name].target} ({entries[name].origin}) and {target} "
                f"({origin}); rename one"
            )
        entries[name] = Entry(name, target, origin)
    return entries


def resolve(spec: Spec, entries: dict[str, Entry], kind: Kind = CONTENDER) -> Entry:
    """The entry for a name or ``module:Class``. Raises InputError with the nearest name."""
    if spec.name in entries:
        return entries[spec.name]
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", spec.name):
        return Entry(spec.name, spec.name, spec.name.partition(":")[0])
    if not importlib.metadata.entry_points(group=kind.group):
        raise InputError("topfive is on Python's path but not installed, so none of its own are known: pip install it")
    hint = near(spec.name, entries) or "a file of your own needs --plugin FILE.py"
    what, listed = ("method", "") if kind is CONTENDER else (kind.what, f" {kind.what}s")
    raise InputError(f"unknown {what} {spec.name!r}; {hint} (`topfive list{listed}` shows all)")


def check_params(spec: Spec, factory: Any) -> None:
    """Raise InputError when ``factory`` does not take one of the parameters, naming the nearest one it does."""
    known = parameters(factory)
    for key in spec.params:
        if known is not None and key not in known:
            raise InputError(f"{spec.name}: {nearest(key, known, 'parameter')}")


def parameters(factory: Any) -> set[str] | None:
    """Names of the arguments that ``factory`` takes; None where it takes any."""
    signature = inspect.signature(factory)
    if any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return None
    return {name for name, p in signature.parameters.items() if p.kind is not p.VAR_POSITIONAL}


def kebab(name: str) -> str:
    """``MeanColor`` → ``mean-color``, ``HOGPlus`` → ``hog-plus``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).replace("_", "-").lower()


def _import_file(path: Path) -> Any:
    name = f"{PLUGIN_MODULE}{path.stem}_{hashlib.blake2b(str(path).encode(), digest_size=4).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module


def _classes_of_plugin(file: str, kind: Kind) -> list[tuple[Path, str, str]]:
    """(file, kebab-case name, class) of one kind. Raises InputError for a file that holds nothing of any kind."""
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise InputError(f"there is no plugin file {file}")
    try:
        classes = _classes(path)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{file} is not valid Python: {error}") from None
    ours = {
        alias.asname or alias.name
        for item in _parse(path).body
        if isinstance(item, ast.ImportFrom) and (item.module or "").startswith("topfive.")
        for alias in item.names
    }
    public = {name: node for name, node in classes.items() if not name.startswith("_")}
    of_kind = {one: [name for name, node in public.items() if _is_a(one, node, classes, ours)] for one in KINDS}
    if not any(of_kind.values()):
        raise InputError(
            f"{file} holds no contender: a class with fit and decision_function or predict_proba (see `topfive "
            "new`); nor a probe (views or ask) or a section (build)"
        )
    return [(path, kebab(name), name) for name in of_kind[kind]]


def _is_a(kind: Kind, node: ast.ClassDef, classes: dict[str, ast.ClassDef], ours: set[str]) -> bool:
    """Whether the class, or one of its bases in the same file, defines what marks the kind.

    Of a contender a foreign base may bring one of the two methods, and a base imported from topfive (``ours``) both.
    """
    methods: set[str] = set()
    foreign = False
    queue, seen = [node], set()
    while queue:
        current = queue.pop()
        if current.name in seen:
            continue
        seen.add(current.name)
        methods |= {item.name for item in current.body if isinstance(item, ast.FunctionDef)}
        for base in _bases(current):
            if base in classes:
                queue.append(classes[base])
            elif base in ours:
                return kind is CONTENDER
            elif base not in ("object", "Protocol", "BaseEstimator", "ClassifierMixin", "TransformerMixin", "Module"):
                foreign = True
    return any(marks <= methods or (foreign and len(marks) > 1 and bool(marks & methods)) for marks in kind.methods)


def _lineage(path: Path, name: str) -> Iterator[ast.ClassDef]:
    """The class ``name`` and its bases, nearest first, as far as they stand in the same file or the files beside it."""
    tree = _parse(path)
    node = _classes(path).get(name)
    if node is not None:
        yield node
        for base in _bases(node):
            if base != name:
                yield from _lineage(path, base)
        return
    for item in tree.body:
        if isinstance(item, ast.ImportFrom) and item.level == 1 and name in [a.asname or a.name for a in item.names]:
            beside = path.parent / f"{item.module}.py"
            if beside.is_file() and beside != path:
                yield from _lineage(beside, name)


def _parse(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


@functools.cache
def _parsed(path: Path, changed: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _parse(path).body if isinstance(node, ast.ClassDef)}


def _bases(node: ast.ClassDef) -> list[str]:
    return [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "?") for base in node.bases]


def _constant(node: ast.ClassDef, name: str) -> str:
    for item in node.body:
        target = item.targets[0] if isinstance(item, ast.Assign) else getattr(item, "target", None)
        value = getattr(item, "value", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(value, ast.Constant):
            return str(value.value)
    return ""


def _source(module: str) -> Path | None:
    """The source file of ``module``, found without importing it (a parent package may be, where it must)."""
    if module.endswith(".py"):
        return Path(module)
    head, *rest = module.split(".")
    for depth in range(len(rest) + 1):
        try:
            spec = importlib.util.find_spec(".".join([head, *rest[:depth]]))
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        remaining = rest[depth:]
        if not remaining:
            return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
        for folder in spec.submodule_search_locations or []:
            base = Path(folder, *remaining)
            for candidate in (base.with_suffix(".py"), base / "__init__.py"):
                if candidate.is_file():
                    return candidate
    return None
