"""The tables of one data set, built from its study."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..families import DEEP, HAND, tone_of
from ..scoring.statistics import calibration
from .charts.figure import Chart, Figure, RankingFigure
from .history import RECORD
from .numbers import about, bare_p, decimal, joules, named, percent, points, quantity, seconds, short, size
from .study import ALPHA, Estimate, Study
from .tables import Column, Table, Value, number, text


def contenders(study: Study, key: str) -> Table:
    """Every ranked contender: how often it errs."""
    # The measure that ranks comes first; with five classes or fewer nobody can miss with five guesses.
    ks = (5, 1) if study.k == 5 else (1, 5) if study.dataset.n_classes > 5 else (1,)
    helps = {5: "the truth is not among the five best guesses", 1: "the truth is not the first guess"}
    columns = [
        Column("contender"),
        Column("family"),
        *(
            column
            for k in ks
            for column in (
                Column(f"top-{k} error", True, helps[k]),
                Column("95 % interval" if k == study.k else f"top-{k} interval", True),
            )
        ),
        Column(f"expected top-{study.k}", True, "with ties broken at random instead of against the contender"),
        Column("ties", True, "images on which a class ties with the truth"),
        Column("hierarchical", True, "ILSVRC-2010: how far off in the WordNet tree, 0 right, 1 unrelated"),
        Column("seeds", True),
    ]
    rows = []
    for i, c in enumerate(study.ranked):
        expected, ties, tree = (
            c.mean(name) for name in (f"top{study.k}_expected_err", "tied_images", "hierarchical_err")
        )
        rows.append(
            [
                Value(c.name, tone=tone_of(c.family)),
                text(c.family),
                *(
                    value
                    for e in (study.error(i, k) for k in ks)
                    for value in (number(percent(e.value), e.value), number(_range(e), e.high))
                ),
                number(percent(expected), expected),
                number(quantity(ties), ties),
                number("–" if tree is None else f"{tree:.3f}", tree),
                number(str(c.seeds), c.seeds),
            ]
        )
    return _without_empty(Table(f"{key}-contenders", "Every contender and its errors", columns, rows))


def _range(e: Estimate) -> str:
    return f"{100 * e.low:.1f}–{100 * e.high:.1f}"


def costs(study: Study, key: str) -> Table:
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
    columns = [Column("contender"), Column(f"top-{study.k} error", True), *(Column(name, True) for name, _, _ in asked)]
    rows = [
        [
            Value(c.name, tone=tone_of(c.family)),
            number(percent(e.value), e.value),
            *(number(shown(c.mean(field)), c.mean(field)) for _, field, shown in asked),
            text(c.cells[0].record.get("device") or "–"),
        ]
        for c, e in zip(study.ranked, study.errors, strict=True)
    ]
    return _without_empty(Table(f"{key}-costs", "Every contender and its cost", [*columns, Column("device")], rows))


def stages(study: Study, key: str) -> Table | None:
    """Where the time went, as the contenders recorded it."""
    rows = [
        [Value(c.name, tone=tone_of(c.family)), text(stage), number(seconds(float(s)), float(s))]
        for c in study.ranked
        for stage, s in (c.cells[0].record.get("timings") or {}).items()
    ]
    columns = [Column("contender"), Column("stage"), Column("time", True)]
    return Table(f"{key}-stages", "Where the time went", columns, rows) if rows else None


def _without_empty(table: Table) -> Table:
    """A column in which nobody has a value says nothing."""
    keep = [j for j in range(len(table.columns)) if any(row[j].text != "–" for row in table.rows)]
    return Table(
        table.key, table.caption, [table.columns[j] for j in keep], [[row[j] for j in keep] for row in table.rows]
    )


def pairs(study: Study, key: str) -> Table | None:
    """Every pair: difference, interval, p, and how many images would be needed."""
    if not study.pairs:
        return None
    columns = [
        Column("better"),
        Column("worse"),
        Column("difference", True, "of the errors, in points; positive: the first is better"),
        Column("95 % interval", True, "paired bootstrap, stratified by class, over seeds too where there are several"),
        Column("told apart", slim=True),
        Column("p, corrected", True, "Holm's correction for the number of pairs"),
        Column("p", True, "exact McNemar; with several seeds Welch's t over images and seeds"),
        Column("only better right", True, "images that the first gets and the second misses"),
        Column("only worse right", True),
        Column("κ", True, "error consistency: 1 miss the same images, 0 as if independent"),
        Column(
            "images needed",
            True,
            "to tell the two apart after the correction with 80 % power, were the difference seen the true one",
        ),
    ]
    rows = []
    for pair in study.pairs:
        a, b = study.ranked[pair.a], study.ranked[pair.b]
        rows.append(
            [
                Value(a.name, tone=tone_of(a.family)),
                Value(b.name, tone=tone_of(b.family)),
                number(points(pair.gap.value), pair.gap.value),
                number(f"{points(pair.gap.low)} to {points(pair.gap.high)}", pair.gap.low),
                text("yes" if pair.told_apart else "no"),
                number(bare_p(pair.p_holm), pair.p_holm),
                number(bare_p(pair.p), pair.p),
                number(f"{pair.only_a:,}", pair.only_a),
                number(f"{pair.only_b:,}", pair.only_b),
                number("–" if pair.kappa is None else decimal(pair.kappa), pair.kappa),
                number("–" if pair.needed is None else f"{pair.needed:,}", pair.needed),
            ]
        )
    title = (
        f"All {len(rows):,} pairs, tested on the same images"
        if len(rows) > 1
        else "The pair, tested on the same images"
    )
    return Table(f"{key}-pairs", title, columns, rows)


def groups(study: Study) -> list[str]:
    """The tie groups in words."""
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
    out, images = [], 0 if study.labels is None else len(study.labels)
    for first, last in study.groups:
        m = last - first + 1
        names = [named(study.ranked[i].name) for i in range(first, last + 1)]
        listed = f"{', '.join(names[:-1])} and {names[-1]}" if m <= 6 else f"from {names[0]} to {names[-1]}"
        pair = study.pair(first, last)
        needed = (
            f" About {about(pair.needed)} images would tell the first from the last." if pair and pair.needed else ""
        )
        out.append(f"These {words.get(m, str(m))} cannot be told apart on {images:,} images: {listed}.{needed}")
    if len(out) > 4:
        out = [*out[:3], f"{len(out) - 3} more groups overlap further down; the table of pairs has every test."]
    if not out and study.pairs:
        out.append(f"Every pair of contenders can be told apart (p < {ALPHA:g} after correction).")
    return out


def record(key: str) -> Table:
    """The historical record, quoted."""
    columns = [
        Column("year", True),
        Column("entry"),
        Column("top-5 error", True),
        Column("top-1 error", True),
        Column("on"),
        Column("what it was"),
        Column("quoted from"),
    ]
    rows = [
        [
            number(str(q.year), q.year),
            Value(q.entry, tone=tone_of(q.family)),
            number(f"{q.top5:g} %", q.top5 / 100),
            number("–" if q.top1 is None else f"{q.top1:g} %", None if q.top1 is None else q.top1 / 100),
            text(q.data),
            text(q.note),
            text(q.source),
        ]
        for q in RECORD
    ]
    return Table(f"{key}-record", "The record of 2010–2015, quoted", columns, rows)


def figure_numbers(figure: Chart, key: str) -> Table:
    """What a figure draws, in the units of its axes."""
    if isinstance(figure, Figure):
        marks = [mark for series in figure.series if series.listed for mark in series.marks if mark.tip]
        columns = [Column("point"), Column(figure.x.label, not any(m.at for m in marks)), Column(figure.y.label, True)]
        rows = [
            [
                text(mark.tip),
                text(mark.at) if mark.at else number(figure.x.text(mark.x), mark.x),
                number(figure.y.text(mark.y), mark.y),
            ]
            for mark in marks
        ]
    elif isinstance(figure, RankingFigure):
        columns = [Column("contender"), Column(figure.measure, True), Column("from", True), Column("to", True)]
        rows = [
            [Value(row.name, tone=row.tone), *(number(percent(v), v) for v in (row.value, row.low, row.high))]
            for row in figure.rows
        ]
    else:
        columns = [Column(figure.rows_are), Column(figure.columns_are), Column(figure.values_are, True)]
        rows = [
            [text(figure.names[i]), text(figure.names[j]), number(shown, value)]
            for i, (texts, values) in enumerate(zip(figure.texts, figure.values, strict=True))
            for j, (shown, value) in enumerate(zip(texts, values, strict=True))
            if shown
        ]
    return Table(f"{key}-{figure.key}", figure.title, columns, rows)


def calibrations(study: Study, key: str) -> Table | None:
    """Expected calibration error where scores are probabilities."""
    rows = []
    for i in study.paired:
        c = study.ranked[i]
        if c.confidence is not None:
            hit = c.hits(1)[0]
            ece, said, right = calibration(c.confidence, hit).ece, float(c.confidence.mean()), float(hit.mean())
            lean = "too sure" if said > right + 0.01 else "not sure enough" if said < right - 0.01 else "about right"
            rows.append(
                [
                    Value(c.name, tone=tone_of(c.family)),
                    number(percent(ece), ece),
                    number(percent(said), said),
                    number(percent(right), right),
                    text(lean),
                ]
            )
    columns = [
        Column("contender"),
        Column("ECE", True, "expected calibration error, 15 bins"),
        Column("mean confidence", True),
        Column("first guess right", True),
        Column("on the whole"),
    ]
    return (
        Table(f"{key}-calibration", "Calibration of contenders that give probabilities", columns, rows)
        if rows
        else None
    )


def family_consistency(study: Study) -> str:
    """Mean κ within and between the two families, in a sentence."""
    kinds: dict[str, list[float]] = {}
    for pair in study.pairs:
        families = {study.ranked[pair.a].family, study.ranked[pair.b].family}
        if pair.kappa is not None and families <= {HAND, DEEP}:
            kinds.setdefault("between" if len(families) == 2 else next(iter(families)), []).append(pair.kappa)
    said = [
        f"{decimal(float(np.mean(kinds[kind])))} {words}"
        for kind, words in (
            (HAND, "among hand-engineered contenders"),
            (DEEP, "among deep ones"),
            ("between", "between the two families"),
        )
        if kind in kinds
    ]
    return f"On average κ is {', '.join(said)}." if said else ""


def undone(study: Study, key: str) -> Table:
    """Cells that did not finish, with their reasons."""
    columns = [Column("contender"), Column("seed", True), Column("status"), Column("reason")]
    rows = [
        [
            Value(cell.method, tone=tone_of(cell.family)),
            number(str(cell.seed), cell.seed),
            text(cell.status),
            text(cell.record.get("reason") or "–"),
        ]
        for cell in study.undone
    ]
    return Table(f"{key}-undone", "Cells that did not finish", columns, rows)


def problems(study: Study, key: str) -> Table | None:
    """Images left out for everybody because they could not be read."""
    columns = [Column("split"), Column("image"), Column("reason")]
    rows = [
        [text(p.get("split", "")), text(p.get("id", "")), text(p.get("reason", ""))] for p in study.dataset.problems
    ]
    return Table(f"{key}-problems", "Left out for every contender", columns, rows[:1000]) if rows else None


def overview(studies: Sequence[Study]) -> Table:
    """Several data sets at a glance: a row for each contender, its error on each."""
    errors = {(c.name, j): (c, e) for j, s in enumerate(studies) for c, e in zip(s.ranked, s.errors, strict=True)}
    names = list(dict.fromkeys(name for name, _ in errors))
    columns = [Column("contender"), *(Column(f"{short(s.dataset.title, 40)}, top-{s.k}", True) for s in studies)]
    rows = []
    for name in names:
        found = [errors.get((name, j)) for j in range(len(studies))]
        tone = next(tone_of(pair[0].family) for pair in found if pair)
        cells = [number("–", None) if pair is None else number(percent(pair[1].value), pair[1].value) for pair in found]
        rows.append([Value(name, tone=tone), *cells])
    chance = [number(percent(s.chance), s.chance) for s in studies]
    return Table("overview", "Error on each data set", columns, [*rows, [text("(chance level)"), *chance]])
