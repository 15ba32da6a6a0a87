"""The page from stored results: what it says, and that nothing in the results can break it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from topfive.benchmark.errors import InputError
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.selfcheck import checks
from topfive.benchmark.report.analysis.verdict import verdict
from topfive.benchmark.report.numbers import corrected_p
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections.verdict import groups
from topfive.benchmark.results.run import Run, open_run
from topfive.benchmark.results.schema import Record
from topfive.benchmark.scoring.power import images_needed

from tests.benchmark.conftest import add, edit
from tests.benchmark.report.conftest import CONTENDERS, DEEP, HAND, MakeRun, broken_record, contest_of

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "שלום עולם",
    "🐠 goldfish 🏳️‍🌈",
    "long " + "x" * 300,
    "a\"b'c&amp;d`{{ 7*7 }}",
    "$\\frac{1}{0}$",
    "tab\tand\u2028line",
]


def test_the_page_is_one_file_with_its_figures(make_run: MakeRun, tmp_path: Path) -> None:
    page = render([make_run()], tmp_path / "out")
    assert page == tmp_path / "out" / "report.html"
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["'](?!#|data:)""", html)
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in html
    names = {path.name for path in (tmp_path / "out" / "figures").iterdir()}
    assert {"ranking.png", "history.png", "cost-seconds.png", "per-class.png", "top-k.png"} <= names
    of = {form: {name.partition(".")[0] for name in names if name.endswith(form)} for form in (".png", ".svg", ".pdf")}
    assert of[".png"] - {"card"} == of[".svg"]
    assert not of[".pdf"]
    assert '<meta property="og:image" content="figures/card.png">' in html
    for path in (tmp_path / "out" / "figures").iterdir():
        assert path.read_bytes().startswith({".png": b"\x89PNG", ".svg": b"<?xml"}[path.suffix])
    assert list((tmp_path / "out").glob(".report-*")) == []


