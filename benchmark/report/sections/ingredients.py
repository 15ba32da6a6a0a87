"""What each idea is worth: one ingredient of a network at a time, and the ladder from visual words to 2012."""

from __future__ import annotations

from collections.abc import Sequence

from ..analysis.contest import Contest
from ..analysis.ingredients import ALEXNET, Ablation, Race, Step, ablations, ladder, races
from ..analysis.titles import title
from ..charts import ingredients as charts
from ..numbers import bare_p, counted, decimal, listed, named, percent, points
from ..tables import Column, Table, Value, number, text, without_empty
from .parts import Charts, Heading, Numbers, Part, Section, Text

PROTOCOL = (
    "Each bar is one contender against another on the same validation images: the difference of their errors, paired, "
    "over all seeds. Where the learning rate is “tuned”, each training chose its own among three on held-out training "
    "images, so that no ingredient is judged at a rate that suits another. What papers say is quoted from full-size "
    "trainings on ImageNet; a short training of a small network need not agree."
)


class Ingredients:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where no contender is one change away from two others, and no ladder was climbed."""
        if contest.labels is None:
            return None
        found, climbed = ablations(contest), ladder(contest)
        if not found and not climbed:
            return None
        parts: list[Part] = []
        for ablation in found:
            parts.append(Charts([charts.one_at_a_time(contest, ablation.base, ablation.steps)]))
            key = f"ablation-{contest.ranked[ablation.base].method}-numbers"
            parts.append(Numbers(table(contest, key, "One ingredient at a time", ablation.steps)))
        if climbed:
            parts.append(Charts([charts.climbed(contest, climbed)]))
            parts.append(Numbers(table(contest, "ladder-numbers", "What adds up", climbed)))
        raced = races(contest)
        figure = charts.race(contest, raced)
        if figure is not None:
            parts += [Heading("How fast it learns"), Text([race(contest, one) for one in raced])]
            parts.append(Charts([figure]))
        parts.append(Text([PROTOCOL], "small"))
        sentence = " ".join([*(of_ablation(contest, one) for one in found), *([of_ladder(climbed)] if climbed else [])])
        return Section("ingredients", "What each idea is worth", sentence, parts, "Ideas")


def of_ablation(contest: Contest, ablation: Ablation) -> str:
    """What costs most, what gains most, and how many changes are not told from none."""
    name = named(title(contest.ranked[ablation.base].method))
    costly = [step for step in ablation.steps if step.decided and step.gap.value > 0]
    gaining = [step for step in ablation.steps[::-1] if step.decided and step.gap.value < 0]
    open_ = sum(not step.decided for step in ablation.steps)
    said = []
    if costly:
        said.append(f"“{costly[0].label}” costs it most ({points(costly[0].gap.value)} points)")
    if gaining:
        said.append(f"“{gaining[0].label}” gains most ({points(-gaining[0].gap.value)} points)")
    changes = counted(len(ablation.steps), "change")
    if not said:
        return f"None of {changes} to {name} can be told from no change."
    rest = f"; {open_} cannot be told from no change" if open_ else ""
    return f"Of {changes} to {name}, {listed(said)}{rest}."


def of_ladder(steps: Sequence[Step]) -> str:
    """How far it leads in all, and by which step most."""
    best = min(steps, key=lambda step: step.gap.value)
    whole = -sum(step.gap.value for step in steps)
    open_ = [step.label for step in steps if not step.decided]
    said = f"On the hand-engineered side {len(steps)} steps take {points(whole)} points off the error"
    said += f", most of all “{best.label}” ({points(-best.gap.value)})" if best.gap.value < 0 else ""
    return said + (f"; not told from no change: {listed(open_)}." if open_ else ".")


def table(contest: Contest, key: str, caption: str, steps: Sequence[Step]) -> Table:
    """A row a step: the error before and after, the paired difference, and what its paper says."""
    columns = [
        Column("change"),
        Column("contender", extra=True),
        Column("before", True, f"top-{contest.k} error without it"),
        Column("after", True, f"top-{contest.k} error with it"),
        Column("difference", True, "points; above 0: the change makes it worse"),
        Column("from", True, extra=True),
        Column("to", True, extra=True),
        Column("p", True, "of this difference alone", extra=True),
        Column("told from no change", slim=True, help="after Holm’s correction"),
        Column("quoted", help=f"gains on ImageNet; {ALEXNET}"),
    ]
    rows = [
        [
            Value(step.label),
            text(contest.ranked[step.after].title),
            *(number(percent(e), e) for e in (contest.errors[i].value for i in (step.before, step.after))),
            number(charts.signed(step.gap.value), step.gap.value),
            number(points(step.gap.low), step.gap.low),
            number(points(step.gap.high), step.gap.high),
            number(bare_p(step.p), step.p),
            text("yes" if step.decided else "no"),
            text(step.quoted or "–"),
        ]
        for step in steps
    ]
    return without_empty(Table(key, caption, columns, rows))


def race(contest: Contest, one: Race) -> str:
    """Epochs to a training error of 25 % of one pair."""
    rest = contest.ranked[one.a].spec
    quoted = f"The paper’s figure 1 has 6 times as many for tanh (quoted: {ALEXNET}, a small net on CIFAR-10)."
    if one.ratio is not None:
        interval = f"{decimal(one.ratio.low)} to {decimal(one.ratio.high)}" if one.ratio.high < 1e3 else "no interval"
        seeds = min(contest.ranked[i].seeds for i in (one.a, one.b))
        few = "one seed" if seeds < 2 else f"95 % interval over {seeds} seeds: {interval}"
        took = [f"{decimal(v, 1)}" for v in one.epochs if v is not None]
        return (
            f"{rest} errs on 25 % of the training images after {took[0]} epochs with ReLU, after {took[1]} with tanh: "
            f"{decimal(one.ratio.value)} times as many ({few}). {quoted}"
        )
    never = [name for name, epochs in zip(("ReLU", "tanh"), one.epochs, strict=True) if epochs is None]
    return (
        f"{rest} does not come down to 25 % error on the training images in every seed with {listed(never)}. {quoted}"
    )
