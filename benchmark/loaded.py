"""A finished run in Python: its results as DataFrames, its figures, and its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topfive.common.files import write_atomic

from .errors import InputError
from .report.analysis.contest import Contest, contests_of
from .report.analysis.verdict import verdict
from .report.charts import FORMATS, picture
from .report.charts.figure import Chart
from .report.charts.ranking import figure as ranking_figure
from .report.numbers import percent
from .report.render import figure_numbers
from .report.sections import foreign, sections_of
from .results.run import COLUMNS, Run, row
from .results.schema import Record
from .scoring.statistics import hits_at
from .specs import nearest

if TYPE_CHECKING:
    import pandas as pd

FRONT = COLUMNS.index("condition")


class LoadedRun:
    """The results of a run, or of several together, as ``topfive.run`` and ``topfive.load`` give them.

    In a notebook it shows the verdict and the ranking. Errors are fractions throughout.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = list(runs)
        self._drawn: dict[int, dict[str, Chart]] = {}  # by place of the data set: all sections take seconds

    @property
    def path(self) -> Path:
        """The folder, of several the first."""
        return self.runs[0].path

    @property
    def report(self) -> Path:
        """The page that a browser opens."""
        return self.path / "report.html"

    @property
    def datasets(self) -> list[str]:
        """The data sets by name; what has the same validation images is one."""
        return [contest.dataset.name for contest in self.contests]

    @cached_property
    def contests(self) -> list[Contest]:
        """What the report is made from, one for each data set."""
        return contests_of(self.runs)

    def table(self) -> pd.DataFrame:
        """A row a cell (data set × contender × seed × training condition) and condition that a probe asked under.

        The columns of ``results.csv``; the axes of the conditions are columns of their own.

        >>> run.table()[["method", "family", "top5_err", "top5_err_low", "top5_err_high"]].round(3)
                method           family  top5_err  top5_err_low  top5_err_high
        0      alexnet             deep     0.142         0.103          0.191
        1  sift-fisher  hand-engineered     0.058         0.035          0.096
        2       chance            floor     1.000         0.984          1.000
        """
        import pandas as pd

        records = [record for run in self.runs for record in run.records]
        axes = _axes(records)
        columns = [*COLUMNS[:FRONT], *axes.values(), *COLUMNS[FRONT + 1 :]]
        rows = [row(record) | {axes[axis]: value for axis, value in record.condition.items()} for record in records]
        return pd.DataFrame(rows, columns=columns)

    def pairs(self) -> pd.DataFrame:
        """The paired tests: a row for each two contenders on the same images, ``first`` ranked above ``second``.

        ``difference`` is the error of the second minus that of the first, ``low`` to ``high`` its interval at the
        pair's corrected ``level``: it holds 0 exactly where the two are not ``told_apart``. ``headline``: the two that
        the verdict is about. ``only_first``: images that the first gets and the second misses, of one seed each.

        >>> run.pairs()[["first", "second", "difference", "low", "high", "told_apart"]].round(3)
                 first   second  difference    low   high  told_apart
        0  sift-fisher  alexnet       0.083  0.035  0.136        True
        1  sift-fisher   chance       0.942  0.898  0.967        True
        2      alexnet   chance       0.858  0.809  0.897        True
        """
        import pandas as pd

        rows = [
            {
                "dataset": contest.dataset.name,
                "first": contest.ranked[pair.a].name,
                "second": contest.ranked[pair.b].name,
                "k": contest.k,
                "difference": pair.gap.value,
                "low": pair.gap.low,
                "high": pair.gap.high,
                "p": pair.p,
                "p_corrected": pair.p_corrected,
                "level": pair.level,
                "told_apart": pair.told_apart,
                "headline": {pair.a, pair.b} == {*(contest.headline_pair or ())},
                "only_first": pair.only_a,
                "only_second": pair.only_b,
                "kappa": pair.kappa,
                "images_needed": pair.needed,
            }
            for contest in self.contests
            for pair in contest.pairs
        ]
        return pd.DataFrame(rows, columns=PAIRS)

    def predictions(self, probe: str | None = None) -> pd.DataFrame:
        """A row an image and contender (and seed, and training size): what it answered; of a probe, where one is named.

        ``label`` and ``guess`` are class ids, ``score`` is the guess's. ``above`` and ``tied``: how many classes score
        higher than the truth, and as high, itself included; ``top1`` and ``top5``: hits, ties counted as misses. Raises
        InputError for a probe that this run did not ask.

        >>> answers = run.predictions()
        >>> answers.groupby("method", observed=True)[["top1", "top5"]].mean().round(3)
                      top1   top5
        method
        alexnet      0.479  0.858
        chance       0.000  0.000
        sift-fisher  0.675  0.942
        """
        import pandas as pd

        asked = {record.probe for run in self.runs for record in run.records}
        if probe not in asked and (probe is not None or asked):
            raise InputError(nearest(probe or "", [one for one in asked if one], "probe"))
        found = [(run, r) for run in self.runs for r in run.records if r.probe == probe and r.predictions]
        axes = _axes([record for _, record in found])
        frames = []
        for run, record in found:
            stored = run.predictions(record)
            if stored is None:
                continue
            ids, ranking = stored
            classes = pd.Index(run.datasets[record.dataset].classes)
            columns: dict[str, Any] = {"dataset": record.dataset, "method": record.method, "seed": record.seed}
            columns |= {name: record.condition.get(axis) for axis, name in axes.items()}
            columns |= {
                "image_id": ids.to_pandas(),
                "label": pd.Categorical.from_codes(ranking.label, classes),
                "guess": pd.Categorical.from_codes(ranking.top_classes[:, 0], classes),
                "score": ranking.top_scores[:, 0],
                "above": ranking.above,
                "tied": ranking.tied,
                "top1": hits_at(ranking.above, ranking.tied, 1),
                "top5": hits_at(ranking.above, ranking.tied, 5),
            }
            frames.append(pd.DataFrame(columns))
        if not frames:
            return pd.DataFrame(columns=["dataset", "method", "seed", *axes.values(), *ANSWER])
        return pd.concat(frames, ignore_index=True)

    def verdict(self) -> str:
        """What the results say, as the report's first lines; a line for each data set where there are several."""
        return "\n".join(verdict(contest).text for contest in self.contests)

    def caveats(self) -> list[str]:
        """What the verdict rests on and what it does not say: the small type of the report's first screen."""
        return [line for contest in self.contests for line in verdict(contest).caveats]

    def figures(self, dataset: str | None = None) -> list[str]:
        """The names that ``figure`` takes.

        >>> "per-class" in run.figures()
        True
        """
        return list(self._charts(dataset))

    def figure(self, name: str = "ranking", dataset: str | None = None) -> Drawing:
        """A figure of the report: a notebook shows it, ``save`` writes it, ``data`` has what it draws.

        name: as the files below ``figures/`` are called. dataset: needed where the run has several. Raises InputError.

        >>> run.figure("ranking").save("ranking.svg")
        PosixPath('ranking.svg')
        >>> run.figure("ranking").data().round(3)
             contender  top-5 error   from     to
        0  sift-fisher        0.058  0.035  0.096
        1      alexnet        0.142  0.103  0.191
        2       chance        1.000  0.984  1.000
        """
        charts = self._charts(dataset)
        if name not in charts:
            raise InputError(nearest(name, charts, "figure"))
        return Drawing(charts[name])

    def _charts(self, dataset: str | None) -> dict[str, Chart]:
        names = self.datasets
        if dataset is None and len(names) != 1:
            raise InputError(f"this run has {len(names)} data sets; name one of {', '.join(map(repr, names))}")
        if dataset is not None and dataset not in names:
            raise InputError(nearest(dataset, names, "data set"))
        place = 0 if dataset is None else names.index(dataset)
        if place not in self._drawn:
            sections = sections_of(self.contests[place], foreign(()))
            self._drawn[place] = {chart.key: chart for section in sections for chart in section.charts()}
        return self._drawn[place]

    def __repr__(self) -> str:
        lines = []
        for contest in self.contests:
            lines.append(verdict(contest).text)
            wide = max((len(c.name) for c in contest.ranked), default=0)
            for c, e in zip(contest.ranked, contest.errors, strict=True):
                lines.append(f"  {c.name:{wide}}  {percent(e.value):>7} ({100 * e.low:.1f}–{100 * e.high:.1f})")
            lines += [f"  {_undone(record)}" for record in contest.undone]
        return "\n".join([*lines, f"report: {self.report}"])

    def _repr_html_(self) -> str:
        """The verdict and the ranking, what did not finish, and the limits in small type."""
        parts = []
        for contest in self.contests:
            said = verdict(contest)
            parts.append(f"<p><strong>{escape(said.headline)}</strong> {escape(said.sentence)}</p>")
            chart = ranking_figure(contest)
            if chart is not None:
                parts.append(Drawing(chart).svg())
            small = [*said.advice, *said.more, *said.caveats, *map(_undone, contest.undone)]
            parts += [f'<p style="font-size:smaller;margin:.2em 0">{escape(line)}</p>' for line in small]
        parts.append(f'<p style="font-size:smaller">Report: <code>{escape(str(self.report))}</code></p>')
        return f'<div style="max-width:60em">{"".join(parts)}</div>'


