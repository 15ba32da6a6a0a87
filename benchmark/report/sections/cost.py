"""What it costs: error against time, memory, energy and arithmetic."""

from __future__ import annotations

from collections.abc import Callable

from ...families import tone_of
from ..analysis.contest import Contest
from ..charts import cost
from ..numbers import joules, percent, quantity, seconds, size
from ..tables import Column, Table, Value, number, text, without_empty
from .parts import Charts, Folded, Numbers, Part, Section


class Cost:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nothing finished."""
        if not contest.ranked:
            return None
        figures = cost.figures(contest)
        parts: list[Part] = [Charts(figures, [c.family for c in contest.ranked])] if figures else []
        parts.append(Numbers(costs(contest)))
        spent = stages(contest)
        if spent is not None:
            parts.append(Folded("Where the time went", [Numbers(spent)]))
        sentence = (
            "Down and to the left is better. The dotted line is the Pareto front: the contenders that nobody beats at "
            "both. Times and memory are of the machine named under provenance."
            if figures
            else ""
        )
        return Section("cost", "What it costs", sentence, parts, "Cost")


def costs(contest: Contest) -> Table:
    """Every ranked contender: what it costs."""
    asked: list[tuple[str, str, Callable[[float | None], str]]] = [
        ("fit", "fit_seconds", seconds),
        ("predict", "predict_seconds", seconds),
        ("processor time", "cpu_seconds", seconds),
        ("images/s", "images_per_second", quantity),
        ("memory", "peak_rss_bytes", size),
        ("GPU memory", "peak_gpu_bytes", size),
        ("energy", "energy_joules", joules),
        ("parameters", "n_parameters", quantity),
        ("operations/image", "flops_per_image", quantity),
    ]
    columns = [
        Column("contender"),
        Column(f"top-{contest.k} error", True),
        *(Column(name, True) for name, _, _ in asked),
        Column("device"),
    ]
    rows = [
        [
            Value(c.name, tone=tone_of(c.family)),
            number(percent(e.value), e.value),
            *(number(shown(c.mean(field)), c.mean(field)) for _, field, shown in asked),
            text(c.record.device or "–"),
        ]
        for c, e in zip(contest.ranked, contest.errors, strict=True)
    ]
    return without_empty(Table("costs", "Every contender and its cost", columns, rows))


def stages(contest: Contest) -> Table | None:
    """Where the time went, as the contenders recorded it."""
    rows = [
        [Value(c.name, tone=tone_of(c.family)), text(stage), number(seconds(s), s)]
        for c in contest.ranked
        for stage, s in c.record.timings.items()
    ]
    columns = [Column("contender"), Column("stage"), Column("time", True)]
    return Table("stages", "Where the time went", columns, rows) if rows else None
