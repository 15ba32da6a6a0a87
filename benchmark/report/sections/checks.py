"""Is the count right? The scorer checked again from the stored predictions; what the data set is."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..analysis.selfcheck import checks
from ..numbers import counted, percent, quantity
from ..page.html import snippet
from ..tables import Column, Table, text
from .parts import Facts, Folded, Html, Numbers, Part, Section, Text


class Checks:
    """See the module."""

    def build(self, contest: Contest) -> Section:
        """Always there."""
        made = checks(contest)
        failed = sum(check.passed is False for check in made)
        parts: list[Part] = [Html(snippet("checks.html", checks=made)), Facts(facts(contest))]
        left_out = problems(contest)
        if left_out is not None:
            summary = f"Images that could not be read ({len(contest.dataset.problems)})"
            parts.append(Folded(summary, [Numbers(left_out)]))
        parts += [Text(contest.notes, "notes")] if contest.notes else []
        passed = sum(check.passed is True for check in made)
        found = f"{counted(failed, 'check')} failed" if failed else f"all {passed} checks passed"
        if not passed + failed:
            found = "none could be made, as none are stored"
        more = "Each check, and what the data set is"
        sentence = f"The scorer is checked again from the stored predictions whenever this page is made: {found}."
        return Section("checks", "Is the count right?", sentence, parts, lead=1 if failed else 0, more=more)


def facts(contest: Contest) -> list[tuple[str, str]]:
    """What the data set is, as the runs recorded it."""
    dataset, size = contest.dataset, contest.per_class
    found = [
        ("data set", f"{dataset.title} ({dataset.name})" if dataset.title != dataset.name else dataset.name),
        ("what it is", dataset.description),
        ("layout", dataset.layout),
        ("training images", f"{dataset.n_train:,}" + (f", {quantity(size)} per class" if size else "")),
        ("validation images", f"{dataset.n_val:,}"),
        ("chance level", f"{percent(contest.chance)} top-{contest.k} error"),
        ("fingerprint", dataset.fingerprint or "unknown"),
        ("notes", " ".join(dataset.notes)),
    ]
    return [(name, value) for name, value in found if value]


def problems(contest: Contest) -> Table | None:
    """Images left out for everybody because they could not be read."""
    columns = [Column("split"), Column("image"), Column("reason")]
    rows = [[text(p.split), text(p.id), text(p.reason)] for p in contest.dataset.problems]
    return Table("problems", "Left out for every contender", columns, rows[:1000]) if rows else None
