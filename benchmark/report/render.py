"""The report: one self-contained HTML file from the stored results of one run or several, and its figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ..errors import InputError
from ..families import RIVAL, Tone, tone_of
from ..results.run import Run, open_run
from .analysis.contest import Contest, contests_of
from .analysis.verdict import verdict
from .charts import draw, save, save_card
from .charts.figure import Chart, Figure, MatrixFigure, RankingFigure, WaterfallFigure, subject
from .charts.layout import legend_of
from .numbers import inside, percent, short
from .page.html import html, write
from .provenance import provenance
from .sections import foreign, sections_of
from .sections.parts import Section
from .tables import Column, Table, Value, number, text

WIDE, SQUARE, NARROW, SMALL = 872, 520, 352, 416  # px that charts are drawn for: the column, a phone, half the column


def render(runs: Sequence[Path], out: Path, formats: Sequence[str] | None = None, plugins: Sequence[str] = ()) -> Path:
    """Write ``out/report.html`` and ``out/figures/*`` from the folders of one or more runs; the path of the page.

    formats: of the figures, of "png", "svg", "pdf"; None: all but PDF, which takes longer than everything else, and of
    that the figures that lie there already, so that none is left behind with old numbers. plugins: files with sections
    of one's own. Raises InputError where a folder is not a run's.
    """
    if not runs:
        raise InputError("a report needs at least one run's folder")
    loaded = [open_run(path) for path in runs]
    builders = foreign(plugins)
    contests = contests_of(loaded)
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    asked = ("png", "svg") if formats is None else formats
    made: list[tuple[Contest, list[Section]]] = []
    headlines, cards = list[str](), list[str]()
    for contest in contests:
        sections = sections_of(contest, builders)
        prefix = f"{len(made) + 1}-" if len(contests) > 1 else ""
        for section in sections:
            for chart in section.charts():
                again = formats is None and (figures / f"{prefix}{chart.key}.pdf").exists()
                save(chart, figures, [*asked, "pdf"] if again else asked, prefix)
        made.append((contest, sections))
        said = verdict(contest)
        headlines.append(said.text)
        if "png" in asked:
            cards.append(save_card(contest, said.headline, figures, prefix))
    write(out / "report.html", _page(made, headlines, loaded, cards))
    return out / "report.html"


def _page(
    made: Sequence[tuple[Contest, list[Section]]], headlines: Sequence[str], runs: Sequence[Run], cards: Sequence[str]
) -> str:
    contests = [contest for contest, _ in made]
    names = ", ".join(dict.fromkeys(contest.dataset.title for contest in contests))
    return html(
        "report.html",
        title=f"topfive on {short(inside(names), 120)}" if names else "topfive",
        made=made,
        headlines=headlines,
        card=f"figures/{cards[0]}" if cards else "",
        overview=overview(contests) if len(contests) > 1 else None,
        provenance=provenance(runs),
        version=", ".join(sorted({run.version for run in runs})),
        legend_of=legend,
        drawn=drawn,
        is_small=is_small,
        numbers_of=figure_numbers,
    )


def drawn(chart: Chart) -> dict[str, Markup | None]:
    """A chart for the widths it is shown at; ``narrow`` None where one drawing fits both."""
    small = is_small(chart)
    wide = SMALL if small else SQUARE if isinstance(chart, Figure) and chart.square else WIDE
    return {"wide": draw(chart, wide), "narrow": None if small else draw(chart, NARROW)}


def is_small(chart: Chart) -> bool:
    """Whether it stands beside another."""
    return isinstance(chart, Figure) and chart.small


def legend(charts: Sequence[Chart], families: Sequence[str]) -> list[tuple[Tone, str]]:
    """(tone, label) of what the colours of charts mean: of the families, and of what else they show."""
    explained = [entry for chart in charts if isinstance(chart, Figure) for entry in chart.key_to]
    if explained or not families:
        return explained
    tones = {tone_of(family) for family in families}
    rivals = [chart.tones for chart in charts if not isinstance(chart, MatrixFigure)]
    return legend_of([*tones, *(RIVAL.tone for of_it in rivals if RIVAL.tone in of_it)])


def figure_numbers(chart: Chart) -> Table:
    """What a chart draws, in the units of its axes."""
    if isinstance(chart, Figure):
        marks = [mark for series in chart.series if series.listed for mark in series.marks if mark.tip]
        columns = [Column("point"), Column(chart.x.label, not any(m.at for m in marks)), Column(chart.y.label, True)]
        rows = [
            [
                text(mark.tip),
                text(mark.at) if mark.at else number(chart.x.text(mark.x), mark.x),
                number(chart.y.text(mark.y), mark.y),
            ]
            for mark in marks
        ]
    elif isinstance(chart, RankingFigure):
        columns = [Column("contender"), Column(chart.measure, True), Column("from", True), Column("to", True)]
        rows = [
            [Value(row.name, tone=row.tone), *(number(percent(v), v) for v in (row.value, row.low, row.high))]
            for row in chart.rows
        ]
    elif isinstance(chart, WaterfallFigure):
        columns = [Column("step"), Column(f"{chart.measure} before", True), Column("after", True), Column("change")]
        rows = [
            [Value(bar.name, tone=bar.tone), *(number(percent(v), v) for v in (bar.start, bar.end)), text(bar.text)]
            for bar in chart.bars
        ]
    else:
        assert isinstance(chart, MatrixFigure)
        columns = [Column(chart.rows_are), Column(chart.columns_are), Column(chart.values_are, True)]
        rows = [
            [text(chart.names[i]), text(chart.names[j]), number(shown, value)]
            for i, (texts, values) in enumerate(zip(chart.texts, chart.values, strict=True))
            for j, (shown, value) in enumerate(zip(texts, values, strict=True))
            if shown
        ]
    return Table(chart.key, subject(chart), columns, rows)


def overview(contests: Sequence[Contest]) -> Table:
    """Several data sets at a glance: a row for each contender, its error on each."""
    errors = {(c.name, j): (c, e) for j, s in enumerate(contests) for c, e in zip(s.ranked, s.errors, strict=True)}
    names = list(dict.fromkeys(name for name, _ in errors))
    columns = [Column("contender"), *(Column(f"{short(s.dataset.title, 40)}, top-{s.k}", True) for s in contests)]
    rows = []
    for name in names:
        found = [errors.get((name, j)) for j in range(len(contests))]
        tone = next(tone_of(pair[0].family) for pair in found if pair)
        values = [number("–", None) if p is None else number(percent(p[1].value), p[1].value) for p in found]
        rows.append([Value(name, tone=tone), *values])
    chance = [number(percent(s.chance), s.chance) for s in contests]
    return Table("overview", "Error on each data set", columns, [*rows, [text("(chance level)"), *chance]])
