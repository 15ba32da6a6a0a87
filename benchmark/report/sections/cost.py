"""What it costs: error against time, memory, energy and arithmetic; and what each contender was given."""

from __future__ import annotations

from collections.abc import Callable

from ..analysis.budget import further, has_budget, pixels, share
from ..analysis.contender import Contender
from ..analysis.contest import Contest
from ..charts import cost
from ..numbers import joules, percent, quantity, seconds, size
from ..tables import Column, Table, Value, number, text, who, without_empty
from .parts import Charts, Folded, Heading, Numbers, Part, Section, Text


class Cost:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nothing finished."""
        if not contest.ranked:
            return None
        figures = cost.figures(contest)
        parts: list[Part] = [Charts(figures, [c.family for c in contest.ranked])] if figures else []
        parts.append(Numbers(costs(contest)))
        given = budgets(contest)
        if given is not None:
            parts += [Heading("What each was given"), Text([GIVEN], "lede"), Numbers(given)]
        spent = stages(contest)
        if spent is not None:
            parts.append(Folded("Where the time went", [Numbers(spent)]))
        sentence = (
            "Down and to the left is better. The dotted line is the Pareto front: the contenders that nobody beats at "
            "both. Times and memory are of the machine named under provenance."
            if figures
            else ""
        )
        if any(spared(c) for c in contest.ranked):
            sentence += " A fit is counted in full, also what this run found in the cache."
        return Section("cost", "What it costs", sentence, parts, "Cost")


FIRST = ("fit", "of it in this run", "predict", "memory", "energy")  # what is shown before all columns are asked for


def costs(contest: Contest) -> Table:
    """Every ranked contender: what it costs."""
    asked: list[tuple[str, str, Callable[[float | None], str]]] = [
        ("fit", "fit_seconds", seconds),
        ("of it in this run", "spent_seconds", seconds),
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
        *(Column(name, True, extra=name not in FIRST) for name, _, _ in asked),
        Column("device", extra=True),
    ]
    rows = [
        [
            who(c),
            number(percent(e.value), e.value),
            *(number(shown(value), value) for _, field, shown in asked for value in [_cost(c, field)]),
            text(c.record.device or "–"),
        ]
        for c, e in zip(contest.ranked, contest.errors, strict=True)
    ]
    return without_empty(Table("costs", "Every contender and its cost", columns, rows))


def spared(contender: Contender) -> float:
    """Seconds of its fit that came from the cache."""
    return contender.mean("cached_seconds") or 0.0


def _cost(contender: Contender, field: str) -> float | None:
    """``spent_seconds``: of the fit, in the run that made it; only where something came from the cache."""
    if field != "spent_seconds":
        return contender.mean(field)
    fit = contender.mean("fit_seconds")
    return fit - spared(contender) if fit is not None and spared(contender) else None


GIVEN = (
    "Nobody was trained for ever. Where one had not stopped improving, its error is what this budget buys, not what "
    "the method can do."
)


def budgets(contest: Contest) -> Table | None:
    """What each was given: pixels, width, epochs, test views, training images, what was tuned; None where unknown."""
    if not has_budget(contest):
        return None
    columns = [
        Column("contender"),
        Column("still learning", slim=True, help="whether it still improved when its budget ended"),
        Column("pixels of an image", True),
        Column("width", True, "of its layers, 1: as published", extra=True),
        Column("epochs", True),
        Column("test views", True, "of an image, whose answers are averaged", extra=True),
        Column("learned from", True, "of the training images; the rest was held out to choose by", extra=True),
        Column("as it says", wide=True),
        Column("tuned on training images", wide=True, extra=True),
        Column("further", extra=True),
    ]
    rows = []
    for c in contest.ranked:
        record, given = c.record, c.record.budget
        seen, part = pixels(record, contest.dataset), share(record)
        rows.append(
            [
                who(c),
                text({True: "no", False: "yes", None: "–"}[record.converged]),
                number("–" if seen is None else f"{seen:,}", seen),
                *(_given(given.get(name)) for name in ("width", "epochs", "views")),
                number("–" if part is None else percent(part, 0), part),
                text(record.convergence or "–"),
                text(given.get("tuned") or "–"),
                text(further(record) or "–"),
            ]
        )
    return without_empty(Table("budgets", "Every contender’s budget", columns, rows))


def _given(value: object) -> Value:
    return number(f"{value:g}", value) if isinstance(value, int | float) else number("–", None)


def stages(contest: Contest) -> Table | None:
    """Where the time went, as the contenders recorded it."""
    rows = [
        [who(c), text(stage), number(seconds(s), s)] for c in contest.ranked for stage, s in c.record.timings.items()
    ]
    columns = [Column("contender"), Column("stage"), Column("time", True)]
    return Table("stages", "Where the time went", columns, rows) if rows else None
