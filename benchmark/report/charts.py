"""The figures of one data set, built from its study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..families import DEEP, HAND
from ..scoring.statistics import calibration
from .curves import Curves
from .figures import Axis, Figure, Mark, Matrix, Ranking, Row, Rule, Series, errors, linear, logarithmic, tone_of
from .history import HUMAN, RECORD
from .numbers import counted, decimal, joules, named, percent, quantity, seconds, short, size
from .study import Contender, Estimate, Study

TIMES = (1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 360000, 3.6e6)
FINER = tuple(sorted({
    *(m * 10.0**d for d in range(-5, 1) for m in (1, 2, 5)), 10, 20, 30,
    *(60 * m for m in (1, 2, 5, 10, 20, 30)), *(3600 * m for m in (1, 2, 5, 10, 20, 50, 100)),
}))  # fmt: skip


def ranking(study: Study) -> Ranking:
    """All contenders, best first, with intervals, chance level and tie groups."""
    rows = [
        Row(c.name, tone_of(c.family), e.value, e.low, e.high) for c, e in zip(study.ranked, study.errors, strict=True)
    ]
    top = max([r.high for r in rows] + [study.chance])
    return Ranking(
        "ranking",
        f"Top-{study.k} error on {study.dataset.title}",
        f"top-{study.k} error",
        rows,
        study.groups,
        study.chance,
        errors(f"top-{study.k} error", 0, top),
    )


def history(study: Study) -> Figure:
    """The record of 2010-2015, quoted, with the best of each family measured here beside it.

    With five classes or fewer nobody misses with five guesses, and nothing stands beside it.
    """
    here = 2016.4
    series = [Series(tone_of(family), _quoted(family), hollow=True) for family in (DEEP, HAND)]
    if study.dataset.n_classes > 5:
        for family in dict.fromkeys(c.family for c in study.ranked if c.family != "floor"):
            i = study.best(family) or 0
            name, e = study.ranked[i].name, study.error(i, 5)
            tip = f"{name}, measured here, top-5: {_with_range(e)}"
            series.append(Series(tone_of(family), [Mark(here, e.value, tip, name, e.low, e.high, at="here")]))
    measured = any(not s.hollow for s in series)
    top = max(m.y for s in series for m in s.marks)
    years = [(float(y), str(y)) for y in range(2010, 2016)]
    human = Rule("y", HUMAN / 100, f"one trained human, {HUMAN} %", left=True)
    return Figure(
        "history",
        "Top-5 error, 2010–2015 and here" if measured else "Top-5 error, 2010–2015",
        "Top-5 error of ImageNet entries from 2010 to 2015, quoted"
        + (", and of the best contender of each family measured here. " if measured else ". ")
        + f"Human level {HUMAN} per cent.",
        Axis("year of the challenge", 2009.5, 2017.3, [*years, (here, "here")])
        if measured
        else Axis("year of the challenge", 2009.5, 2016.3, years),
        replace(errors("top-5 error", 0, top), text=lambda v: f"{100 * v:.4g}\u00a0%"),
        series,
        rules=[human, Rule("x", 2015.75, "")] if measured else [human],
        tall=True,
    )


def _quoted(family: str) -> list[Mark]:
    """The record's marks, winners first so that they get their names; near neighbours of a year stand side by side."""
    marks, seen = [], list[tuple[int, float]]()
    for q in sorted((q for q in RECORD if q.family == family), key=lambda q: ("winner" not in q.entry, q.top5)):
        near = sum(year == q.year and abs(top5 - q.top5) < 2 for year, top5 in seen)
        seen.append((q.year, q.top5))
        tip = f"{q.entry}, {q.year}, quoted: {q.top5:g} % top-5 error on {q.data}"
        marks.append(Mark(q.year + 0.13 * near, q.top5 / 100, tip, q.entry.split(" (")[0], at=str(q.year)))
    return marks