class Drawing:
    """One figure, drawn as the report draws it."""

    def __init__(self, chart: Chart) -> None:
        self._chart = chart

    def save(self, path: str | Path) -> Path:
        """Write it as the file's ending says: ``.png``, ``.svg`` or ``.pdf``; the path. Raises InputError."""
        path = Path(path)
        form = path.suffix.removeprefix(".")
        if form not in FORMATS:
            raise InputError(f"{path}: give a file that ends in .png, .svg or .pdf")
        write_atomic(path, picture(self._chart, form))
        return path

    def svg(self) -> str:
        """As an ``<svg>`` element, light, on its own ground."""
        return picture(self._chart, "svg").decode().partition("?>")[2].strip()

    def data(self) -> pd.DataFrame:
        """What it draws, in the units of its axes."""
        import pandas as pd

        table = figure_numbers(self._chart)
        rows = [[value.text if value.raw is None else value.raw for value in row] for row in table.rows]
        return pd.DataFrame(rows, columns=[column.name for column in table.columns])

    def __repr__(self) -> str:
        return f"{self._chart.title}. {self._chart.summary}"

    def _repr_svg_(self) -> str:
        return self.svg()


PAIRS = [
    *("dataset", "first", "second", "k", "difference", "low", "high", "p", "p_corrected", "level", "told_apart"),
    *("headline", "only_first", "only_second", "kappa", "images_needed"),
]
ANSWER = ["image_id", "label", "guess", "score", "above", "tied", "top1", "top5"]


def _axes(records: Sequence[Record]) -> dict[str, str]:
    """The axes of all conditions, in order, with the columns they get: one that is taken gets a longer name."""
    taken = {*COLUMNS, *ANSWER}
    axes = dict.fromkeys(axis for record in records for axis in record.condition)
    return {axis: f"condition_{axis}" if axis in taken else axis for axis in axes}


def _undone(record: Record) -> str:
    return f"{record.method}{record.under} {record.status}: {record.reason}"
