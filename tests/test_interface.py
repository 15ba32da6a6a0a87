"""``import topfive``: what it offers gives the numbers that the report gives, and costs nothing until it is used."""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import topfive
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from topfive.baselines.chance import Chance
from topfive.baselines.whole import ColorHistogram, Hog
from topfive.benchmark import config, interface, loaded
from topfive.benchmark.families import DEEP, FLOOR, HAND
from topfive.benchmark.results.run import load_run
from topfive.benchmark.running import progress

from .benchmark.report.conftest import build_run
from .in_process import cells_here

CONTENDERS = (("alexnet", DEEP, 1.7), ("sift-fisher", HAND, 2.1), ("chance", FLOOR, 0.0))


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOPFIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder: 12 classes, 240 validation images, two sizes of training set, one cell that failed."""
    return build_run(
        tmp_path_factory.mktemp("stored") / "photos",
        contenders=CONTENDERS,
        datasets=("photos",),
        n_classes=12,
        train_per_class=(20, 80),
        thumbnails=False,
    )


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells without a process of their own, and without the report."""

    def no_report(runs: list[Path], out: Path, **_: Any) -> None:
        (out / "report.html").touch()

    cells_here(monkeypatch)
    monkeypatch.setattr("topfive.benchmark.report.render.render", no_report)