def cost(study: Study) -> list[Figure]:
    """Error against what it costs: seconds, memory, energy where known, each with its Pareto front."""
    asked: list[
        tuple[str, str, str, Callable[[Contender], float | None], Callable[[float], str], tuple[float, ...]]
    ] = [
        ("seconds", "Time to train", "fit and features, wall clock", lambda c: c.mean("fit_seconds"), _tick, TIMES),
        ("latency", "Time per image", "prediction", _per_image, _tick, TIMES),
        ("memory", "Memory", "peak resident memory", lambda c: c.mean("peak_rss_bytes"), size, ()),
        ("gpu-memory", "GPU memory", "peak GPU memory", lambda c: c.mean("peak_gpu_bytes"), size, ()),
        ("energy", "Energy", "GPU energy of fit and prediction", lambda c: c.mean("energy_joules"), joules, ()),
        ("flops", "Arithmetic", "operations for one image", lambda c: c.mean("flops_per_image"), quantity, ()),
    ]
    out = []
    for key, title, label, value, text, at in asked:
        known = [(i, c, v) for i, c in enumerate(study.ranked) if (v := value(c)) and c.family != "floor"]
        if len(known) >= 2:
            out.append(_cost(study, key, title, label, known, text, at))
    return out


def _cost(
    study: Study,
    key: str,
    title: str,
    label: str,
    known: list[tuple[int, Contender, float]],
    text: Callable[[float], str],
    at: tuple[float, ...],
) -> Figure:
    front, best = [], np.inf
    for i, _, value in sorted(known, key=lambda t: (t[2], study.errors[t[0]].value)):
        if study.errors[i].value < best:
            best = study.errors[i].value
            front.append((value, best, i))
    on_front = {i for _, _, i in front}
    marks: dict[str, list[Mark]] = {}
    for i, contender, value in known:
        e = study.errors[i]
        tip = f"{contender.name}: {percent(e.value)} error, {text(value)}" + (
            " (on the front)" if i in on_front else ""
        )
        name = contender.name if i in on_front or len(known) <= 12 else ""
        marks.setdefault(contender.family, []).append(Mark(value, e.value, tip, name))
    step = [(front[0][0], front[0][1])]
    for x, y, _ in front[1:]:
        step += [(x, step[-1][1]), (x, y)]
    highs = [v for _, _, v in known]
    return Figure(
        f"cost-{key}",
        title,
        f"Top-{study.k} error against {label}. On the Pareto front: "
        + ", ".join(study.ranked[i].name for _, _, i in front),
        logarithmic(label, min(highs), max(highs), text, at, FINER if at else ()),
        errors(f"top-{study.k} error", *_around([study.errors[i].value for i, _, _ in known])),
        [Series("ink", [Mark(x, y, "") for x, y in step], line=True, points=False, dash=2)]
        + [Series(tone_of(f), m) for f, m in marks.items()],
        small=True,
    )


def _with_range(e: Estimate) -> str:
    return f"{percent(e.value)} error ({100 * e.low:.1f} to {100 * e.high:.1f})"


def _per_image(contender: Contender) -> float | None:
    rate = contender.mean("images_per_second")
    return 1 / rate if rate else None


def _tick(value: float) -> str:
    return seconds(value) if value < 60 else seconds(value).split(" 0 ")[0]