def test_figures_as_svg_and_pdf_on_request(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(n_classes=40, per_class=2, contenders=CONTENDERS[:1], broken=False)
    render([run], tmp_path / "out", formats=("svg", "pdf"))
    assert (tmp_path / "out" / "figures" / "ranking.svg").read_text().startswith("<?xml")
    assert (tmp_path / "out" / "figures" / "ranking.pdf").read_bytes().startswith(b"%PDF")
    assert not list((tmp_path / "out" / "figures").glob("*.png"))


def test_a_page_made_again_leaves_no_old_pdf_beside_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(n_classes=4, per_class=2, contenders=CONTENDERS[:1], broken=False)
    figures = tmp_path / "out" / "figures"
    figures.mkdir(parents=True)
    (figures / "ranking.pdf").write_bytes(b"of an earlier run")
    render([run], tmp_path / "out")
    assert (figures / "ranking.pdf").read_bytes().startswith(b"%PDF")
    assert [path.name for path in figures.glob("*.pdf")] == ["ranking.pdf"]


def test_the_verdict_says_the_numbers_of_the_results(make_run: MakeRun) -> None:
    contest = contest_of(make_run())
    told = verdict(contest)
    hand, deep = contest.headline_pair or (0, 0)
    assert (contest.ranked[hand].name, contest.ranked[deep].name) == ("sift-fisher", "alexnet")
    # By hand from the stored predictions.
    a, b = (contest.ranked[i].hits(5)[0] for i in (hand, deep))
    pair = contest.pair(hand, deep)
    assert pair is not None
    assert pair.gap.value == pytest.approx(abs(a.mean() - b.mean()), abs=1e-9)
    assert {pair.only_a, pair.only_b} == {int((a & ~b).sum()), int((b & ~a).sum())}
    assert told.sentence.startswith("On these 20 classes with 100 training images each, ")
    for i, x in enumerate((a, b)):
        assert f"{100 * (1 - float(x.mean())):.1f}\u00a0%" in told.sentence, i
    assert (
        (told.headline == "Too close to call.")
        == (pair.p_corrected >= 0.05)
        == told.sentence.endswith("luck alone could make that difference.")
    )
    small = " ".join(told.more)
    assert f"is ahead by {100 * pair.gap.value:.1f} points of top-5 error" in small
    assert f"{corrected_p(pair.p, pair.p_corrected, contest.candidates)}, McNemar’s test" in small
    assert f"both miss {100 * float((~a & ~b).mean()):.1f}\u00a0%." in small


def test_a_clear_lead_and_a_draw(make_run: MakeRun) -> None:
    lead = verdict(contest_of(make_run("a", contenders=(("deep-1", DEEP, 3.5), ("hand-1", HAND, 0.8)))))
    assert lead.headline == "deep-1 beats hand-engineered features here."
    assert "luck does not explain the difference" in lead.sentence
    assert "p\u00a0<\u00a00.001" in lead.more[0]
    behind = verdict(contest_of(make_run("b", contenders=(("deep-1", DEEP, 0.6), ("hand-1", HAND, 3.5)))))
    assert behind.headline == "hand-1 still beats deep learning here."
    equal = contest_of(make_run("c", contenders=(("deep-1", DEEP, 1.5), ("hand-1", HAND, 1.5)), per_class=3))
    assert verdict(equal).headline == "Too close to call."
    assert equal.groups == [(0, 1)]


def test_caveats(make_run: MakeRun) -> None:
    told = " ".join(verdict(contest_of(make_run("a", layout="photos", limited=True, per_class=5))).caveats)
    assert "demonstration" in told
    assert "--limit" in told
    assert "100 validation images are few" in told
    assert "6 of 13 cells did not finish" in told
    weak = contest_of(make_run("b", contenders=(("weak", HAND, 0.0), ("good", DEEP, 2.0)), broken=False))
    assert any("Not clear of chance" in line and "weak" in line for line in verdict(weak).caveats)


def test_ten_classes_are_judged_by_top_1(make_run: MakeRun) -> None:
    contest = contest_of(make_run(n_classes=10))
    assert contest.k == 1
    assert contest.chance == pytest.approx(0.9)
    assert "misses the right class with its first guess" in verdict(contest).sentence
    assert "top-1 error" in verdict(contest).sentence


PERFECT = (("hog", HAND, 9.0), ("hog[cell=6]", HAND, 9.0), ("gist", HAND, 9.0), ("color", HAND, 0.5))


def test_two_classes_are_told_in_their_own_words(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(n_classes=2, per_class=4, contenders=PERFECT, broken=False)
    contest = contest_of(run)
    told = verdict(contest)
    assert told.headline == "Neither makes a mistake."
    assert told.sentence.endswith("gist and HOG both make no error on 8 validation images.")
    assert not any("equally many" in line or "differently" in line for line in told.more)
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "gist and HOG make the same error in every class." in html
    assert "who has the truth as the first guess" in html
    assert "among the best 1" not in html
    assert "classes, HOG on" not in html


def test_a_variant_of_the_same_method_is_the_last_rival(make_run: MakeRun) -> None:
    def duel(name: str, *contenders: tuple[str, str, float]) -> list[str]:
        contest = contest_of(make_run(name, contenders=contenders, broken=False))
        return [contest.ranked[i].name for i in contest.headline_pair or ()]

    hog, variant = ("hog", HAND, 3.0), ("hog[cell=6]", HAND, 2.5)
    assert duel("a", hog, variant, ("gist", HAND, 1.0)) == ["hog", "gist"]
    assert duel("b", hog, variant, ("coates", "learned, shallow", 1.0), ("gist", HAND, 0.5)) == ["hog", "coates"]
    assert duel("c", hog, variant, ("chance", "floor", 0.0)) == ["hog", "hog[cell=6]"]
    assert duel("d", hog, ("chance", "floor", 0.0)) == ["hog", "chance"]
    assert duel("e", hog, variant, ("net", DEEP, 0.5)) == ["hog", "net"]


def test_images_needed_are_those_of_the_corrected_level(make_run: MakeRun) -> None:
    contenders = (("a", HAND, 2.0), ("b", DEEP, 1.7), ("c", HAND, 1.3))
    contest = contest_of(make_run(contenders=contenders, per_class=4, broken=False))
    assert contest.candidates == 2  # a leads its side clearly, so the headline pair keeps 5 % for itself
    others = [pair for pair in contest.pairs if (pair.a, pair.b) != contest.headline_pair]
    by_p = sorted(others, key=lambda pair: pair.p)
    assert len({pair.p for pair in by_p}) == 2
    levels = {(pair.a, pair.b): 0.05 / step for step, pair in zip((2, 1), by_p, strict=True)}
    for pair in contest.pairs:
        images = images_needed(pair.only_a, pair.only_b, 80, alpha=levels.get((pair.a, pair.b), 0.05))
        assert images is not None
        assert pair.needed == (images if images > 80 or pair.told_apart else None)
    # Four that cannot be told apart on 8 images: no number below 9 is ever named.
    few = contest_of(make_run("few", n_classes=2, per_class=4, contenders=PERFECT, broken=False))
    assert few.groups == [(0, 3)]
    last = few.pair(0, 3)
    assert last is not None
    assert (last.only_a, last.only_b) == (5, 0)
    assert last.p == pytest.approx(1 / 32)
    uncorrected = images_needed(5, 0, 8)
    assert uncorrected is not None
    assert last.needed is not None
    assert 8 < uncorrected < last.needed
    assert groups(few)[0].endswith(f"About {last.needed} images would tell the first from the last.")


def test_only_failures(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=(), thumbnails=False)
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "No contender finished" in html
    for status in ("failed", "timeout", "oom", "skipped", "unavailable", "interrupted"):
        assert f"broken-{status}" in html
    assert "killed by the system: out of memory" in html
    assert "Traceback (most recent call last)" in html


def test_one_cell_and_nothing_to_compare(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=(("only", HAND, 1.5),), broken=False, thumbnails=False)
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "nothing else was run to compare it with" in html
    assert "No deep contender was run; add -m alexnet to compare the two sides." in html


def test_who_was_not_run_did_not_fail(make_run: MakeRun) -> None:
    run = make_run(contenders=(("net", DEEP, 1.5),), broken=False)
    assert (
        "No hand-engineered contender was run; add -m sift-fisher to compare the two sides."
        in verdict(contest_of(run)).advice
    )
    failed = broken_record("tiny-imagenet-mini", "hog", "failed", "ValueError").model_copy(update={"family": HAND})
    add(run, failed)
    told = verdict(contest_of(run))
    assert "No hand-engineered contender finished, so the two sides are not compared." in told.advice
    assert "nothing else finished to compare it with" in told.sentence


def test_a_run_without_data_sets(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=(), broken=False)
    Run(run, manifest=open_run(run).manifest).save()
    assert "Provenance" in render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")


def test_several_runs_become_one_report(make_run: MakeRun, tmp_path: Path) -> None:
    one = make_run("one", contenders=CONTENDERS[:1], broken=False)
    two = make_run("two", contenders=CONTENDERS[1:3], broken=False)
    contests = contests_of([open_run(one), open_run(two)])
    assert len(contests) == 1
    assert {c.name for c in contests[0].ranked} == {"alexnet", "sift-fisher", "sift-bovw"}
    assert len(contests[0].pairs) == 3
    html = render([one, two], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert html.count("<article") == 1
    # The later result of the same cell wins, and the page says so; a failure does not hide an earlier success.
    again = make_run("again", contenders=CONTENDERS[:1], broken=False)
    failed = make_run("failed", contenders=(), broken=False)
    add(failed, broken_record("tiny-imagenet-mini", "alexnet", "failed", "later"))
    contest = contests_of([open_run(p) for p in (one, again, failed)])[0]
    assert [c.seeds for c in contest.ranked] == [1]
    assert contest.ranked[0].results[0].run.path == again
    assert "run more than once" in contest.notes[0]
    assert contest.undone == []


def test_several_data_sets_have_an_overview(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(datasets=("one", "two"), contenders=CONTENDERS[:2], n_classes=12, per_class=5)
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert html.count("<article") == 2
    table = html[html.index('id="t-overview"') :]
    assert "A slice of one, top-5" in table
    assert "A slice of two, top-5" in table
    assert "58.3\u00a0%" in table  # chance: 1 - 5/12


def test_without_stored_predictions_the_metrics_still_make_a_page(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(broken=False)
    edit(run, lambda record: record.model_copy(update={"predictions": None}))
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "without stored predictions nobody can say whether that is more than luck" in html
    assert "nothing can be checked again" in html


def test_predictions_in_another_order_are_matched_by_id(make_run: MakeRun) -> None:
    import pyarrow.parquet as pq

    run = make_run(broken=False)
    before = contest_of(run).pairs
    path = run / str(next(r.predictions for r in open_run(run).records if r.method == "sift-fisher"))
    table = pq.read_table(path)
    pq.write_table(table.take(np.random.default_rng(0).permutation(len(table))), path)
    assert contest_of(run).pairs == before
    # Other images altogether: out of the paired tests, still in the ranking.
    pq.write_table(table.slice(5), path)
    contest = contest_of(run)
    assert len(contest.ranked) == len(CONTENDERS)
    assert not next(c for c in contest.ranked if c.name == "sift-fisher").paired
    assert "answered for other images" in contest.notes[0]


def test_several_seeds(make_run: MakeRun) -> None:
    contest = contest_of(make_run(seeds=(0, 1, 2), per_class=10))
    assert {c.seeds for c in contest.ranked} == {3}
    assert not any("One training run each" in line for line in verdict(contest).caveats)
    for i, error in enumerate(contest.errors):
        assert error.low <= error.value <= error.high
        assert error.value == pytest.approx(1 - contest.ranked[i].hits(5).mean(), abs=1e-9)


def test_learning_curves_and_their_crossing(make_run: MakeRun, tmp_path: Path) -> None:
    from topfive.benchmark.report.analysis.curves import curves_of

    run = make_run(train_per_class=(5, 10, 25, 100, 400), contenders=(("net", DEEP, 3.0), ("sift", HAND, 1.8)))
    contest = contest_of(run)
    curves = curves_of(contest)
    assert [[size for size, _ in line.points] for line in curves.lines] == [[5, 10, 25, 100, 400]] * 2
    assert curves.crossing is not None
    assert curves.crossing.at is not None
    assert 5 < curves.crossing.at < 400
    assert "cross at about" in curves.sentence
    assert contest.per_class == 400
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "More training images" in html


def test_hostile_names_in_figures(make_run: MakeRun, tmp_path: Path) -> None:
    contenders = tuple((h, HAND if i % 2 else DEEP, 1.0 + i / 4) for i, h in enumerate(HOSTILE))[3:]
    run = make_run(n_classes=len(HOSTILE), class_names=HOSTILE, contenders=contenders, per_class=6, broken=False)
    render([run], tmp_path / "out")
    assert (tmp_path / "out" / "figures" / "confusion-first.png").is_file()


@pytest.mark.parametrize("where", ["classes", "methods", "paths", "reasons"])
def test_hostile_names_are_shown_as_text(where: str, make_run: MakeRun, tmp_path: Path) -> None:
    names = HOSTILE if where == "classes" else None
    run = make_run(
        n_classes=len(HOSTILE) + (4 if where != "classes" else 0),
        class_names=names,
        contenders=tuple((h[:60], HAND if i % 2 else DEEP, 1.0 + i / 4) for i, h in enumerate(HOSTILE))
        if where == "methods"
        else CONTENDERS,
        datasets=(HOSTILE[0].replace("/", "|"),) if where == "paths" else ("plain",),
    )
    if where == "reasons":
        hostile = {"reason": HOSTILE[1], "log": HOSTILE}
        edit(run, lambda record: record if record.status == "done" else record.model_copy(update=hostile))
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("<script>") == 1
    assert html.count("</script>") == html.count("<script")
    if where == "classes":
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "שלום עולם" in html
        assert "{{ 7*7 }}" in html
        data = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
        assert data is not None
        assert HOSTILE[0] in json.loads(data.group(1))["classes"]


def test_names_that_no_file_can_hold_do_not_stop_the_page(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(broken=False, per_class=4)
    path = run / "results.json"  # as JSON may have it, though no writer of ours
    path.write_text(path.read_text().replace('"A slice of tiny-imagenet-mini"', r'"bad \udcff name"'))
    assert "bad ? name" in render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")


def better(record: Record) -> Record:
    """As stated, not as predicted."""
    return record.model_copy(update={"metrics": record.metrics | {"top5_err": 0.01}})


def test_the_self_check_finds_what_is_wrong(make_run: MakeRun) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    run = make_run(broken=False)
    found = checks(contest_of(run))
    assert {c.passed for c in found} == {True}
    # 400 images of 20 classes: 20 right by luck, and five times about sqrt(400 · 0.05 · 0.95) = 4.4 on either side.
    said = re.search(r"luck alone gives 5\.00\u00a0%, and ([\d.]+)\u00a0% to ([\d.]+)\u00a0% passes", found[-1].found)
    assert said is not None
    assert [float(v) for v in said.groups()] == pytest.approx([0, 10.4], abs=0.2)
    edit(run, lambda record: better(record) if record.method == "alexnet" else record)
    assert [c.name for c in checks(contest_of(run)) if not c.passed] == [
        "Counting the stored predictions again gives the stated errors"
    ]
    edit(run, n_val=401)
    failed = [c.name for c in checks(contest_of(run)) if not c.passed]
    assert "Every contender was scored on every validation image" in failed
    for path in (run / "predictions").iterdir():
        table = pq.read_table(path)
        ids = table["image_id"].to_pylist()
        pq.write_table(table.set_column(0, "image_id", pa.array([ids[1], *ids[1:]])), path)
    assert "Image ids are unique" in [c.name for c in checks(contest_of(run)) if not c.passed]


def test_the_same_results_give_the_same_page(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(n_classes=40, per_class=2, contenders=CONTENDERS[:1], broken=False)
    pages = [render([run], tmp_path / name) for name in ("a", "b")]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    for figure in (tmp_path / "a" / "figures").iterdir():
        assert figure.read_bytes() == (tmp_path / "b" / "figures" / figure.name).read_bytes()


def test_what_is_not_a_run_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not the folder of a run: it holds no results\.json"):
        render([tmp_path], tmp_path / "out")
    with pytest.raises(InputError, match="at least one"):
        render([], tmp_path / "out")
    run = make_run()
    text = (run / "results.json").read_text()
    (run / "results.json").write_text(text.replace('"schema_version": 2', '"schema_version": 99'))
    with pytest.raises(InputError, match="schema version 99"):
        render([run], tmp_path / "out", formats=())
    (run / "results.json").write_text("{broken")
    with pytest.raises(InputError, match="is not readable"):
        render([run], tmp_path / "out", formats=())
