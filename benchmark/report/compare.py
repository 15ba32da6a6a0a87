"""What changed between two runs: each contender against itself on the same validation images."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import InputError
from ..families import tone_of
from ..results.run import Run, open_run
from ..scoring.paired import Difference, difference, holm_levels
from ..scoring.statistics import holm
from .analysis.contender import Contender, order
from .analysis.contest import Contest, contests_of
from .analysis.pairs import ALPHA
from .numbers import MINUS, NBSP, p_value, percent, points
from .page.html import html, write
from .tables import Column, Table, Value, number, text


@dataclass(frozen=True)
class Change:
    """One contender in both runs. ``gap``: new error minus old error at k, with its interval and p, both corrected for
    the number of contenders; ``test``: what they come from."""

    name: str
    family: str
    old: float
    new: float
    gap: float
    low: float | None
    high: float | None
    p: float | None
    fit: float | None  # new fit seconds over old ones
    test: Difference | None = None

    @property
    def verdict(self) -> str:
        """ "better", "worse", "the same answers", or "no change that can be told"."""
        if self.p is None:
            return "not tested: no predictions stored"
        if self.p >= ALPHA:
            return "no change" if self.gap == 0 and self.p == 1 else "no change that can be told"
        return "better" if self.gap < 0 else "worse"


@dataclass(frozen=True)
class Part:
    """One data set: the changes, and what is in one run only."""

    number: int
    title: str
    k: int
    changes: list[Change]
    notes: list[str]

    @property
    def table(self) -> Table:
        columns = [
            Column("contender"),
            Column(f"top-{self.k} error before", True),
            Column("after", True),
            Column("change", True, "in points; negative: fewer errors"),
            Column("interval", True, "95 % after Holm’s correction for the number of contenders"),
            Column("p, Holm", True),
            Column("verdict"),
            Column("fit time", True, "after over before"),
        ]
        rows = [
            [
                Value(c.name, tone=tone_of(c.family)),
                number(percent(c.old), c.old),
                number(percent(c.new), c.new),
                number(_signed(c.gap), c.gap),
                number("–" if c.low is None or c.high is None else f"{_signed(c.low)} to {_signed(c.high)}", c.low),
                number("–" if c.p is None else p_value(c.p), c.p),
                text(c.verdict),
                number("–" if c.fit is None else f"× {c.fit:.2f}", c.fit),
            ]
            for c in self.changes
        ]
        return Table(f"changes-{self.number}", "Each contender, before and after", columns, rows)


@dataclass(frozen=True)
class Comparison:
    """``lines`` to print, ``render`` for a page."""

    old: str
    new: str
    headline: str
    parts: list[Part]

    def lines(self) -> list[str]:
        """Plain text, a line each."""
        out = [self.headline]
        for part in self.parts:
            out += ["", part.title, *(f"  {note}" for note in part.notes)]
            width = max((len(c.name) for c in part.changes), default=0)
            for c in part.changes:
                line = f"  {c.name:<{width}}  {percent(c.old)} → {percent(c.new)}  ({_signed(c.gap)} points"
                if c.low is not None and c.high is not None:
                    line += f", {_signed(c.low)} to {_signed(c.high)}"
                out.append(line + (")" if c.p is None else f", {p_value(c.p)})") + f"  {c.verdict}")
        return [line.replace(NBSP, " ") for line in out]

    def render(self, out: Path) -> Path:
        """Write the page: into the file ``out`` where that ends in .html, else as ``out/comparison.html``; its path."""
        file = out if out.suffix.lower() in (".html", ".htm") else out / "comparison.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        title = f"topfive: {self.old} and {self.new}"
        write(file, html("comparison.html", title=title, c=self, version=""))
        return file


def compare(run_a: Path, run_b: Path) -> Comparison:
    """What changed from ``run_a`` to ``run_b``.

    Raises InputError, with the reason, where the two cannot be compared: no data set or no contender in common, other
    images under the same name, or a run that was cut short with --limit.
    """
    old, new = open_run(run_a), open_run(run_b)
    instead = f"`topfive report {shlex.quote(str(run_a))} {shlex.quote(str(run_b))}` shows both on one page"
    shared = [name for name in old.datasets if name in new.datasets]
    if not shared:
        raise InputError(
            f"nothing to compare: {run_a} has {', '.join(old.datasets) or 'no data set'}, "
            f"{run_b} has {', '.join(new.datasets) or 'no data set'}; {instead}"
        )
    for name in shared:
        _refuse(name, old, new)
    before, after = ({s.dataset.name: s for s in contests_of([run]) if s.dataset.name in shared} for run in (old, new))
    parts = [_part(i + 1, before[name], after[name]) for i, name in enumerate(before) if name in after]
    if not any(part.changes for part in parts):
        before_names, after_names = (_finished(run, shared) for run in (old, new))
        raise InputError(
            f"nothing to compare: no contender finished in both runs. {run_a} has {before_names}, {run_b} has "
            f"{after_names}; compare holds each contender against itself, {instead}"
        )
    return Comparison(str(run_a), str(run_b), _headline(parts), parts)


def _finished(run: Run, datasets: Sequence[str]) -> str:
    """The contenders that finished: "hog, chance"."""
    done = [r for r in run.records if r.probe is None and r.status == "done" and r.dataset in datasets]
    return ", ".join(dict.fromkeys(record.method for record in done)) or "none"


def _refuse(name: str, old: Run, new: Run) -> None:
    a, b = old.datasets[name], new.datasets[name]
    for run, dataset in ((old, a), (new, b)):
        if dataset.limited:
            raise InputError(f"{run.path} was cut short with --limit: its results on {name} are not comparable")
    if a.fingerprint is None or a.fingerprint != b.fingerprint:
        raise InputError(
            f"the images of {name} differ between the runs (fingerprint {a.fingerprint} and {b.fingerprint}): "
            "their errors cannot be compared"
        )


def _part(number: int, old: Contest, new: Contest) -> Part:
    before = {(c.name, c.per_class): c for c in [*old.ranked, *old.smaller]}
    after = {(c.name, c.per_class): c for c in [*new.ranked, *new.smaller]}
    both = [key for key in before if key in after]
    many_sizes = len({size for _, size in both if size is not None}) > 1
    changes = [_change(before[key], after[key], old, new, many_sizes=many_sizes) for key in both]
    changes = _corrected(changes)
    notes = []
    for where, mine, other in (("before", before, after), ("after", after, before)):
        names = sorted({name for name, size in mine if (name, size) not in other})
        if names:
            notes.append(f"Finished only {where}: {', '.join(names)}.")
    return Part(number, old.dataset.title, old.k, changes, notes)


def _change(old: Contender, new: Contender, before: Contest, after: Contest, *, many_sizes: bool) -> Change:
    k = before.k
    errors = old.mean(f"top{k}_err") or 0.0, new.mean(f"top{k}_err") or 0.0
    times = old.mean("fit_seconds"), new.mean("fit_seconds")
    test = None
    if old.paired and new.paired and before.ids is not None and after.ids is not None and before.labels is not None:
        rows = order(before.ids, after.ids)
        if rows is not None:
            test = difference(old.hits(k), new.hits(k)[:, rows], before.labels)
    return Change(
        name=f"{old.name}, {old.per_class:g} per class" if many_sizes and old.per_class is not None else old.name,
        family=new.family,
        old=errors[0],
        new=errors[1],
        gap=errors[1] - errors[0],
        low=None,
        high=None,
        p=None,
        fit=times[1] / times[0] if times[0] and times[1] else None,
        test=test,
    )


def _corrected(changes: list[Change]) -> list[Change]:
    """With intervals and p after Holm's correction over those that could be tested."""
    p = [c.test.p for c in changes if c.test is not None]
    levels, adjusted = iter(holm_levels(p, ALPHA).tolist()), iter(holm(p).tolist())
    out = []
    for c in changes:
        if c.test is not None:
            low, high = c.test.interval(next(levels))
            c = replace(c, low=low, high=high, p=next(adjusted))
        out.append(c)
    return out


def _headline(parts: list[Part]) -> str:
    changes = [c for part in parts for c in part.changes]
    better, worse = ([c.name for c in changes if c.verdict == word] for word in ("better", "worse"))
    rest = len(changes) - len(better) - len(worse)
    said = [f"{', '.join(names)} got {word}" for names, word in ((better, "better"), (worse, "worse")) if names]
    if not said:
        return f"Of {len(changes)} contenders in both runs none changed by more than luck explains."
    return f"{'; '.join(said)}; {rest} of {len(changes)} did not change by more than luck explains."


def _signed(fraction: float) -> str:
    shown = points(fraction)
    return shown if shown.startswith(MINUS) or not float(shown) else f"+{shown}"