def _around(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = max(0.02, 0.12 * (high - low))
    return low - room, high + room


def _lines(lines: Sequence[tuple[str, str, list[Mark]]], *, points: bool = False, named: int = -1) -> list[Series]:
    """(name, family, marks) → lines with a name at their mark ``named``; dashes tell those of one family apart."""
    out, dashes = [], dict[str, int]()
    for name, family, marks in lines:
        dash = dashes.get(family, 0)
        dashes[family] = dash + 1
        marks = marks.copy()
        marks[named] = replace(marks[named], label=name)
        out.append(Series(tone_of(family), marks, name, line=True, points=points, dash=dash))
    return out


def learning(study: Study, curves: Curves) -> Figure | None:
    """Error against training images per class, with the crossing of the two sides."""
    shown = [line for line in curves.lines if line.family != "floor"]
    if not shown:
        return None
    lines = []
    for line in shown:
        marks = [
            Mark(s, e.value, f"{line.name}, {s:g} images per class: {_with_range(e)}", "", e.low, e.high)
            for s, e in line.points
        ]
        lines.append((line.name, line.family, marks))
    sizes = sorted({s for line in shown for s, _ in line.points})
    values = [v for line in shown for _, e in line.points for v in (e.low, e.high)]
    meet = curves.crossing
    rules = [Rule("x", meet.at, f"cross at {meet.at:.0f}")] if meet and meet.at else []
    if study.chance <= max(values) + 0.1:
        rules.append(Rule("y", study.chance, f"chance {percent(study.chance)}"))
    return Figure(
        "learning",
        "Error against training images per class",
        f"Top-{study.k} error against training images per class. {curves.sentence}",
        logarithmic("training images per class", sizes[0], sizes[-1] * 1.3, lambda v: f"{v:g}", sizes),
        errors(f"top-{study.k} error", *_around(values)),
        _lines(lines, points=True),
        rules=rules,
        band=(meet.low, meet.high) if meet and meet.low and meet.high else None,
    )


def top_k(study: Study) -> Figure | None:
    """Error at k = 1…20."""
    shown = [i for i in study.paired if study.ranked[i].family != "floor"]
    if not shown or study.dataset.n_classes < 3:
        return None
    most = min(20, study.dataset.n_classes - 1)
    chosen = shown if len(shown) <= 8 else sorted({*shown[:5], *(study.duel or ())})
    lines = []
    for i in chosen:
        contender = study.ranked[i]
        missed = [(k, 1 - float(contender.hits(k).mean())) for k in range(1, most + 1)]
        marks = [Mark(k, e, f"{contender.name}, k = {k}: {percent(e)}") for k, e in missed]
        lines.append((contender.name, contender.family, marks))
    levels = [(k, 1 - k / study.dataset.n_classes) for k in range(1, most + 1)]
    lines.append(("chance", "floor", [Mark(k, e, f"chance, k = {k}: {percent(e)}") for k, e in levels]))
    ticks = [k for k in (1, 5, 10, 15, 20) if k <= most]
    return Figure(
        "top-k",
        "Error as more guesses are allowed",
        f"Error when the truth may be among the k best guesses, k from 1 to {most}.",
        Axis("guesses allowed (k)", 1 - 0.35 * most, most + 0.5, [(k, str(k)) for k in ticks]),
        errors("error", 0, 1),
        [*_lines(lines[:-1], named=0), *(replace(s, listed=False) for s in _lines(lines[-1:], named=0))],
        small=True,
    )


def reliability(study: Study) -> Figure | None:
    """Confidence against accuracy, for contenders whose scores are probabilities."""
    lines = []
    for i in study.paired:
        contender = study.ranked[i]
        if contender.confidence is None:
            continue
        curve = calibration(contender.confidence, contender.hits(1)[0])
        marks = [
            Mark(
                said, right, f"{contender.name} says {percent(said, 0)}, right {percent(right, 0)} of {count:,} images"
            )
            for said, right, count in zip(
                curve.confidence.tolist(), curve.accuracy.tolist(), curve.count.tolist(), strict=True
            )
            if count
        ]
        lines.append((contender.name, contender.family, marks))
    if not lines:
        return None
    return Figure(
        "reliability",
        "Does it know when it is right?",
        "Share of right first guesses against the probability the contender gave them; the diagonal is honest.",
        linear("probability it gave its first guess", 0, 1, lambda v: f"{100 * v:.0f} %"),
        linear("share that was right", 0, 1, lambda v: f"{100 * v:.0f} %"),
        _lines(lines[:8], points=True),
        diagonal=True,
        small=True,
    )


def per_class(study: Study) -> Figure | None:
    """Each class: error of one side against error of the other. Classes at the same place make a larger mark."""
    if study.duel is None or not {*study.duel} <= {*study.paired}:
        return None
    x, y = (study.class_errors(i) for i in study.duel)
    names = study.dataset.class_names
    at: dict[tuple[float, float], list[int]] = {}
    for c in np.flatnonzero(~np.isnan(x)):
        at.setdefault((round(float(x[c]), 4), round(float(y[c]), 4)), []).append(int(c))
    a, b = (study.ranked[i] for i in study.duel)
    sides: dict[str, list[Mark]] = {}
    for (ex, ey), members in sorted(at.items()):
        listed = ", ".join(short(names[c], 40) for c in members[:6]) + (
            f" and {len(members) - 6} more" if len(members) > 6 else ""
        )
        mark = Mark(
            ex,
            ey,
            f"{listed}: {a.name} {percent(ex, 0)}, {b.name} {percent(ey, 0)}",
            weight=min(len(members), 12) ** 0.9 * 0.8,
        )
        # A mark takes the colour of the side that is better there.
        sides.setdefault("floor" if ex == ey else a.family if ex < ey else b.family, []).append(mark)
    better, worse = int(np.sum(x < y)), int(np.sum(y < x))
    said = f"{named(a.name)} is better on {counted(better, 'class')}, {named(b.name)} on {worse or 'none'}."
    if not better and not worse:
        said = f"{named(a.name)} and {named(b.name)} make the same error in every class."
    return Figure(
        "per-class",
        "Every class: one side against the other",
        f"Per-class top-{study.k} error. {said}",
        errors(f"{short(a.name)}: error", 0, 1),
        errors(f"{short(b.name)}: error", 0, 1),
        [Series("ink" if f == "floor" else tone_of(f), m) for f, m in sides.items()],
        diagonal=True,
        square=True,
    )


def training(study: Study) -> list[Figure]:
    """Curves that contenders recorded while they trained: on the images they learned from and on those held out."""
    loss = [("loss", "training"), ("train_loss", "training"), ("held_out_loss", "held out")]
    error = [("train_error", "training"), ("held_out_error", "held out")]
    asked: list[tuple[str, str, list[tuple[str, str]], Callable[[float], str]]] = [
        ("loss", "Loss", loss, lambda v: f"{v:.3g}"),
        ("error", "Top-1 error on training and held-out images", error, lambda v: f"{100 * v:.3g}\u00a0%"),
    ]
    out = []
    for key, title, fields, text in asked:
        lines = []
        for contender in study.ranked[:12]:
            for field, what in fields:
                name = f"{contender.name}, {what}"
                marks = [
                    Mark(x, y, f"{name}, epoch {x:g}: {text(y)}") for x, y in _recorded(contender.record.history, field)
                ]
                if len(marks) > 1:
                    lines.append((name, contender.family, marks))
        if lines:
            every = [m for _, _, marks in lines for m in marks]
            x = linear("epoch", min(m.x for m in every), max(m.x for m in every), lambda v: f"{v:g}")
            x = replace(x, high=x.high + 0.3 * (x.high - x.low))  # room for names at the ends of lines
            low, high = _around([m.y for m in every])
            y = linear(title.split(" on ")[0].lower(), max(low, 0), high, text)
            out.append(Figure(f"training-{key}", title, f"{title} by epoch.", x, y, _lines(lines), small=True))
    return out


def _recorded(history: Sequence[Mapping[str, Any]], field: str) -> list[tuple[float, float]]:
    """(epoch, value) of the records that hold a finite number under that name."""
    return [
        (float(record.get("epoch", j)), float(record[field]))
        for j, record in enumerate(history)
        if isinstance(record.get(field), int | float) and np.isfinite(record[field])
    ]


def consistency(study: Study) -> Matrix | None:
    """Error consistency κ between contenders, at most sixteen of them."""
    shown = [i for i in study.paired if study.ranked[i].family != "floor"][:16]
    if len(shown) < 2:
        return None
    pairs = [[study.pair(a, b) for b in shown] for a in shown]
    values = [[None if pair is None else pair.kappa for pair in row] for row in pairs]
    names = [study.ranked[i].name for i in shown]
    texts = [["" if v is None else decimal(v) for v in row] for row in values]
    return Matrix("consistency", "Do they miss the same images? (error consistency κ)", names, values, "", "", texts)


def confusion(study: Study, i: int) -> Matrix | None:
    """Truth against first guess, for up to 30 classes."""
    first, labels, n = study.ranked[i].first, study.labels, study.dataset.n_classes
    if first is None or labels is None or n > 30:
        return None
    counts = np.bincount(labels * n + first, minlength=n * n).reshape(n, n)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    name = study.ranked[i].name
    return Matrix(
        f"confusion-{'first' if study.duel and i == study.duel[0] else 'second'}",
        f"What {name} takes for what",
        study.dataset.class_names,
        shares.tolist(),
        "truth",
        "first guess",
        [[str(c) if c else "" for c in row] for row in counts.tolist()],
    )
