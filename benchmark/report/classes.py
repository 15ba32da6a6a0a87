"""The tables of classes: the errors of the two sides in each, by branch of WordNet, and what is taken for what."""

from __future__ import annotations

import numpy as np

from ..families import tone_of
from .numbers import percent, points, short
from .study import Study
from .tables import Column, Table, Value, number, text


def classes(study: Study, key: str) -> Table | None:
    """Errors of the two sides in every class."""
    if study.duel is None or study.labels is None or not {*study.duel} <= {*study.paired}:
        return None
    a, b = study.duel
    x, y = study.class_errors(a), study.class_errors(b)
    count = np.bincount(study.labels, minlength=study.dataset.n_classes)
    branches = study.dataset.branches
    # An id that is the name, but for how it is spelled, says nothing.
    named = any(
        _plain(one) != _plain(other)
        for one, other in zip(study.dataset.classes, study.dataset.class_names, strict=True)
    )
    columns = [
        Column("class"),
        *([Column("id")] if named else []),
        *([Column("branch")] if branches else []),
        Column("images", True),
        Column(f"{short(study.ranked[a].name)}: error", True),
        Column(f"{short(study.ranked[b].name)}: error", True),
        Column("difference", True, "in points; positive: the second has the smaller error"),
    ]
    rows = [
        [
            text(study.dataset.class_names[c]),
            *([text(study.dataset.classes[c])] if named else []),
            *([text(branches[c])] if branches else []),
            number(f"{count[c]:,}", count[c]),
            number(percent(x[c], 0), x[c]),
            number(percent(y[c], 0), y[c]),
            number("–" if np.isnan(x[c]) else points(x[c] - y[c], 0), x[c] - y[c]),
        ]
        for c in np.argsort(-np.abs(x - y), kind="stable")
    ]
    return Table(f"{key}-classes", f"Top-{study.k} error in every class", columns, rows)


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").casefold().strip()


def branches(study: Study, key: str) -> Table | None:
    """Errors by branch of WordNet, where the run knows the branches."""
    names = study.dataset.branches
    if names is None or study.duel is None or study.labels is None or not {*study.duel} <= {*study.paired}:
        return None
    a, b = study.duel
    columns = [
        Column("branch"),
        Column("classes", True),
        Column("images", True),
        Column(f"{short(study.ranked[a].name)}: error", True),
        Column(f"{short(study.ranked[b].name)}: error", True),
        Column("difference", True),
    ]
    hits = [study.mean_hits[study.paired.index(i)] for i in (a, b)]
    rows = []
    for name in sorted(set(names)):
        members = np.array([c for c, branch in enumerate(names) if branch == name])
        mask = np.isin(study.labels, members)
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
    return Table(f"{key}-branches", "Errors by branch of WordNet", columns, rows)


def confusions(study: Study, key: str) -> Table | None:
    """The commonest mistakes of both sides: truth, first guess, how often."""
    if study.duel is None or study.labels is None:
        return None
    names, n = study.dataset.class_names, study.dataset.n_classes
    rows = []
    for i in study.duel:
        first = study.ranked[i].first
        if first is None:
            continue
        wrong = first != study.labels
        code, count = np.unique(study.labels[wrong] * n + first[wrong], return_counts=True)
        total = np.bincount(study.labels, minlength=n)
        for j in np.argsort(-count, kind="stable")[:25]:
            truth, guess = divmod(int(code[j]), n)
            share = count[j] / total[truth]
            rows.append(
                [
                    Value(study.ranked[i].name, tone=tone_of(study.ranked[i].family)),
                    text(names[truth]),
                    text(names[guess]),
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
    return Table(f"{key}-confusions", "The commonest confusions", columns, rows) if rows else None
