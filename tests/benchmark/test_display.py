"""What a run says on the terminal: the error that decides, how little few images tell, where a contender went wrong."""

from __future__ import annotations

import io
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from topfive.benchmark.results.schema import Costs, Record
from topfive.benchmark.running import display
from topfive.benchmark.running.display import Display, outcome, ranking
from topfive.benchmark.running.remaining import Ahead
from topfive.benchmark.scoring.metrics import FEW_IMAGES, decisive_k, metrics
from topfive.benchmark.scoring.ranking import rank


def done(method: str, n_classes: int, n: int, wrong: int, **more: Any) -> Record:
    """A contender that gets the first ``wrong`` of ``n`` images wrong: the truth is ranked second."""
    labels = np.arange(n) % n_classes
    scores = np.zeros((n, n_classes)) - np.arange(n_classes)
    scores[np.arange(n), labels] = 10
    scores[np.arange(wrong), (labels[:wrong] + 1) % n_classes] = 11
    costs = Costs(fit_seconds=2.0, predict_seconds=1.0, images_per_second=5.0)
    found = metrics(rank(scores, labels))
    return Record(cell="c", status="done", method=method, dataset="pets", metrics=found, **{"costs": costs, **more})


def failed(traceback: str | None, reason: str = "TypeError: [x] is no number", **more: Any) -> Record:
    same = {"cell": "c", "status": "failed", "method": "mine[a=1]", "dataset": "pets"}
    return Record(**same, reason=reason, traceback=traceback, **more)


def said(records: list[Record], *more: Any) -> str:
    console = Console(file=io.StringIO(), width=120)
    ranking(records, console, *more)
    text = console.file.getvalue()
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(("n_classes", "k"), [(2, 1), (10, 1), (11, 5), (1000, 5)])
def test_ten_classes_or_fewer_are_decided_by_top_1(n_classes: int, k: int) -> None:
    assert decisive_k(n_classes) == k


def test_two_classes_are_told_by_top_1_alone() -> None:
    worse, better = done("worse", 2, 8, 6), done("better", 2, 8, 2)
    assert outcome(worse) == "top-1 error 75.0 %, in 3.0 s"
    text = said([worse, better])
    assert "top-5" not in text
    assert "pets: 8 validation images, 2 classes; chance 50.0 %" in text
    assert "top-1 error, 95 %" in text
    assert text.index("better") < text.index("worse")  # by top-5 they would be alike; Wilson of 2 in 8: 7.1 to 59.1
    assert "8 validation images are few: a single error is known to within 26.0 points or so on either side" in text


def test_many_classes_are_told_by_top_5() -> None:
    record = done("mine", 20, FEW_IMAGES, 500)
    assert outcome(record) == "top-5 error 0.0 %, top-1 error 50.0 %, in 3.0 s"
    text = said([record])
    assert "top-5 error, 95 %" in text
    assert "chance 75.0 %" in text
    assert "are few" not in text


ENGINE = 'Traceback (most recent call last):\n  File "/opt/topfive/benchmark/engine.py", line 89, in _run\n    fit()\n'


def frame(file: str, line: int) -> str:
    return f'  File "{file}", line {line}, in f\n    x\n'


