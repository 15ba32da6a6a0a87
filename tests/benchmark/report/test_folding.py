"""What stays in sight of a section and of a table, and what waits until it is asked for."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup
from topfive.benchmark.report.charts.axes import linear
from topfive.benchmark.report.charts.figure import Figure, Mark, Series
from topfive.benchmark.report.labels import labels
from topfive.benchmark.report.render import render
from topfive.benchmark.report.sections.parts import Charts, Folded, Heading, Html, Numbers, Part, Section, Text
from topfive.benchmark.report.tables import SHOWN, Column, Table, Value, text
from topfive.benchmark.results.run import load_run
from topfive.benchmark.results.schema import DatasetRecord

from tests.benchmark.report.conftest import CONTENDERS, MakeRun


def chart(key: str, *, small: bool = False) -> Figure:
    axis = linear("x", 0, 1, str)
    return Figure(key, key, key, axis, axis, [Series("ink", [Mark(0, 0, key)])], small=small)


def table(caption: str, rows: int = 1) -> Numbers:
    return Numbers(
        Table(caption, caption, [Column("a"), Column("b", extra=True)], [[text(i), text(i)] for i in range(rows)])
    )


def kinds(parts: list[Part]) -> list[str]:
    return [part.kind for part in parts]


def test_a_section_shows_its_first_figure() -> None:
    picture = Html(Markup("<p>picture</p>"))
    section = Section(
        "k", "h", parts=[Heading("x"), picture, table("one"), Charts([chart("a"), chart("b")]), Text(["y"])]
    )
    (shown,) = section.lead_parts
    assert isinstance(shown, Charts)
    assert [c.key for c in shown.charts] == ["a"]
    assert kinds(section.rest) == ["heading", "html", "numbers", "charts", "text"]
    assert section.contents == "one; 1 more chart"
    assert [c.key for c in section.charts()] == ["a", "b"]  # the files are those of all


def test_small_figures_stand_side_by_side() -> None:
    section = Section("k", "h", parts=[Charts([chart(c, small=True) for c in "abc"])])
    (shown,) = section.lead_parts
    assert isinstance(shown, Charts)
    assert [c.key for c in shown.charts] == ["a", "b"]
    assert section.contents == "1 more chart"


def test_without_a_figure_the_sentence_is_enough() -> None:
    assert Section("k", "h", "s", [table("one"), Text(["x"])]).lead_parts == []
    picture = Html(Markup("<p>picture</p>"))
    assert Section("k", "h", parts=[Text(["x"]), picture]).lead_parts == [picture]
    words = [Text(["x"]), Text(["y"], "small")]
    assert (Section("k", "h", parts=words).lead_parts, Section("k", "h", parts=words).rest) == (words, [])
    many = Section("k", "h", parts=[table(str(i)) for i in range(5)])
    assert many.contents == "0; 1; 2; …"
    assert Section("k", "h", parts=[picture, Text(["x"])]).contents == "How this was measured"
    folded = Section("k", "h", parts=[picture, Folded("f", [table("inside")])])
    assert folded.contents == "inside"


def test_a_section_may_say_itself_what_stays() -> None:
    parts = [table("one"), table("two")]
    assert Section("k", "h", parts=parts, lead=1).lead_parts == parts[:1]
    assert Section("k", "h", parts=parts, lead=0).rest == parts


def test_long_tables_are_cut_and_wide_ones_begin_with_what_matters(make_run: MakeRun, tmp_path: Path) -> None:
    assert not table("x", SHOWN + 2).table.cut
    assert table("x", SHOWN + 3).table.cut
    html = render([make_run()], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    pairs = html[html.index('id="t-s1-pairs"') :]
    pairs = pairs[: pairs.index("</table>") + 400]
    assert '<button type="button" class="all-rows" aria-expanded="false">All 21 rows</button>' in pairs
    assert ">All 11 columns</button>" in pairs
    head = pairs[: pairs.index("</thead>")]
    assert head.count("<th ") == 11
    assert head.count("extra") == 5
    style = html[html.index("<style>") : html.index("</style>")]
    assert f"tbody tr:nth-child(n+{SHOWN + 1})" in style
    assert 'class="scroll tall"' not in html


def test_every_section_has_a_sentence_in_sight_or_a_figure(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(contenders=CONTENDERS, branches=True)
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    for section in html.split("<section ")[1:]:
        shown = section[: section.index("<details") if "<details" in section else None]
        assert 'class="lede"' in shown or "<figure" in shown or 'id="reading"' in shown, shown[:80]
    assert html.count('<details class="fold">') >= 8


def dataset(ids: list[str], names: list[str]) -> DatasetRecord:
    return DatasetRecord(name="d", title="D", n_train=1, n_val=1, n_classes=len(ids), classes=ids, class_names=names)


def test_a_synset_is_called_by_the_first_of_its_names() -> None:
    synsets = [f"n{i:08d}" for i in range(4)]
    names = ["goldfish, Carassius auratus", "crane", "crane, whooping crane", "volcano"]
    assert labels(dataset(synsets, names)) == ["goldfish", "crane", "crane, whooping crane", "volcano"]
    own = ["Smith, John", "a"]
    assert labels(dataset(["smith", "a"], own)) == own
    assert labels(dataset(["n00000001"], [", odd"])) == [", odd"]


def test_the_whole_name_is_in_the_tooltip_and_the_files(make_run: MakeRun, tmp_path: Path) -> None:
    assert Value("goldfish", "goldfish, Carassius auratus").help == "goldfish, Carassius auratus"
    assert (Value("goldfish", "goldfish").help, Value("1", 1.0).help, Value("x").help) == ("", "", "")
    run = make_run(broken=False, class_names=["goldfish, Carassius auratus", *(f"class {i}" for i in range(19))])
    assert load_run(run).datasets
    html = render([run], tmp_path / "out", formats=()).read_text(encoding="utf-8")
    cell = 'title="goldfish, Carassius auratus" data-v="goldfish, Carassius auratus"><bdi>goldfish</bdi>'
    assert cell in html[html.index('id="t-s1-classes"') :]
