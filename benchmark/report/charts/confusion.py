"""What a contender takes for what: truth against first guess."""

from __future__ import annotations

import numpy as np

from ..analysis.contest import Contest
from ..labels import labels as labels_of
from ..numbers import named, percent, short
from .figure import MatrixFigure
from .wording import source

CLASSES = 30  # more would not be readable


def figure(contest: Contest, i: int) -> MatrixFigure | None:
    """Of the ranked contender ``i``; None without predictions or with more than ``CLASSES`` classes."""
    first, labels, n = contest.ranked[i].first, contest.labels, contest.dataset.n_classes
    if first is None or labels is None or n > CLASSES:
        return None
    counts = np.bincount(labels * n + first, minlength=n * n).reshape(n, n)
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals[:, None], 1)
    name, names = contest.ranked[i].title, labels_of(contest.dataset)
    wrong = counts * (1 - np.eye(n, dtype=np.int64))
    truth, guess = divmod(int(wrong.argmax()), n)
    summary = f"{name} is right at the first guess on {percent(float(np.trace(counts) / max(counts.sum(), 1)))}."
    title = f"{named(name)} takes no class for another"
    if wrong[truth, guess]:
        title = f"{named(name)} most often takes {short(names[truth], 40)} for {short(names[guess], 40)}"
        summary += f" Its commonest mistake: {names[truth]} taken for {names[guess]}, {wrong[truth, guess]:,} times."
    side = 0 if contest.headline_pair and i == contest.headline_pair[0] else 1
    return MatrixFigure(
        f"confusion-{('first', 'second')[side]}",
        title,
        summary,
        names,
        shares.tolist(),
        texts=[[f"{count}" if count else "" for count in row] for row in counts.tolist()],
        tips=[
            [
                f"{names[t]} taken for {names[g]}: {count:,} of {totals[t]:,} images"
                if count and t != g
                else f"{names[t]}, right: {count:,} of {totals[t]:,} images"
                if count
                else ""
                for g, count in enumerate(row)
            ]
            for t, row in enumerate(counts.tolist())
        ],
        rows_are="truth",
        columns_are="first guess",
        values_are="images",
        tone=contest.ranked[i].tone,
        source=source(contest, "Numbers are validation images; the shade is the share of the class."),
        subtitle=f"What {named(name)} takes for what, at its first guess",
        opens=[
            [f"of={t}&as={g}&by={side}" if count else "" for g, count in enumerate(row)]
            for t, row in enumerate(counts.tolist())
        ],
    )
