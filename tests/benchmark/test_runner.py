"""Whole runs through the command line's own door, on a small cut of the photographs, with contenders of the tests."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from topfive.benchmark.config import load
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.results.run import COLUMNS, load_run, open_run
from topfive.benchmark.running import runner
from topfive.benchmark.running.isolation import Outcome
from topfive.benchmark.running.runner import run

from tests.benchmark.conftest import records
from tests.in_process import cells_here, no_report

PHOTOS = "photos[per_class=8]"


def start(folder: Path, plugin: str | list[str], methods: list[str], **flags: Any) -> int:
    plugins = plugin if isinstance(plugin, list) else [plugin]
    base = {"data": [PHOTOS], "method": methods, "output": str(folder), "plugin": plugins, "quiet": True}
    return run(load(None, base | flags))


def test_a_run_writes_its_folder(tmp_path: Path, contenders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cells_here(monkeypatch)
    out = tmp_path / "run"
    assert start(out, contenders, ["mean-color", "reversed", "mean-color[shift=1.5]"]) == 0
    names = {path.name for path in out.iterdir()}
    expected = {"report.html", "results.csv", "results.json", "manifest.json", "predictions", "thumbnails", "figures"}
    assert expected <= names
    assert ".work" not in names
    found = records(out)
    plain = found["mean-color"]
    assert plain.status == "done"
    assert plain.metrics["n_classes"] == 20
    assert plain.metrics["top5_err"] < plain.metrics["chance_top5"] == 0.75
    assert plain.family == "hand-engineered"
    assert plain.timings["features"] > 0
    assert plain.costs.n_parameters == 60
    for column in ("top1_err", "top5_err", "hierarchical_err"):  # the order of a contender's columns is its own affair
        assert found["reversed"].metrics[column] == plain.metrics[column]
    manifest = open_run(out).manifest
    assert manifest.started is not None
    assert manifest.finished is not None
    assert manifest.finished >= manifest.started
    with (out / "results.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == list(COLUMNS)
    assert ",".join(header[:10]) == "dataset,method,family,seed,condition,probe,status,n,n_classes,top1_err"
    assert [row[1:6] for row in rows] == [[r.method, r.family, "0", "{}", ""] for r in found.values()]
    assert [float(row[9]) for row in rows] == [r.metrics["top1_err"] for r in found.values()]


@pytest.mark.usefixtures("unreported")
def test_fitting_and_predicting_have_costs_of_their_own(tmp_path: Path, contenders: str) -> None:
    assert start(tmp_path / "run", contenders, ["greedy"]) == 0
    costs = records(tmp_path / "run")["greedy"].costs
    assert costs.fit_peak_rss_bytes - costs.predict_peak_rss_bytes > 250e6
    assert costs.peak_rss_bytes == costs.fit_peak_rss_bytes
    assert costs.fit_cpu_seconds > 1 > costs.predict_cpu_seconds > 0
    assert costs.cpu_seconds == costs.fit_cpu_seconds + costs.predict_cpu_seconds
    assert "fit_peak_rss_bytes" in (tmp_path / "run" / "results.csv").read_text().splitlines()[0]


@pytest.mark.usefixtures("unreported")
def test_a_mapped_file_that_was_let_go_is_no_memory_of_its_own(tmp_path: Path, contenders: str) -> None:
    assert start(tmp_path / "run", contenders, ["reads-mapped-file", "greedy"]) == 0
    found = records(tmp_path / "run")
    assert found["reads-mapped-file"].costs.fit_peak_rss_bytes < found["greedy"].costs.fit_peak_rss_bytes - 250e6


@pytest.mark.usefixtures("here")
def test_it_goes_on_where_it_stopped(tmp_path: Path, contenders: str) -> None:
    out = tmp_path / "run"
    start(out, contenders, ["mean-color"])
    before = (out / "results.json").read_bytes()
    assert start(out, contenders, ["mean-color"]) == 0
    assert (out / "results.json").read_bytes() == before
    predictions = out / str(records(out)["mean-color"].predictions)
    stamp = predictions.stat().st_mtime_ns
    assert start(out, contenders, ["mean-color", "reversed", "raises"]) == 1  # more contenders join; the first is kept
    assert predictions.stat().st_mtime_ns == stamp
    assert {name: record.status for name, record in records(out).items()} == {
        "mean-color": "done",
        "reversed": "done",
        "raises": "failed",
    }
    predictions.unlink()  # what is lost is made again
    assert start(out, contenders, ["mean-color"]) == 0
    assert predictions.is_file()
    start(out, contenders, ["mean-color"], fresh=True)
    assert list(records(out)) == ["mean-color"]


@pytest.mark.usefixtures("here")
def test_seeds_and_sizes_are_axes(tmp_path: Path, contenders: str) -> None:
    out = tmp_path / "run"
    assert start(out, contenders, ["mean-color"], seed=[0, 1, 2], per_class=[2, 8]) == 0
    stored = load_run(out)
    errors = {(r.seed, r.condition["train_per_class"]): r.metrics["top5_err"] for r in stored.records}
    assert list(errors) == [(seed, size) for size in (2, 8) for seed in (0, 1, 2)]
    few_images = [r for r in stored.records if r.condition == {"train_per_class": 2}]
    assert {(r.n_train, r.n_train_per_class) for r in few_images} == {(40, 2.0)}
    assert errors[0, 8] == errors[1, 8] == errors[2, 8]  # all images, and nothing random in this contender
    assert len({(out / str(r.predictions)).read_bytes() for r in few_images}) == 3  # other images with each seed
    (contest,) = contests_of([stored])
    (few,), (many,) = contest.smaller, contest.ranked
    assert [(c.per_class, c.seeds) for c in (few, many)] == [(2, 3), (8, 3)]
    assert few.mean("top5_err") == pytest.approx(sum(errors[seed, 2] for seed in range(3)) / 3)
    assert few.hits(1).mean(axis=1).std() > many.hits(1).mean(axis=1).std() == 0
    with pytest.raises(InputError, match=r"no class of photos.* has more than 8"):
        start(out, contenders, ["mean-color"], per_class=[9])


def test_a_smaller_draw_is_part_of_a_larger_one() -> None:
    train = open_dataset("photos", per_class=8).train
    few, more = (train.nested(n, seed=3) for n in (2, 5))
    assert set(few.ids) < set(more.ids)
    assert np.bincount(few.labels).tolist() == [2] * 20
    assert few.images.fingerprint != more.images.fingerprint
    place = list(train.ids).index(few.ids[7])
    assert np.array_equal(few.images[7], train.images[place])
    assert set(few.ids) != set(train.nested(2, seed=4).ids)


@pytest.mark.usefixtures("unreported")
def test_results_repeat(tmp_path: Path, contenders: str) -> None:
    for name in "ab":
        start(tmp_path / name, contenders, ["mean-color"])
    first, second = (records(tmp_path / name)["mean-color"] for name in "ab")
    assert first.metrics == second.metrics
    assert first.key == second.key
    left, right = (tmp_path / name / str(record.predictions) for name, record in (("a", first), ("b", second)))
    assert left.read_bytes() == right.read_bytes()


@pytest.mark.usefixtures("unreported")
def test_every_way_to_fail_becomes_a_row(
    tmp_path: Path, contenders: str, unimportable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    pids = tmp_path / "pids"
    monkeypatch.setenv("TOPFIVE_TEST_PIDS", str(pids))
    names = ["raises", "wrong-shape", "not-a-number", "exits", "hard-exit", "segfaults", "eats", "forks"]
    names += ["skips", "orphan", "mean-color"]
    assert start(out, [contenders, unimportable], names, jobs=2) == 1
    assert start(out, contenders, ["hangs"], timeout=2.0) == 1
    rows = records(out)
    said = {
        "raises": ("failed", "RuntimeError: no such luck"),
        "wrong-shape": ("failed", "shape"),
        "not-a-number": ("failed", "not finite"),
        "exits": ("failed", "sys.exit('enough') was called"),
        "hard-exit": ("failed", "status 7"),
        "segfaults": ("failed", "SIGSEGV"),
        "hangs": ("timeout", "not finished after 2 s"),
        "eats": ("oom", "out of memory"),
        "skips": ("skipped", "made for two classes, not 20"),
        "orphan": ("unavailable", "a_library_that_is_not_installed"),
    }
    for name, (status, reason) in said.items():
        assert rows[name].status == status, (name, rows[name].reason, rows[name].log)
        assert reason in str(rows[name].reason), name
    assert "no such luck" in str(rows["raises"].traceback)
    assert any("Segmentation fault" in line for line in rows["segfaults"].log)
    assert rows["mean-color"].status == rows["forks"].status == "done"
    assert rows["raises"].number("top5_err") is None
    left = [int(pid) for pid in pids.read_text().split()]
    assert len(left) == 2
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in left)


def test_one_of_several_processes_is_refused(tmp_path: Path, contenders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="--device cuda:0,1"):
        start(tmp_path / "run", contenders, ["mean-color"])


@pytest.mark.usefixtures("unreported")
def test_fail_fast_stops_the_rest(tmp_path: Path, contenders: str) -> None:
    assert start(tmp_path / "run", contenders, ["raises", "mean-color"], fail_fast=True) == 1
    assert {name: record.status for name, record in records(tmp_path / "run").items()} == {
        "raises": "failed",
        "mean-color": "interrupted",
    }


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"methods": ["mean-colour"]}, "did you mean 'mean-color'"),
        ({"methods": ["mean-color[shif=1]"]}, "unknown parameter 'shif'; did you mean 'shift'"),
        ({"data": ["no/such/place"]}, "no/such/place"),
        ({"data": ["photos[perclass=3]"]}, "did you mean 'per_class'"),
        ({"plugin": ["no-such-plugin.py"]}, "no plugin file"),
        ({"plugin": [__file__]}, "holds no contender"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    tmp_path: Path, contenders: str, flags: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        start(tmp_path / "run", **({"plugin": contenders, "methods": ["mean-color"]} | flags))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, contenders: str) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="holds something else"):
        start(tmp_path, contenders, ["mean-color"], fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.usefixtures("here")
def test_other_data_under_the_same_name_is_refused(tmp_path: Path, contenders: str) -> None:
    start(tmp_path / "run", contenders, ["mean-color"])
    with pytest.raises(InputError, match="other images"):
        start(tmp_path / "run", contenders, ["mean-color"], limit=40)


def test_two_names_for_two_contenders(tmp_path: Path, contenders: str) -> None:
    copy = tmp_path / "copy.py"
    copy.write_text(Path(contenders).read_text())
    with pytest.raises(InputError, match="two contenders are called"):
        start(tmp_path / "run", [contenders, str(copy)], ["mean-color"])


def _command(folder: Path, plugin: str, *methods: str) -> list[str]:
    words = [sys.executable, "-c", "from topfive.benchmark.cli import main; main()", "run", "-d", PHOTOS]
    return [*words, "-o", str(folder), "--plugin", plugin, *[word for m in methods for word in ("-m", m)]]


def _wait_for(what: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_a_run_to_stop_and_a_second_one_ends_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with runner._interruptible() as stop:
        assert not stop.is_set()
        assert signal.getsignal(number) is not before
        os.kill(os.getpid(), number)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whatever_stops_it_what_is_finished_is_kept(
    tmp_path: Path, contenders: str, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        _command(out, contenders, "mean-color", "hangs", "reversed"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )

    def hanging() -> bool:
        found = records(out).get("mean-color")
        return found is not None and found.status == "done"

    _wait_for(hanging)
    _wait_for(lambda: any("engine" in " ".join(child.cmdline()) for child in psutil.Process(process.pid).children()))
    engines = [child for child in psutil.Process(process.pid).children() if "engine" in " ".join(child.cmdline())]
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    _wait_for(lambda: not any(engine.is_running() and engine.status() != "zombie" for engine in engines))
    statuses = {name: record.status for name, record in records(out).items()}
    assert statuses == {"mean-color": "done", "hangs": "interrupted", "reversed": "interrupted"}
    if number is not signal.SIGKILL:
        assert process.returncode == 1
    cells_here(monkeypatch)
    no_report(monkeypatch)
    again = start(out, contenders, ["mean-color", "reversed"])
    assert again == 0
    assert not list(out.rglob("*.part"))
    assert not (out / ".work").exists()


@pytest.mark.usefixtures("here")
def test_a_runner_killed_at_its_first_file_is_no_stranger(tmp_path: Path, contenders: str) -> None:
    out = tmp_path / "run"
    (out / ".work").mkdir(parents=True)
    for name in (".lock", ".manifest.json.owfzew12.part"):
        (out / name).touch()
    assert start(out, contenders, ["mean-color"]) == 0
    assert not list(out.glob(".*.part"))


@pytest.mark.usefixtures("here")
def test_a_second_runner_is_refused(tmp_path: Path, contenders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    began, may_end = threading.Event(), threading.Event()

    def wait(*_: Any, **__: Any) -> Outcome:
        began.set()
        may_end.wait(60)
        return Outcome({"status": "timeout", "reason": "waited"})

    monkeypatch.setattr(runner, "run_isolated", wait)
    first = threading.Thread(target=start, args=(out, contenders, ["hangs"]))
    first.start()
    assert began.wait(60)
    try:
        with pytest.raises(InputError, match="another topfive run is writing"):
            start(out, contenders, ["mean-color"])
    finally:
        may_end.set()
        first.join()
    assert records(out)["hangs"].status == "timeout"
