"""What the hardware buys: images a second, time, energy and the share of the roofline, of both sides."""

from __future__ import annotations

from collections.abc import Sequence

from ...families import FLOOR, tone_of
from ..analysis.contest import Contest
from ..analysis.throughput import Measured, all_threads, common_error, measured, single_thread
from ..charts import throughput
from ..numbers import decimal, joules, named, percent, quantity, seconds
from ..tables import Column, Table, Value, number, text, without_empty
from .parts import Charts, Numbers, Part, Section, Text

QUOTED = (
    "Quoted: “10–50 ×” is what the essay behind this project gives for a GPU against a CPU, without naming either; "
    "227 images a second is what 90 passes over 1.2 million images in “five to six days on two GTX 580” come to "
    "(Krizhevsky, Sutskever and Hinton 2012), with a network of 224 pixels and full width. A factor depends on both of "
    "its sides: which CPU, how many of its threads, in which precision."
)
PROTOCOL = (
    "The same network, batch and precision on each. Training of a network: the median epoch after the first, with the "
    "device waited for; of hand-engineered features: descriptors and coding of the training images, once, as they need "
    "one pass. Prediction: from pixels in memory to scores, warm, the median of several rounds. Share of the roofline: "
    "of the rate at which either the arithmetic (matrix products) or the memory traffic (operation by operation, as if "
    "nothing stayed in a cache) alone would end, at the rates of a large product and a large copy measured on the same "
    "device; above 100 % the caches serve what was counted as traffic. Energy is that of the whole package or card."
)


class Throughput:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where the probe was not asked."""
        rows = [one for one in measured(contest) if one.record.family != FLOOR]
        if not rows:
            return None
        figure = throughput.figure(contest, rows)
        parts: list[Part] = [Charts([figure], [one.record.family for one in rows])] if figure else []
        parts += [Numbers(table(rows)), Text([QUOTED, PROTOCOL], "small")]
        return Section("throughput", "What the hardware buys", sentence(rows), parts, "Hardware")


def sentence(rows: Sequence[Measured]) -> str:
    """By how much the fastest hardware trains each contender faster than one thread and than all of them."""
    said = []
    for what in dict.fromkeys(one.what for one in rows):
        best = max((one for one in rows if one.what == what), key=lambda one: one.trained or 0.0)
        factors = []
        for rival in (single_thread(rows, best), all_threads(rows, best)):
            if rival is not None and rival is not best and rival.trained and best.trained:
                times = best.trained / rival.trained
                factors.append(f"{decimal(times, 0 if times >= 100 else 1)} times as fast as on {_place(rival, best)}")
        if factors:
            said.append(f"on {_place(best)} {named(best.name)} trains {', and '.join(factors)}")
    if all(one.on_cpu for one in rows):
        said.append("no GPU was measured, so what one buys is quoted only")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _place(one: Measured, like: Measured | None = None) -> str:
    """Its hardware, and its precision unless that is the same."""
    if like is not None and one.row.get("precision") == like.row.get("precision"):
        return named(one.hardware)
    return f"{named(one.hardware)} ({one.row.get('precision') or 'precision unknown'})"


def table(rows: Sequence[Measured]) -> Table:
    """A row a contender and a piece of hardware."""
    columns = [
        Column("contender"),
        Column("hardware"),
        Column("precision"),
        Column("batch", True, extra=True),
        Column("training, images/s", True),
        Column("times one thread", True),
        Column("times all threads", True, extra=True),
        Column("of the roofline, training", True, extra=True),
        Column("bound by", extra=True),
        Column("prediction, images/s", True),
        Column("times one thread ", True, "prediction", extra=True),
        Column("of the roofline, prediction", True, extra=True),
        Column("fit", True),
        Column(
            "to a fixed error",
            True,
            "seconds of training until the held-out error is what all of them reached",
            extra=True,
        ),
        Column("that error", True, extra=True),
        Column("energy of the fit", True, extra=True),
        Column("energy per 1,000 predictions", True, extra=True),
        Column("run", extra=True),
    ]
    several = len({one.run.path for one in rows}) > 1
    out = []
    for one in rows:
        level = common_error([other for other in rows if other.what == one.what])
        reached = None if level is None else one.seconds_to(level)
        single, most = single_thread(rows, one), all_threads(rows, one)
        train, predict = one.share("train"), one.share("predict")
        spent = one.record.number("energy_joules")
        each = one.predict_joules
        out.append(
            [
                Value(one.what, tone=tone_of(one.record.family)),
                text(one.hardware),
                text(one.row.get("precision") or "–"),
                _number(one.row.get("batch"), "{:g}"),
                number(quantity(one.trained), one.trained),
                _number(_ratio(one.trained, single.trained if single else None), "{:.2f}"),
                _number(_ratio(one.trained, most.trained if most else None), "{:.2f}"),
                number("–" if train is None else percent(train[0], 0), train and train[0]),
                text("–" if train is None else train[1]),
                number(quantity(one.predicted), one.predicted),
                _number(_ratio(one.predicted, single.predicted if single else None), "{:.2f}"),
                number("–" if predict is None else percent(predict[0], 0), predict and predict[0]),
                number(seconds(one.record.costs.fit_seconds), one.record.costs.fit_seconds),
                number(seconds(reached), reached),
                number("–" if level is None else percent(level, 0), level),
                number(joules(spent), spent),
                number(joules(None if each is None else 1000 * each), each),
                text(one.run.path.name if several else "–"),
            ]
        )
    return without_empty(Table("throughput-numbers", "What each took, by hardware", columns, out))


def _ratio(rate: float | None, other: float | None) -> float | None:
    return rate / other if rate and other else None


def _number(value: float | None, form: str) -> Value:
    return number("–" if value is None else form.format(value), value)
