"""The first screen as a reader meets it: what to call it, what to do, who is who, and where the difference lies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from topfive.benchmark.families import DEEP, FLOOR, HAND, SHALLOW
from topfive.benchmark.report.analysis.titles import TITLES, terms, title, titles, what_it_is
from topfive.benchmark.report.analysis.verdict import LONGEST, verdict
from topfive.benchmark.report.charts import difference, ranking
from topfive.benchmark.report.charts.layout import lay_out
from topfive.benchmark.report.charts.primitives import Line, Rect
from topfive.benchmark.report.numbers import named
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections.parts import Html
from topfive.benchmark.report.sections.undone import Undone
from topfive.benchmark.report.sections.verdict import STRIP, FirstScreen, contenders, groups, rivals, strip
from topfive.benchmark.results.schema import Costs

from tests.benchmark.conftest import add
from tests.benchmark.report.conftest import MakeRun, broken_record, change, contest_of

AHEAD = (("alexnet", DEEP, 1.2), ("sift-fisher", HAND, 2.4))
EVEN = (("alexnet", DEEP, 1.6), ("sift-fisher", HAND, 1.6))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("sift-fisher", "SIFT with Fisher vectors"),
        ("resnet-2015[epochs=28]", "ResNet-18 (28 epochs)"),
        ("resnet-2015[depth=34,epochs=1]", "ResNet-34 (1 epoch)"),
        ("alexnet[augment=false,width=0.5]", "AlexNet (no augment, half width)"),
        ("hog[cell=6] (cpu, epochs 3)", "HOG (cell 6, cpu, epochs 3)"),
        ("hog (cpu)", "HOG (cpu)"),
        ("timm[model=org/vit_small]", "Pre-trained vit_small"),
        ("timm", "timm"),
        ("my-net[k=2]", "my-net[k=2]"),
        ("hog[6]", "hog[6]"),
    ],
)
def test_names_are_those_that_a_person_says(spec: str, said: str) -> None:
    assert title(spec) == said


def test_two_that_would_read_alike_keep_their_specifications() -> None:
    assert titles(["alexnet", "hog", "AlexNet"]) == {"alexnet": "alexnet", "hog": "HOG", "AlexNet": "AlexNet"}


def test_what_several_of_one_method_have_in_common_is_not_said() -> None:
    """The specification beside the title says it."""
    specs = ["alexnet[epochs=6,n_jobs=1,width=0.5]", "alexnet[epochs=6,width=0.5]", "hog[cell=8]"]
    assert list(titles(specs).values()) == ["AlexNet (1 thread)", "AlexNet", "HOG (cell 8)"]
    assert list(titles(["fisher[k=64]", "fisher[k=64,xy=false]", "fisher[dims=0,k=64]"]).values()) == [
        "Fisher vectors", "Fisher vectors (no xy)", "Fisher vectors (dims 0)"
    ]  # fmt: skip


def test_no_sentence_cuts_off_what_tells_two_apart() -> None:
    long = [f"my-net[path=/a/very/long/way/to/a/file/that/holds/the/weights/{n}.pt]" for n in range(3)]
    said = [named(one) for one in titles([*long, "hog"]).values()]
    assert len({*said}) == 4
    assert all(one.endswith(f"{n}.pt]") for n, one in enumerate(said[:3]))


def test_every_built_in_has_a_title_and_a_line() -> None:
    from topfive.benchmark.contenders.discovery import discover

    ours = {name for name, entry in discover().items() if entry.target.startswith("topfive.")}
    assert ours - {*TITLES} == {"resnet-2015", "timm", "onnx"}
    assert all(what_it_is(name) for name in ours)
    assert what_it_is("xrce-2011").startswith("SIFT and LCS Fisher vectors")  # not its name again
    assert what_it_is("hog[cell=6]") == what_it_is("hog")
    assert what_it_is("nobody-knows") == ""


def test_terms_are_explained_where_they_are_used() -> None:
    assert [name for name, _ in terms(["HOG", "Dense SIFT and an SVM"])] == ["SIFT", "HOG", "Linear SVM"]
    assert terms(["net"]) == []


@pytest.mark.parametrize(
    ("contenders", "said"),
    [
        (AHEAD, "SIFT with Fisher vectors still beats deep learning here."),
        ((("alexnet", DEEP, 3.0), ("hog", HAND, 0.8)), "AlexNet beats hand-engineered features here."),
        ((("alexnet", DEEP, 3.0), ("lenet-1998", DEEP, 0.8)), "AlexNet beats LeNet-5 here."),
        ((("x y z " * 5, DEEP, 3.0), ("hog", HAND, 0.8)), "Deep learning beats hand-engineered features here."),
        ((("hog", HAND, 3.0), ("x y z " * 5, DEEP, 0.8)), "HOG still beats deep learning here."),
        ((("x y z " * 5, DEEP, 3.0), ("u v w " * 5, DEEP, 0.8)), "There is a winner."),
        (AHEAD[:1], "Only one contender, so there is no verdict."),
        ((), "Nothing finished, so there is no verdict."),
    ],
)
def test_the_headline_is_what_a_person_would_say(
    contenders: tuple[tuple[str, str, float], ...], said: str, make_run: MakeRun
) -> None:
    told = verdict(contest_of(make_run(contenders=contenders, broken=False, thumbnails=False)))
    assert told.headline == said
    assert len(said.split()) <= LONGEST


def test_what_is_still_learning_is_in_the_headline_and_beside_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=AHEAD, broken=False, thumbnails=False)
    change(run, "alexnet", converged=False, budget={"epochs": 10, "width": 0.5})
    told = verdict(contest_of(run))
    assert told.headline == "SIFT with Fisher vectors still beats deep learning here, for now."
    assert told.limits[0].startswith(
        "AlexNet was still learning when its budget ended (10 epochs at half its width on a"
    )
    assert told.caveats[: len(told.limits)] == told.limits
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    first = html[html.index('class="verdict"') : html.index("<figure")]
    assert "still learning when its budget ended" in first
    assert html.count("still learning when its budget ended") == 1  # not in small type once more


def costs(fit: float, rate: float = 100.0) -> Costs:
    return Costs(fit_seconds=fit, images_per_second=rate)


SIFT = "SIFT with Fisher vectors"


@pytest.mark.parametrize(
    ("made_of", "sift", "alexnet", "said"),
    [
        (EVEN, costs(6), costs(45), [f"{SIFT} is the cheaper choice: 6 s to train against 45 s."]),
        (EVEN, costs(6), costs(8), ["Both take about as long to train: 6 s to train against 8 s."]),
        (AHEAD, costs(6), costs(45), [f"Take {SIFT}: it errs less and is cheaper, 6 s to train against 45 s."]),
        (AHEAD, costs(8), costs(8), [f"Take {SIFT}: it errs less, and both take about as long to train."]),
        (
            AHEAD,
            costs(45),
            costs(6),
            [f"Take {SIFT} for its error, AlexNet for its cost: it trains in 6 s, {SIFT} in 45 s."],
        ),
        (
            EVEN,
            costs(6, 10),
            costs(45, 100),
            [
                f"{SIFT} is the cheaper choice: 6 s to train against 45 s.",
                "Once trained, AlexNet is the faster one: 10 ms an image against 100 ms.",
            ],
        ),
        (EVEN, Costs(), costs(45), []),
    ],
)
def test_what_to_do(made_of: Any, sift: Costs, alexnet: Costs, said: list[str], make_run: MakeRun) -> None:
    run = make_run(contenders=made_of, per_class=20 if made_of is AHEAD else 3, broken=False, thumbnails=False)
    change(run, "sift-fisher", costs=sift)
    change(run, "alexnet", costs=alexnet)
    contest = contest_of(run)
    assert contest.pairs[0].told_apart == (made_of is AHEAD)
    assert [line.replace("\u00a0", " ") for line in verdict(contest).advice] == said


def test_times_on_two_devices_say_so(make_run: MakeRun) -> None:
    run = make_run(contenders=EVEN, per_class=3, broken=False, thumbnails=False)
    change(run, "sift-fisher", costs=costs(6))
    change(run, "alexnet", costs=costs(45), device="NVIDIA H100")
    assert (
        verdict(contest_of(run))
        .advice[0]
        .replace("\u00a0", " ")
        .endswith("6 s to train on a CPU against 45 s on NVIDIA H100.")
    )


@pytest.mark.parametrize(("made_of", "take"), [(AHEAD, "Take SIFT with Fisher vectors: it errs less. "), (EVEN, "")])
def test_who_is_quick_on_a_gpu_is_not_called_cheaper_than_who_was_trained_on_a_cpu(
    made_of: Any, take: str, make_run: MakeRun
) -> None:
    run = make_run(contenders=made_of, per_class=20 if made_of is AHEAD else 3, broken=False, thumbnails=False)
    change(run, "sift-fisher", costs=costs(6), device="NVIDIA H100")
    change(run, "alexnet", costs=costs(45), device="cpu")
    (said,) = (line.replace("\u00a0", " ") for line in verdict(contest_of(run)).advice)
    assert said == (
        f"{take}Who is cheaper is not known: SIFT with Fisher vectors took 6 s to train on NVIDIA H100 against 45 s on "
        "a CPU."
    )


def test_both_rivals_have_a_tile_whatever_their_side(make_run: MakeRun) -> None:
    two = contest_of(make_run("a", contenders=(*AHEAD, ("hog", HAND, 0.5)), broken=False, thumbnails=False))
    assert [(tile.label, tile.name, tile.spec) for tile in rivals(two)] == [
        ("Best hand-engineered", "SIFT with Fisher vectors", "sift-fisher"),
        ("Best deep network", "AlexNet", "alexnet"),
    ]
    deep = (("alexnet", DEEP, 3.0), ("lenet-1998", DEEP, 0.8), ("chance", FLOOR, 0.0))
    both = contest_of(make_run("b", contenders=deep, broken=False, thumbnails=False))
    assert [(tile.label, tile.name) for tile in rivals(both)] == [("Best deep", "AlexNet"), ("Deep", "LeNet-5")]
    assert [tile.value for tile in rivals(both)] == [f"{100 * both.errors[i].value:.1f}\u00a0%" for i in (0, 1)]
    one = contest_of(make_run("c", contenders=AHEAD[:1], broken=False, thumbnails=False))
    assert [tile.label for tile in rivals(one)] == ["Deep"]


def test_each_contender_is_told_in_a_line_if_it_is_known(make_run: MakeRun) -> None:
    known = (*AHEAD, ("mine", SHALLOW, 1.0))
    contest = contest_of(make_run(contenders=known, broken=False, thumbnails=False))
    assert {tile.spec for tile in contenders(contest)} == {"sift-fisher", "alexnet"}


def test_the_strip_has_one_image_of_a_class(make_run: MakeRun) -> None:
    contest = contest_of(make_run("a", contenders=AHEAD, n_classes=12, per_class=3, broken=False))
    shown = strip(contest)
    assert [name for name, _ in shown] == contest.dataset.class_names
    assert len({picture for _, picture in shown}) == 12
    many = contest_of(make_run("b", contenders=AHEAD, n_classes=60, per_class=1, broken=False))
    names = [name for name, _ in strip(many)]
    assert len(names) == STRIP
    assert (names[0], names[-1]) == (many.dataset.class_names[0], many.dataset.class_names[-1])
    none = contest_of(make_run("c", contenders=AHEAD, per_class=1, broken=False, thumbnails=False))
    assert strip(none) == []


@pytest.mark.parametrize("made_of", [AHEAD, EVEN])
def test_the_difference_is_drawn_against_zero(made_of: Any, make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=made_of, per_class=20 if made_of is AHEAD else 3, broken=False))
    pair, sheet = contest.pairs[0], difference.sheet(contest, 400)
    assert sheet is not None
    (interval,) = [item for item in sheet.items if isinstance(item, Rect) and item.role == "interval"]
    (zero,) = [item.x1 for item in sheet.items if isinstance(item, Line) and item.role == "rule"]
    (mark,) = sheet.shapes("mark")
    scale = (mark.x - zero) / pair.gap.value if pair.gap.value else (interval.x - zero) / pair.gap.low
    assert interval.x == pytest.approx(zero + scale * pair.gap.low)
    assert interval.x + interval.width == pytest.approx(zero + scale * pair.gap.high)
    assert (interval.x > zero) == pair.told_apart  # what the picture says is what the words say
    assert 0 <= interval.x <= interval.x + interval.width <= 400
    assert "0" in sheet.texts("tick")


def test_the_rankings_axis_fits_the_contenders(make_run: MakeRun) -> None:
    near = (("a", HAND, 2.8), ("b", DEEP, 2.6), ("chance", FLOOR, 0.0))
    figure = ranking.figure(contest_of(make_run("a", contenders=near, n_classes=60, broken=False, thumbnails=False)))
    assert figure is not None
    assert figure.axis.high < figure.chance  # which is far away
    sheet = lay_out(figure, 872)
    bars = [item for item in sheet.items if isinstance(item, Rect) and item.role == "interval"]
    assert len(bars) == 2
    assert min(bar.width for bar in bars) > 60
    assert sheet.texts("note") == ["beyond the axis →", f"chance {100 * figure.chance:.1f}\u00a0% →"]
    weak = (("a", HAND, 0.5), ("b", DEEP, 0.2), ("chance", FLOOR, 0.0))
    figure = ranking.figure(contest_of(make_run("b", contenders=weak, broken=False, thumbnails=False)))
    assert figure is not None
    assert figure.axis.high >= figure.chance


def test_the_page_opens_with_it_in_this_order(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=AHEAD, broken=False)
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    screen = html[html.index('<article class="study"') : html.index("<section")]
    order = ['class="strip"', 'class="verdict"', 'class="said"', 'class="advice"', 'class="tiles"', 'class="gap"']
    order += ['id="f-s1-ranking"', 'class="who-is"', "McNemar’s test", 'class="caveats"']
    places = [screen.index(piece) for piece in order]
    assert places == sorted(places)
    assert '<b title="sift-fisher"><bdi>SIFT with Fisher vectors</bdi></b>' in screen
    assert "(its top-5 error)" in screen
    assert "<dfn>Fisher vector</dfn>: sums up" in screen
    assert not re.search(r"p.<.0\.001", screen[: screen.index('class="who-is"')])


def test_what_a_method_is_stands_once_beside_all_its_contenders(make_run: MakeRun) -> None:
    three = (("alexnet", DEEP, 2.0), ("sift-fisher", HAND, 1.6), ("alexnet[width=0.5]", DEEP, 1.4))
    section = FirstScreen().build(contest_of(make_run(contenders=three, broken=False)))
    (who,) = [p.markup for p in section.parts if isinstance(p, Html) and "who-is" in p.markup]
    of_each = re.findall(r"<div>(.*?)</div>", who)
    assert [re.findall(r"<bdi>(.*?)</bdi>", one) for one in of_each] == [
        ["AlexNet", "AlexNet (half width)"],
        ["SIFT with Fisher vectors"],
    ]
    assert [one.count("<dd>") for one in of_each] == [1, 1]
    assert "<code>alexnet[width=0.5]</code>" in of_each[0]


def test_the_name_beside_the_difference_is_cut_only_where_it_has_no_room(make_run: MakeRun) -> None:
    two = (("sift-fisher[n_jobs=1]", HAND, 2.4), ("sift-fisher[n_jobs=2]", HAND, 1.2))
    contest = contest_of(make_run(contenders=two, broken=False))
    wide, narrow = (difference.sheet(contest, room) for room in (380, 150))
    assert wide is not None
    assert narrow is not None
    assert "SIFT with Fisher vectors (1 thread) errs less →" in wide.texts("axis")
    assert any("…" in text for text in narrow.texts("axis"))


def test_how_many_images_would_tell_the_two_apart_stands_once(make_run: MakeRun) -> None:
    contest = contest_of(make_run(contenders=EVEN, per_class=25, broken=False))
    assert contest.groups == [(0, 1)]
    said = [*verdict(contest).more, *groups(contest)]
    assert (
        sum("images would" in line for line in said)
        == sum("validation images would show" in line for line in said)
        == 1
    )


def test_the_only_one_that_did_not_finish_is_told_with_its_reason(make_run: MakeRun) -> None:
    run = make_run(contenders=AHEAD, broken=False)
    add(run, broken_record("tiny-imagenet-mini", "my-net", "failed", "ValueError: no such layer"))
    contest = contest_of(run)
    section = Undone().build(contest)
    assert section is not None
    assert section.sentence == "my-net, failed: ValueError: no such layer. It is not counted anywhere above."