def pictures(n: int = 24) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Dark cats and light dogs, (n, 16, 16, 3)."""
    labels = ["cat", "dog"] * (n // 2)
    level = np.where(np.array(labels) == "cat", 60, 190)[:, None, None, None]
    noise = np.random.default_rng(0).integers(-50, 50, (n, 16, 16, 3))
    return (level + noise).astype(np.uint8), labels


def test_a_report_starts_without_what_takes_seconds_to_import() -> None:
    slow = "{'torch', 'sklearn', 'scipy.stats', 'scipy.optimize', 'statsmodels', 'skimage'}"
    code = (
        f"import sys, topfive.benchmark.report.render; assert not {slow} & set(sys.modules), {slow} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, topfive; assert {'run', 'load', 'check', 'open_dataset'} <= {*dir(topfive)}\n"
    code += "assert not {'numpy', 'torch', 'cv2', 'pandas', 'pydantic', 'rich'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'runs'"):
        _ = topfive.runs


def examples() -> list[Any]:
    finder = doctest.DocTestFinder()
    return [test for module in (interface, loaded) for test in finder.find(module) if test.examples]


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("example", examples(), ids=lambda test: test.name)
def test_the_examples_in_the_docstrings(example: Any, stored: Path, tmp_path: Path) -> None:
    build_run(
        tmp_path / "reports" / "photos",
        contenders=CONTENDERS,
        datasets=("photos",),
        n_classes=12,
        train_per_class=(80,),
        broken=False,
        thumbnails=False,
    )
    run = topfive.load("reports/photos")
    example.globs = {"topfive": topfive, "run": run}
    said: list[str] = []
    with pd.option_context("display.width", 200):
        done = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=said.append)
    assert (done.failed, done.attempted > 0) == (0, True), "".join(said)


def test_every_public_name_has_a_docstring_and_the_main_ones_an_example() -> None:
    offered = [getattr(topfive, name) for name in topfive.__all__]
    assert all(inspect.getdoc(one) for one in offered)
    shown = {test.name.rpartition(".")[2] for test in examples()}
    assert {"run", "load", "open_dataset", "check", "table", "pairs", "predictions", "figure"} <= shown


def test_the_table_is_that_of_the_csv(stored: Path) -> None:
    table, written = topfive.load(stored).table(), pd.read_csv(stored / "results.csv")
    assert len(table) == 6 + 6  # three contenders at two sizes, and a cell of each other status
    for column in ("method", "status", "top5_err", "top1_err_low", "n_train", "fit_seconds", "finished"):
        assert list(table[column].dropna()) == list(written[column].dropna()), column
    assert list(table["train_per_class"].dropna()) == [
        json.loads(text)["train_per_class"] for text in written["condition"] if text != "{}"
    ]
    assert "condition" not in table


def test_several_runs_are_one(stored: Path, tmp_path: Path) -> None:
    other = build_run(tmp_path / "tiny", contenders=CONTENDERS[:2], datasets=("tiny",), broken=False, thumbnails=False)
    both = topfive.load(stored, other)
    assert both.datasets == ["photos", "tiny"]
    assert len(both.table()) == 12 + 2
    assert set(both.pairs()["dataset"]) == {"photos", "tiny"}
    assert len(both.verdict().splitlines()) == 2
    with pytest.raises(topfive.InputError, match="2 data sets; name one of 'photos', 'tiny'"):
        both.figure()
    assert len(both.figure(dataset="tiny").data()) == 2
    with pytest.raises(topfive.InputError, match=r"did you mean 'tiny'\?"):
        both.figure(dataset="tyni")


def test_pairs_predictions_and_table_agree(stored: Path) -> None:
    run = topfive.load(stored)
    table = run.table()
    large = table[table["n_train_per_class"] == 80].set_index("method")
    pairs, answers = run.pairs(), run.predictions()
    assert len(pairs) == 3
    for pair in pairs.itertuples():
        gap = large["top5_err"][pair.second] - large["top5_err"][pair.first]
        assert pair.difference == pytest.approx(gap)
        assert pair.told_apart == (pair.low > 0 or pair.high < 0)
        hits = answers[answers["train_per_class"] == 80].pivot(index="image_id", columns="method", values="top5")
        assert pair.only_first == (hits[pair.first] & ~hits[pair.second]).sum()
    assert list(pairs["headline"]) == [True, False, False]
    missed = 1 - answers.groupby(["method", "train_per_class"], observed=True)["top5"].mean()
    for (method, size), error in missed.items():
        (expected,) = table[(table["method"] == method) & (table["train_per_class"] == size)]["top5_err"]
        assert error == pytest.approx(expected)
    right = answers[answers["label"].astype(str) == answers["guess"].astype(str)]
    assert set(right.loc[right["tied"] == 1, "above"]) == {0}
    with pytest.raises(topfive.InputError, match="unknown probe 'fog'; known: none"):
        run.predictions("fog")


def test_what_a_notebook_shows(stored: Path, tmp_path: Path) -> None:
    run = topfive.load(stored)
    html, text = run._repr_html_(), repr(run)
    assert run.verdict() in text
    assert "failed: ValueError: decision_function answered" in text
    for name, said in (
        ("sift-fisher", "SIFT with Fisher vectors"),
        ("alexnet", "AlexNet"),
        ("chance", "Random guesses"),
    ):
        assert f">{said}</text>" in html
        assert name in text
    odd = build_run(
        tmp_path / "odd", contenders=(("<b>x</b>", HAND, 2.0), ("y&z", DEEP, 1.0)), broken=False, thumbnails=False
    )
    html = topfive.load(odd)._repr_html_()
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>" not in html


def test_figures_are_files_and_numbers(stored: Path, tmp_path: Path) -> None:
    run = topfive.load(stored)
    assert {"ranking", "top-k", "consistency", "learning"} <= {*run.figures()}
    figure = run.figure("ranking")
    for ending, begin in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        assert figure.save(tmp_path / f"a.{ending}").read_bytes().startswith(begin)
    assert figure._repr_svg_().startswith("<svg")
    data = figure.data().set_index("contender")
    assert list(data.index) == ["sift-fisher", "alexnet", "chance"]
    table = run.table().set_index(["method", "train_per_class"])
    assert data["top-5 error"]["alexnet"] == pytest.approx(table["top5_err"]["alexnet", 80])
    with pytest.raises(topfive.InputError, match=r"unknown figure 'rankings'; did you mean 'ranking'\?"):
        run.figure("rankings")
    with pytest.raises(topfive.InputError, match=r"a\.gif: give a file that ends in \.png"):
        figure.save("a.gif")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"method": "hog", "methods": ["hog"]}, "methods and method are the same; give one"),
        ({"pre_class": 5}, r"unknown argument 'pre_class'; did you mean 'per_class'\?"),
        ({"dry_run": True}, "unknown argument 'dry_run'"),
        ({"study": "data", "config": "my.toml"}, "give a config or a study, not both"),
        ({"study": "date"}, r"unknown study 'date'; did you mean 'data'\?"),
        ({"config": "not-there.toml"}, "cannot read the config not-there.toml"),
        ({"jobs": 0}, "--jobs: Input should be greater than or equal to 1"),
        ({"per_class": "5,10"}, "--per-class: Input should be a valid integer"),
        ({"methods": ["hogg"]}, r"unknown method 'hogg'; did you mean 'hog'\?"),
        ({"data": "nowhere"}, "nowhere is neither a file nor a folder"),
        ({"data": ([1, 2], [1])}, "2 images and 1 labels"),
        ({"methods": 3}, "3 is no contender"),
        ({"methods": [make_pipeline(Hog())]}, "the parameters of Pipeline .* cannot be written as key=value"),
    ],
)
def test_bad_input_is_one_line(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(topfive.InputError, match=said) as error:
        topfive.run(**keys)
    assert "\n" not in str(error.value)


def test_a_data_set_that_is_open_is_refused_with_what_to_give() -> None:
    with pytest.raises(topfive.InputError, match="give the name or path"):
        topfive.run(data=topfive.open_dataset("photos", per_class=4))


@pytest.mark.usefixtures("in_this_process")
def test_a_run_of_images_held_in_python(tmp_path: Path) -> None:
    """Arrays, estimators and NumPy's numbers in; every contender's own numbers out; finished cells are kept."""
    methods = ["chance", ColorHistogram()]
    asked: dict[str, Any] = {"data": pictures(20), "per_class": np.array([2, 4]), "seeds": range(1, 2)}
    run = topfive.run(methods=methods, out=tmp_path / "out", **asked)
    table = run.table()
    assert run.path == tmp_path / "out"
    assert set(table["method"]) == {"chance", "color-histogram"}
    assert (table["status"] == "done").all()
    assert len(table) == 2 * 2
    assert set(table["n_train"]) == {4, 8}
    assert (table[table["method"] == "color-histogram"]["top1_err"] == 0).all()  # dark from light

    before = (tmp_path / "out" / "results.json").stat().st_mtime_ns
    command = load_run(tmp_path / "out").manifest.command
    assert command[:3] == ["topfive", "run", "--data"]
    assert command[4:] == [
        *("--method", "chance", "--method", "color-histogram"),
        *("--seed", "1", "--per-class", "2,4", "--output", str(tmp_path / "out")),
    ]
    frame = pd.DataFrame({"path": ["a.png", "b.png"], "label": ["a", "b"]})
    assert config.load(None, {"data": [interface._data(frame)]}).data[0].endswith(".jsonl")
    topfive.run(method="chance", output=tmp_path / "out", **asked)  # finished, so nothing is run or written
    assert (tmp_path / "out" / "results.json").stat().st_mtime_ns == before


def test_estimators_are_written_as_they_would_be_on_the_command_line() -> None:
    assert interface.method_spec(Hog(random_state=0)) == "hog"
    assert interface.method_spec(Hog(random_state=3)) == "hog[random_state=3]"
    assert interface.method_spec(Chance) == "chance"
    assert interface.method_spec(FunctionTransformer(validate=True)) == (
        "sklearn.preprocessing._function_transformer:FunctionTransformer[validate=true]"
    )

    class Local:
        def fit(self) -> None: ...

    with pytest.raises(topfive.InputError, match=r"Local exists in this session only, .* give plugin=FILE"):
        interface.method_spec(Local())


def test_check_is_a_table_of_findings(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        "import numpy as np\n"
        "class Wrong:\n"
        "    def fit(self, images, labels):\n"
        "        self.classes_ = np.unique(labels)\n"
        "    def decision_function(self, images):\n"
        "        return np.zeros((len(images), len(self.classes_)))\n"
    )
    found = topfive.check("wrong.py").set_index("check")
    assert found["passed"].to_dict() == {"import": True, "constructor": True, "fit": False}
    assert found["message"]["fit"] == "fit returned NoneType; end it with return self"
    assert set(found["method"]) == {"wrong"}


def test_progress_is_one_line_that_ends_blank(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.OneLine(2) as line:
        line.started("photos · hog")
        line.progress("photos · hog", "fitting on 80 images" + 100 * "!")
        line.finished("photos · hog", load_record())
    said = capsys.readouterr().out.split("\r")
    assert said[-3].startswith("1 of 2 cells finished")
    assert said[-2:] == [" " * len(said[-3].rstrip()), ""]
    assert "0 of 2 cells finished; photos · hog: starting" in said[1]
    assert len(said[2].rstrip()) == progress.WIDTH
    with progress.OneLine(2, quiet=True) as line:
        line.started("photos · hog")
    assert capsys.readouterr().out == ""


def load_record() -> Any:
    from topfive.benchmark.results.schema import Record

    return Record(cell="c", dataset="photos", method="hog", status="skipped", reason="too small")


def test_contenders_are_estimators_of_scikit_learn() -> None:
    """``cross_val_score`` and a ``Pipeline``: images stay lazy, and the numbers are those of the loop by hand."""
    data = topfive.open_dataset("photos", per_class=10, classes="brick+chelsea+gravel")
    images, labels = data.train.images, data.train.labels
    assert images.shape == (len(labels),) == (30,)
    scores = cross_val_score(Hog(), images, labels, cv=3)
    folds = np.array_split(np.arange(30), 3)
    first = cross_val_score(Hog(), images, labels, cv=[(np.concatenate(folds[1:]), folds[0])])
    by_hand = Hog().fit(images[np.concatenate(folds[1:])], labels[np.concatenate(folds[1:])])
    assert scores.shape == (3,)
    assert first[0] == (by_hand.predict(images[folds[0]]) == labels[folds[0]]).mean()

    grey = FunctionTransformer(lambda some: some.map(lambda image: image[..., :1].repeat(3, axis=2)))
    pipeline = make_pipeline(grey, ColorHistogram())
    fitted = pipeline.fit(images, labels)
    assert np.array_equal(
        fitted.decision_function(data.val.images),
        ColorHistogram().fit(grey.transform(images), labels).decision_function(grey.transform(data.val.images)),
    )
    assert cross_val_score(pipeline, images, labels, cv=3, scoring="top_k_accuracy").min() > 1 / 3


def test_the_page_of_documentation_is_true(stored: Path) -> None:
    """docs/python.md from top to bottom: a stored run for the one that takes minutes, four photographs for PATH."""
    text = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    known = {*inspect.signature(topfive.run).parameters, *config.RunConfig.model_fields}
    calls = [node for block in blocks for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call)]
    runs = [call for call in calls if ast.unparse(call.func) == "topfive.run"]
    assert len(runs) == 3
    assert {word.arg for call in runs for word in call.keywords} <= known
    names: dict[str, Any] = {}
    for block in blocks:
        code = block.replace(
            'topfive.run(data="photos", methods=["sift-fisher", "alexnet"])', f"topfive.load({str(stored)!r})"
        )
        code = code.replace('"PATH"', '"photos", per_class=10, classes="brick+chelsea+gravel+page"')
        if "topfive.run(" not in code:
            exec(code, names)
    assert len(names["data"].train) == 40


def test_images_are_indexed_as_an_array_is() -> None:
    pixels, labels = pictures(20)
    data = topfive.open_dataset(pixels, labels, splits=["train"] * 10 + ["val"] * 10)
    images = data.train.images
    for chosen in (slice(2, 8, 2), [3, 1], np.array([-1, 0]), np.arange(10) > 6, (np.array([1]), ...)):
        some = images[chosen]
        rows = np.arange(10)[chosen[0] if isinstance(chosen, tuple) else chosen]
        assert len(some) == len(rows)
        assert all(np.array_equal(some[i], images[int(row)]) for i, row in enumerate(rows))
    with pytest.raises(IndexError):
        images[[3, 10]]
    with pytest.raises(IndexError):
        images[10]


def test_a_data_set_by_name_and_of_arrays() -> None:
    assert len(topfive.open_dataset("photos", per_class=4).train) == 80
    found = topfive.open_dataset(*pictures(20))
    assert found.classes == ("cat", "dog")
    assert len(found.train) + len(found.val) == 20
