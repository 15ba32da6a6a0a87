"""What changed between two runs, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from topfive.benchmark.errors import InputError
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.compare import compare
from topfive.benchmark.results.run import open_run
from topfive.benchmark.scoring.paired import mcnemar
from topfive.benchmark.scoring.statistics import holm

from tests.benchmark.conftest import edit
from tests.benchmark.report.conftest import CONTENDERS, DEEP, HAND, MakeRun

OLD = (("alexnet", DEEP, 2.0), ("sift", HAND, 1.5), ("gone", HAND, 1.0))
NEW = (("alexnet", DEEP, 3.2), ("sift", HAND, 1.5), ("came", HAND, 1.0))


def test_a_better_network_an_unchanged_rest(make_run: MakeRun, tmp_path: Path) -> None:
    a, b = make_run("a", contenders=OLD), make_run("b", contenders=NEW)
    found = compare(a, b)
    (part,) = found.parts
    by_name = {c.name: c for c in part.changes}
    assert set(by_name) == {"alexnet", "sift"}
    assert by_name["sift"].verdict == "no change"
    assert by_name["sift"].gap == 0
    # By hand: McNemar's mid-p over the images of both runs, Holm over the two contenders.
    old, new = (
        next(c for c in contests_of([open_run(run)])[0].ranked if c.name == "alexnet").hits(5)[0] for run in (a, b)
    )
    expected = holm([float(mcnemar((old & ~new).sum(), (new & ~old).sum())), 1.0])[0]
    assert by_name["alexnet"].p == pytest.approx(expected)
    assert by_name["alexnet"].gap == pytest.approx(old.mean() - new.mean())
    assert by_name["alexnet"].low is not None
    assert by_name["alexnet"].low < by_name["alexnet"].gap < 0
    assert by_name["alexnet"].verdict == "better"
    assert part.notes == ["Finished only before: gone.", "Finished only after: came."]
    assert found.headline == "alexnet got better; 1 of 2 did not change by more than luck explains."
    assert any("alexnet" in line and "better" in line and "→" in line for line in found.lines())
    back = compare(b, a)
    assert {c.name: c.verdict for c in back.parts[0].changes}["alexnet"] == "worse"
    html = found.render(tmp_path / "out").read_text(encoding="utf-8")
    assert found.headline in html
    assert html.count("<script>") == 1


def test_what_is_not_comparable_is_refused_with_the_reason(make_run: MakeRun) -> None:
    run, other = make_run("a", contenders=OLD), make_run("b", contenders=OLD, datasets=("photos",))
    with pytest.raises(InputError, match="nothing to compare"):
        compare(run, other)
    with pytest.raises(InputError, match="fingerprint"):
        compare(run, make_run("c", contenders=OLD, per_class=10))
    limited = make_run("d", contenders=OLD, limited=True)
    with pytest.raises(InputError, match="--limit"):
        compare(run, limited)
    with pytest.raises(InputError, match=r"is not the folder of a run: it holds no results\.json"):
        compare(run, run / "predictions")


def test_without_a_common_contender_the_report_of_both_is_named(make_run: MakeRun) -> None:
    a, b = make_run("a", contenders=OLD[:1], broken=False), make_run("b b", contenders=NEW[1:])
    with pytest.raises(InputError) as caught:
        compare(a, b)
    assert str(caught.value) == (
        f"nothing to compare: no contender finished in both runs. {a} has alexnet, {b} has sift, came; compare holds "
        f"each contender against itself, `topfive report {a} '{b}'` shows both on one page"
    )
    with pytest.raises(InputError, match=r"has photos; `topfive report .* shows both on one page"):
        compare(a, make_run("c", contenders=OLD, datasets=("photos",)))


def test_the_page_goes_into_the_file_that_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    found = compare(make_run("a", contenders=OLD), make_run("b", contenders=OLD))
    for given, written in (("new/changes.html", "new/changes.html"), ("folder", "folder/comparison.html")):
        assert found.render(tmp_path / given) == tmp_path / written
        assert found.headline in (tmp_path / written).read_text(encoding="utf-8")


def test_without_predictions_nothing_is_tested(make_run: MakeRun) -> None:
    a, b = make_run("a", contenders=CONTENDERS[:1]), make_run("b", contenders=NEW)
    edit(a, lambda record: record.model_copy(update={"predictions": None}))
    (change,) = compare(a, b).parts[0].changes
    assert change.p is None
    assert change.verdict == "not tested: no predictions stored"
