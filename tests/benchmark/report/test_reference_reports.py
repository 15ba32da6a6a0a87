"""The committed reference reports: made again from their stored results, and what they say still follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import escape
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.curves import curves_of
from topfive.benchmark.report.analysis.scaling import scaling_of
from topfive.benchmark.report.analysis.selfcheck import checks
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.report.render import render
from topfive.benchmark.results.run import open_run

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "reports" / "reference"
REPORTS = sorted(path.parent for path in REFERENCE.glob("*/report.html"))


def runs_of(report: Path) -> list[Path]:
    """The folder itself, or the ones in it that were joined."""
    one = (report / "results.json").exists()
    return [report] if one else sorted(path.parent for path in report.glob("*/results.json"))


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_a_reference_report_is_made_again_from_its_results(report: Path, tmp_path: Path) -> None:
    html = render(runs_of(report), tmp_path, formats=()).read_text(encoding="utf-8")
    contests = contests_of([open_run(run) for run in runs_of(report)])
    assert contests
    for contest in contests:
        assert contest.ranked
        assert [c.name for c in checks(contest) if c.passed is False] == []
        # The committed page may lack what was added since; its verdict may not differ.
        said = str(escape(verdict(contest).headline))
        assert said in html
        assert said in (report / "report.html").read_text(encoding="utf-8")


def test_the_figure_and_the_laws_of_the_readme_are_those_of_the_stored_results(tmp_path: Path) -> None:
    report = REFERENCE / "tiny-imagenet-200"
    render(runs_of(report), tmp_path, formats=("svg",))
    for name in ("learning.svg", "ranking.svg"):
        drawn, stored = (folder / "figures" / name for folder in (tmp_path, report))
        assert drawn.read_text(encoding="utf-8") == stored.read_text(encoding="utf-8")
    (contest,) = contests_of([open_run(run) for run in runs_of(report)])
    curves = curves_of(contest)
    told = {one.name: one.foretold[0] for one in scaling_of(contest, curves).fits}
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert curves.crossing is not None
    assert f"(a straight line between the two says {curves.crossing.at:.0f})" in readme
    for name, words in (("Best features of 2012", "{} % for {}"), ("SIFT with Fisher vectors", "{} for {}")):
        said = words.format(*(f"{100 * value:.1f}" for value in (told[name].predicted.value, told[name].measured)))
        assert said in readme
