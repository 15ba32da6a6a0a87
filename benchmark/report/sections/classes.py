"""Class by class: one side against the other, by branch of WordNet, and what is taken for what."""

from __future__ import annotations

import numpy as np

from ..analysis.contest import Contest
from ..charts import confusion, per_class
from ..labels import labels
from ..numbers import named, percent, points, shortened
from ..tables import Column, Table, Value, number, text, who
from .parts import Charts, Numbers, Part, Section


class Classes:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where no two contenders can be set against each other."""
        each = classes(contest)
        if each is None or contest.headline_pair is None:
            return None
        figure = per_class.figure(contest)
        parts: list[Part] = []
        sentence = ""
        if figure is not None:
            sentence = figure.summary
            if len(figure.series) > 1 or figure.series[0].tone != "ink":
                second = named(contest.ranked[contest.headline_pair[1]].name)
                sentence += (
                    f" Marks below the diagonal are classes on which {second} errs less; a larger mark holds several "
                    "classes."
                )
            parts.append(Charts([figure], heading=figure.subtitle))
        grouped = branches(contest)
        parts += [Numbers(grouped)] if grouped is not None else []
        parts.append(Numbers(each))
        matrices = [m for i in contest.headline_pair if (m := confusion.figure(contest, i)) is not None]
        parts += [Charts(matrices)] if matrices else []
        mistaken = confusions(contest)
        parts += [Numbers(mistaken)] if mistaken is not None else []
        return Section("classes", "Class by class", sentence, parts, "Classes")


def _compared(contest: Contest) -> tuple[int, int] | None:
    pair = contest.headline_pair
    return pair if pair is not None and contest.labels is not None and {*pair} <= {*contest.paired} else None


def classes(contest: Contest) -> Table | None:
    """Errors of the two sides in every class."""
    pair = _compared(contest)
    if pair is None or contest.labels is None:
        return None
    a, b = pair
    x, y = contest.class_errors(a), contest.class_errors(b)
    count = np.bincount(contest.labels, minlength=contest.dataset.n_classes)
    grouped = contest.dataset.branches
    names = labels(contest.dataset)
    # An id that is the name, but for how it is spelled, says nothing.
    ids = any(
        _plain(one) != _plain(other)
        for one, other in zip(contest.dataset.classes, contest.dataset.class_names, strict=True)
    )
    columns = [
        Column("class"),
        *([Column("id", extra=True)] if ids else []),
        *([Column("branch", extra=True)] if grouped else []),
        Column("images", True),
        *_errors_of(contest, a, b),
        Column("difference", True, "in points; positive: the second has the smaller error"),
    ]
    rows = [
        [
            Value(names[c], contest.dataset.class_names[c]),
            *([text(contest.dataset.classes[c])] if ids else []),
            *([text(grouped[c])] if grouped else []),
            number(f"{count[c]:,}", count[c]),
            number(percent(x[c], 0), x[c]),
            number(percent(y[c], 0), y[c]),
            number("–" if np.isnan(x[c]) else points(x[c] - y[c], 0), x[c] - y[c]),
        ]
        for c in np.argsort(-np.abs(x - y), kind="stable")
    ]
    return Table("classes", f"Top-{contest.k} error in every class", columns, rows)


def _errors_of(contest: Contest, a: int, b: int) -> list[Column]:
    """Headings of both errors: without their settings where the two are told apart without them."""
    titles = [contest.titles[i] for i in (a, b)]
    bases = [title.partition(" (")[0] for title in titles]
    names = shortened(bases if bases[0] != bases[1] else titles, 28)
    return [Column(f"{name}: error", True, contest.ranked[i].name) for i, name in zip((a, b), names, strict=True)]


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").casefold().strip()


def branches(contest: Contest) -> Table | None:
    """Errors by branch of WordNet, where the run knows the branches."""
    names, pair = contest.dataset.branches, _compared(contest)
    if not names or pair is None or contest.labels is None:
        return None
    a, b = pair
    columns = [
        Column("branch"),
        Column("classes", True),
        Column("images", True),
        *_errors_of(contest, a, b),
        Column("difference", True),
    ]
    hits = [contest.mean_hits[contest.paired.index(i)] for i in (a, b)]
    rows = []
    for name in sorted(set(names)):
        members = np.array([c for c, branch in enumerate(names) if branch == name])
        mask = np.isin(contest.labels, members)
        if not mask.any():
            continue
        ex, ey = (1 - float(h[mask].mean()) for h in hits)
        rows.append(
            [
                text(name or "(none)"),
                number(f"{len(members):,}", len(members)),
                number(f"{mask.sum():,}", mask.sum()),
                number(percent(ex), ex),
                number(percent(ey), ey),
                number(points(ex - ey), ex - ey),
            ]
        )
    return Table("branches", "Errors by branch of WordNet", columns, rows)


def confusions(contest: Contest) -> Table | None:
    """The commonest mistakes of both sides: truth, first guess, how often."""
    if contest.headline_pair is None or contest.labels is None:
        return None
    n, names, whole = contest.dataset.n_classes, labels(contest.dataset), contest.dataset.class_names
    rows = []
    for i in contest.headline_pair:
        first = contest.ranked[i].first
        if first is None:
            continue
        wrong = first != contest.labels
        code, count = np.unique(contest.labels[wrong] * n + first[wrong], return_counts=True)
        total = np.bincount(contest.labels, minlength=n)
        for j in np.argsort(-count, kind="stable")[:25]:
            truth, guess = divmod(int(code[j]), n)
            share = count[j] / total[truth]
            rows.append(
                [
                    who(contest.ranked[i]),
                    Value(names[truth], whole[truth]),
                    Value(names[guess], whole[guess]),
                    number(f"{count[j]:,}", count[j]),
                    number(percent(share, 0), share),
                ]
            )
    columns = [
        Column("contender"),
        Column("truth"),
        Column("first guess"),
        Column("images", True),
        Column("of that class", True),
    ]
    rows.sort(key=lambda row: -float(row[3].raw or 0))
    return Table("confusions", "The commonest confusions", columns, rows) if rows else None
