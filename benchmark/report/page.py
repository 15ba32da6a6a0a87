"""The page: one self-contained HTML file from the stored results of one run or several, and the figures as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..families import DEEP, FAMILIES, HAND, tone_of
from . import classes, content
from .charts import (
    FORMATS,
    confusion,
    consistency,
    cost,
    draw,
    learning,
    per_class,
    ranking,
    record,
    reliability,
    save,
    top_k,
    training,
)
from .charts.figure import Chart, Figure
from .curves import curves_of
from .explorer import BYTES, explorer, thumbnails_of
from .history import CAVEATS, HUMAN_NOTE
from .html import data, html, write
from .numbers import inside, percent, points, short
from .provenance import facts_of_data, provenance
from .runs import Run, read_run
from .selfcheck import checks
from .study import Study, studies_of
from .verdict import SIDES, flawless, verdict

WIDE, NARROW, SMALL = 872, 352, 416  # px that figures are drawn for: the column, a phone, half the column


def render(runs: Sequence[Path], out: Path, formats: Sequence[str] = FORMATS) -> Path:
    """Write ``out/report.html`` and ``out/figures/*`` from the folders of one or more runs; the path of the page.

    ``formats``: of the figures, of "png", "svg", "pdf". Raises InputError where a folder is not a run's.
    """
    if not runs:
        raise InputError("a report needs at least one run's folder")
    loaded = [read_run(path) for path in runs]
    studies = studies_of(loaded)
    out.mkdir(parents=True, exist_ok=True)
    figures = out / "figures"
    figures.mkdir(exist_ok=True)
    sections, drawn = [], list[tuple[str, Chart]]()
    for number, study in enumerate(studies):
        section = _section(study, loaded, f"s{number + 1}", BYTES // len(studies))
        prefix = f"{number + 1}-" if len(studies) > 1 else ""
        drawn += [(prefix, view["figure"]) for view in section["views"]]
        sections.append(section)
    for prefix, figure in drawn:
        save(figure, figures, formats, prefix)
    write(out / "report.html", _page(sections, loaded))
    return out / "report.html"


def _page(sections: list[dict[str, Any]], runs: list[Run]) -> str:
    names = ", ".join(dict.fromkeys(section["dataset"].title for section in sections))
    return html(
        "report.html",
        title=f"topfive on {short(inside(names), 120)}" if names else "topfive",
        sections=sections,
        overview=content.overview([s["study"] for s in sections]) if len(sections) > 1 else None,
        provenance=provenance(runs),
        version=", ".join(sorted({run.version for run in runs})),
        history_caveats=CAVEATS,
        human_note=HUMAN_NOTE,
    )


def _section(study: Study, runs: list[Run], anchor: str, budget: int) -> dict[str, Any]:
    """What the template shows of one data set."""
    pictures = thumbnails_of(runs, study.dataset.name)
    explored = explorer(study, pictures, budget)
    curves = curves_of(study)
    view = partial(_view, anchor)
    quoted = record.figure(study)
    views: dict[str, Any] = {
        "ranking": view(ranking.figure(study)),
        "history": view(quoted) if study.ranked else None,
        "learning": view(learning.figure(study, curves)),
        "cost": [view(figure) for figure in cost.figures(study)],
        "per_class": view(per_class.figure(study)),
        "closer": [view(figure) for figure in (top_k.figure(study), reliability.figure(study)) if figure is not None],
        "training": [view(figure) for figure in training.figures(study)],
        "consistency": view(consistency.figure(study)),
        "confusion": [view(matrix) for i in study.duel or () if (matrix := confusion.figure(study, i)) is not None],
    }
    section: dict[str, Any] = {
        "anchor": anchor,
        "study": study,
        "dataset": study.dataset,
        "verdict": verdict(study),
        "cards": _cards(study),
        **views,
        "views": [view for entry in views.values() for view in (entry if isinstance(entry, list) else [entry]) if view],
        "ties": content.groups(study),
        "families": _legend(c.family for c in study.ranked),
        "contenders": content.contenders(study, anchor) if study.ranked else None,
        "pairs": content.pairs(study, anchor),
        "history_legend": [(f.tone, f.label) for f in FAMILIES if f.tone in quoted.tones],
        "measured": any(not s.hollow for s in quoted.series),
        "record": content.record(anchor),
        "curves": curves,
        "costs": content.costs(study, anchor) if study.ranked else None,
        "stages": content.stages(study, anchor),
        "classes": classes.classes(study, anchor),
        "branches": classes.branches(study, anchor),
        "confusions": classes.confusions(study, anchor),
        "explorer": None if explored is None else data(explored),
        "pictures": explored is not None and any(image["jpeg"] for image in explored["images"]),
        "calibration": content.calibrations(study, anchor),
        "kappa": content.family_consistency(study),
        "undone": content.undone(study, anchor),
        "checks": checks(study),
        "facts": facts_of_data(study),
        "problems": content.problems(study, anchor),
    }
    section["parts"] = [
        (name, f"{anchor}-{part}")
        for name, part, there in (
            ("Numbers", "numbers", section["contenders"]),
            ("Record", "history", section["history"]),
            ("Images per class", "learning", section["learning"]),
            ("Cost", "cost", section["costs"]),
            ("Classes", "classes", section["classes"]),
            ("Disagreements", "explorer", section["explorer"]),
            ("Training", "training", section["training"]),
            ("Unfinished", "undone", section["study"].undone),
        )
        if there
    ]
    return section


def _view(anchor: str, figure: Chart | None) -> dict[str, Any] | None:
    """A figure drawn for the widths it is shown at, and its numbers."""
    if figure is None:
        return None
    small = isinstance(figure, Figure) and figure.small
    wide = SMALL if small else 640 if isinstance(figure, Figure) and figure.square else WIDE
    return {
        "figure": figure,
        "wide": draw(figure, wide),
        "narrow": None if small else draw(figure, NARROW),
        "table": content.figure_numbers(figure, anchor),
    }


def _legend(families: Iterable[str]) -> list[tuple[str, str]]:
    present = {tone_of(family) for family in families}
    return [(family.tone, family.label) for family in FAMILIES if family.tone in present]


def _cards(study: Study) -> list[dict[str, str]]:
    """The four numbers of the first screen."""
    out = []
    for family in (HAND, DEEP):
        i = study.best(family)
        if i is not None:
            e = study.errors[i]
            note = f"{short(study.ranked[i].name, 40)}, {100 * e.low:.1f} to {100 * e.high:.1f}"
            label = SIDES[family].replace("contender", "").strip().capitalize()
            out.append({"tone": tone_of(family), "label": label, "value": percent(e.value), "note": note})
    pair = study.pair(*study.duel) if study.duel else None
    if pair and not flawless(study):
        note = f"points, {points(pair.gap.low)} to {points(pair.gap.high)}"
        out.append({"tone": "", "label": "Difference", "value": points(pair.gap.value), "note": note})
        a, b = (study.mean_hits[study.paired.index(i)] for i in (pair.a, pair.b))
        missed = float(((1 - a) * (1 - b)).mean())
        out.append({"tone": "", "label": "Missed by both", "value": percent(missed), "note": "of the images"})
    return out
