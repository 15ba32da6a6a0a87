"""The committed reference reports: made again from their stored results, and what they say still follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import escape
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.selfcheck import checks
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.report.render import render
from topfive.benchmark.results.run import open_run

REFERENCE = Path(__file__).parents[3] / "reports" / "reference"
RUNS = sorted(path.parent for path in REFERENCE.glob("*/results.json"))


@pytest.mark.skipif(not RUNS, reason="no reference reports are committed yet")
@pytest.mark.parametrize("run", RUNS or [REFERENCE], ids=lambda run: run.name)
def test_a_reference_report_is_made_again_from_its_results(run: Path, tmp_path: Path) -> None:
    html = render([run], tmp_path, formats=()).read_text(encoding="utf-8")
    contests = contests_of([open_run(run)])
    assert contests
    for contest in contests:
        assert contest.ranked
        assert [c.name for c in checks(contest) if c.passed is False] == []
        # The committed page may lack what was added since; its verdict may not differ.
        said = str(escape(verdict(contest).headline))
        assert said in html
        assert said in (run / "report.html").read_text(encoding="utf-8")
