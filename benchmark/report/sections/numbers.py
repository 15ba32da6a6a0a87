"""All numbers: every contender's metrics, and every pair's test."""

from __future__ import annotations

from collections.abc import Callable

from ...scoring.metrics import METRICS, Metric
from ..analysis.contest import Contest
from ..analysis.estimate import Estimate
from ..numbers import bare_p, decimal, percent, points, quantity
from ..tables import Column, Table, Value, number, text, who, without_empty
from .parts import Heading, Numbers, Part, Section, Text

WRITTEN: dict[str, Callable[[float], str]] = {
    "percent": percent,
    "count": quantity,
    "decimal": lambda value: decimal(value, 3),
}


class AllNumbers:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nothing finished."""
        if not contest.ranked:
            return None
        parts: list[Part] = [Numbers(contenders(contest))]
        compared = pairs(contest)
        if compared is not None:
            lead = (
                "Two contenders answer for the same images, so they are compared image by image. The pair of the "
                "verdict is corrected for having been chosen; all the others together, in Holm’s way, for being many. "
                "An interval holds 0 exactly when its pair is not told apart."
            )
            parts += [Heading("Is the difference real?"), Text([lead], "lede"), Numbers(compared)]
        sentence = "Per cent of validation images, with 95 % intervals."
        return Section("numbers", "All numbers", sentence, parts, "Numbers")


def contenders(contest: Contest) -> Table:
    """Every ranked contender and its metrics: a column for each row of ``scoring.metrics.METRICS`` that has a title."""
    columns, fields = [Column("contender"), Column("family", extra=True)], list[tuple[Metric, bool]]()
    for metric in _shown(contest):
        further = metric.range is None
        columns.append(Column(metric.title, True, metric.help, extra=further))
        fields.append((metric, False))
        if metric.range is not None:
            label = "95 % interval" if metric.k in (None, contest.k) else f"top-{metric.k} interval"
            columns.append(Column(label, True))
            fields.append((metric, True))
    rows = []
    for i, c in enumerate(contest.ranked):
        values = [_value(contest, i, metric, ranged) for metric, ranged in fields]
        rows.append([who(c), text(c.family), *values, number(str(c.seeds), c.seeds), text(c.name)])
    columns.append(Column("seeds", True, extra=all(c.seeds == 1 for c in contest.ranked)))
    columns.append(Column("specification", extra=True))
    return without_empty(Table("contenders", "Every contender and its errors", columns, rows))


def _shown(contest: Contest) -> list[Metric]:
    """The measure that ranks comes first; with five classes or fewer nobody can miss with five guesses."""
    first = [m for m in METRICS if m.title and m.k == contest.k and m.range is not None]
    others = [m for m in METRICS if m.title and m.k not in (None, contest.k) and m.range is not None]
    rest = [m for m in METRICS if m.title and m.range is None and m.k in (None, contest.k)]
    return [*first, *(others if contest.dataset.n_classes > 5 else []), *rest]


def _value(contest: Contest, i: int, metric: Metric, ranged: bool) -> Value:
    if metric.k is not None and metric.range is not None:
        e = contest.error(i, metric.k)
        return number(_range(e), e.high) if ranged else number(percent(e.value), e.value)
    value = contest.ranked[i].mean(f"{metric.name}_high" if ranged else metric.name)
    return number("–" if value is None else WRITTEN[metric.text](value), value)


def _range(e: Estimate) -> str:
    return f"{100 * e.low:.1f}–{100 * e.high:.1f}"


def pairs(contest: Contest) -> Table | None:
    """Every pair: difference, interval, p, and how many images would be needed."""
    if not contest.pairs:
        return None
    columns = [
        Column("better"),
        Column("worse"),
        Column("difference", True, "of the errors, in points; positive: the first is better"),
        Column(
            "interval",
            True,
            "95 % after the correction: at the level that it leaves to the pair; Tango’s score interval, "
            "with several seeds Welch’s t",
        ),
        Column("told apart", slim=True),
        Column("p, corrected", True, "for the number of pairs; the verdict’s pair for having been chosen"),
        Column("p", True, "McNemar’s test, mid-p; with several seeds Welch’s t over images and seeds", extra=True),
        Column("only better right", True, "images that the first gets and the second misses", extra=True),
        Column("only worse right", True, extra=True),
        Column("κ", True, "error consistency: 1 miss the same images, 0 as if independent", extra=True),
        Column(
            "images needed",
            True,
            "to tell the two apart after the correction with 80 % power, were the difference seen the true one",
            extra=True,
        ),
    ]
    rows = []
    for pair in contest.pairs:
        a, b = contest.ranked[pair.a], contest.ranked[pair.b]
        rows.append(
            [
                who(a),
                who(b),
                number(points(pair.gap.value), pair.gap.value),
                number(f"{points(pair.gap.low)} to {points(pair.gap.high)}", pair.gap.low),
                text("yes" if pair.told_apart else "no"),
                number(bare_p(pair.p_corrected), pair.p_corrected),
                number(bare_p(pair.p), pair.p),
                number(f"{pair.only_a:,}", pair.only_a),
                number(f"{pair.only_b:,}", pair.only_b),
                number("–" if pair.kappa is None else decimal(pair.kappa), pair.kappa),
                number("–" if pair.needed is None else f"{pair.needed:,}", pair.needed),
            ]
        )
    many = f"All {len(rows):,} pairs, tested on the same images"
    return Table("pairs", many if len(rows) > 1 else "The pair, tested on the same images", columns, rows)
