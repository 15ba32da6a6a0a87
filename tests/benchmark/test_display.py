"""What a run says on the terminal: the error that decides, how little few images tell, where a contender went wrong."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from topfive.benchmark.running import display
from topfive.benchmark.running.display import outcome, ranking
from topfive.benchmark.scoring.metrics import FEW_IMAGES, decisive_k, metrics
from topfive.benchmark.scoring.ranking import rank


def done(method: str, n_classes: int, n: int, wrong: int) -> dict[str, Any]:
    """A contender that gets the first ``wrong`` of ``n`` images wrong: the truth is ranked second."""
    labels = np.arange(n) % n_classes
    scores = np.zeros((n, n_classes)) - np.arange(n_classes)
    scores[np.arange(n), labels] = 10
    scores[np.arange(wrong), (labels[:wrong] + 1) % n_classes] = 11
    costs = {"fit_seconds": 2.0, "predict_seconds": 1.0, "images_per_second": 5.0, "per_class": None, "seed": 0}
    found = metrics(rank(scores, labels))
    return {"status": "done", "method": method, "dataset": "pets", "traceback": None, **costs, **found}


def failed(traceback: str, reason: str = "TypeError: [x] is no number") -> dict[str, Any]:
    return {"status": "failed", "method": "mine[a=1]", "dataset": "pets", "reason": reason, "traceback": traceback}


def said(cells: list[dict[str, Any]], **checked: Any) -> str:
    console = Console(file=io.StringIO(), width=120)
    ranking(cells, console, **checked)
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
    cell = done("mine", 20, FEW_IMAGES, 500)
    assert outcome(cell) == "top-5 error 0.0 %, top-1 error 50.0 %, in 3.0 s"
    text = said([cell])
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
    assert "`topfive check mine.py` looks" in said([failed(ENGINE)], checked={"mine[a=1]": "mine.py"})
    assert "traceback" not in said([failed("", "SIGSEGV") | {"traceback": None}])