def test_a_failure_names_its_place_in_the_contenders_own_file(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(display, "_HARNESS", Path("/opt/topfive/benchmark"))
    library = "/opt/lib/python3.11/site-packages/numpy/core.py"
    own = frame("/home/me/mine.py", 12) + frame("/home/me/mine.py", 41)
    expected = "failed: TypeError: [x] is no number (mine.py:41)"
    assert outcome(failed(ENGINE + own + frame(library, 7))) == expected
    loader = frame("/opt/topfive/benchmark/data/images.py", 80)
    assert outcome(failed(ENGINE + own + loader)) == expected
    cause = "Traceback (most recent call last):\n" + frame("/home/me/other.py", 3) + "\nDuring handling of …\n\n"
    assert outcome(failed(cause + ENGINE + own)) == expected
    installed = "/opt/lib/python3.11/site-packages/theirs.py"
    assert "(theirs.py:5)" in outcome(failed(ENGINE + frame(installed, 5) + frame(library, 7)))
    assert outcome(failed(ENGINE)) == "failed: TypeError: [x] is no number"
    assert outcome(failed("")) == "failed: TypeError: [x] is no number"


def test_after_a_failure_the_next_step_is_named() -> None:
    text = said([failed(ENGINE), failed(ENGINE)])
    assert "failed: mine[a=1] on pets: TypeError: [x] is no number" in text
    assert text.count("the report has the traceback; `topfive check 'mine[a=1]'` looks for the cause") == 1
    assert "`topfive check mine.py` looks" in said([failed(ENGINE)], {"mine[a=1]": "mine.py"})
    assert "traceback" not in said([failed(None, "SIGSEGV")])


def test_what_came_from_the_cache_was_not_spent_now() -> None:
    served = Costs(fit_seconds=100.0, cached_seconds=98.0, predict_seconds=1.0, images_per_second=5.0)
    record = done("mine", 20, 8, 2, costs=served)
    assert outcome(record).endswith("in 3.0 s")
    assert "1:40" in said([record])  # the table says what a fit costs


def test_several_sizes_are_a_table_of_contenders_by_sizes() -> None:
    wrong = {("late", 5): 400, ("late", 50): 40, ("early", 5): 200, ("early", 50): 100, ("never", 5): 300}
    records = [done(who, 4, 400, n, condition={"train_per_class": size}) for (who, size), n in wrong.items()]
    text = said(records)
    assert "top-1 error by training images per class\n" in text
    rows = [re.split(r" {2,}", line.strip()) for line in text.splitlines() if "%" in line][1:]
    assert rows == [["late", "100.0 %", "10.0 %"], ["early", "50.0 %", "25.0 %"], ["never", "75.0 %", "–"]]
    assert re.search(r"^ *contender +5 +50 *$", text, re.MULTILINE)
    # What is known to how many points is said of the largest size: Wilson's of 100 in 400 is 8.5 points wide.
    assert "400 validation images are few: a single error is known to within 4.2 points" in text
    twice = [done(who, 4, 400, 2 * wrong[who, 5], seed=1, condition={"train_per_class": 5}) for who in ("early",)]
    assert re.search(r"^ *early +75\.0 % +25\.0 % *$", said([*records, *twice]), re.MULTILINE)
    assert "by training images per class, mean of 2 seeds\n" in said([*records, *twice])
    assert "per class" not in said(records[:1])  # one size is a ranking


def test_failed_answers_are_named_with_their_conditions() -> None:
    many = done("mine", 20, 8, 2, condition={"train_per_class": 2})
    condition = {"train_per_class": 2, "corruption": "fog", "severity": 3}
    answer = failed(None, "ValueError: no", probe="corruptions[kinds=fog]", condition=condition)
    expected = "failed: mine[a=1] on pets, 2 per class, corruption fog, severity 3, asked by corruptions[kinds=fog]: "
    assert expected + "ValueError: no" in said([many], {}, [answer])


def test_who_was_still_learning_stands_below_the_ranking() -> None:
    why = "the held-out loss still fell by 3.5 % over the last 3 of 10 epochs"
    budget = {"epochs": 10, "width": 0.5}
    young = done("young", 20, 40, 20, converged=False, convergence=why, budget=budget, device="cpu")
    text = said([young, done("done", 20, 40, 10, converged=True), done("silent", 20, 40, 5)])
    _, line = text.replace("\n", " ").split("still learning")
    assert line.split(" 40 validation")[0].split() == (
        f" when their budget ended: young (10 epochs, width 0.5, on cpu): {why}".split()
    )
    assert text.index("silent") < text.index("still learning")
    assert "still learning" not in said([done("done", 20, 40, 10, converged=True)])
    seeds = [done("young", 20, 40, 20, seed=seed, converged=seed == 0, convergence=why) for seed in range(3)]
    assert "still learning when their budget ended: young in 2 of 3 trainings\n" in said(seeds)


class Clock:
    """``time.monotonic`` that stands still until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=found))
    return found


AHEAD = [Ahead("pets · a", "a", 10), Ahead("pets · b", "b", 10), Ahead("pets · c", "c", 10)]


def test_on_a_terminal_one_line_is_about_the_whole_run(watch: Clock) -> None:
    shown = Display(3, ahead=AHEAD)
    shown.console = Console(file=io.StringIO(), width=100)
    shown.started("pets · a")
    watch.now = 20.0
    shown.finished("pets · a", done("a", 2, 8, 2))
    shown.started("pets · b")
    watch.now = 25.0
    shown.progress("pets · b", "epoch 3/10, 40 s left")  # and c as long as a
    shown.console.print(shown._lines())
    first, second = shown.console.file.getvalue().splitlines()[-2:]
    assert first.strip().endswith("pets · b 5.0 s  epoch 3/10, 40 s left")
    assert second.strip().endswith("1 of 3 cells, 25 s so far, about 60 s left")


def test_in_a_log_each_end_says_what_is_left(watch: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Display(3, ahead=AHEAD)
    for name in ("pets · a", "pets · b", "pets · c"):
        shown.started(name)
        watch.now += 60
        shown.finished(name, done("a", 2, 8, 2))
    ends = [line for line in capsys.readouterr().out.splitlines() if "top-1" in line]
    assert [line.partition("in 3.0 s")[2] for line in ends] == [
        "; about 2 min left for the rest",
        "; about 60 s left for the rest",
        "",
    ]
