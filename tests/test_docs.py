"""Every command in the documents is one that topfive takes; most are run, made small and in their order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import typer
from topfive.benchmark.cli import app
from topfive.benchmark.data import open_dataset
from topfive.benchmark.scoring.external import Truth, read_external
from topfive.benchmark.scoring.metrics import metrics

from .in_process import Program

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        for block in re.findall(r"^```\w*\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            lines = [line.strip() for line in block.replace("\\\n", " ").splitlines()]
            found += [(document.name, line) for line in lines if line.startswith("topfive ") and "…" not in line]
    return found


@pytest.mark.parametrize(("document", "line"), commands(), ids=lambda text: text[:60])
def test_the_command_is_understood(document: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((i for i, word in enumerate(words) if word in ("&", "|", ">")), len(words))]
    command = typer.main.get_command(app)
    context = command.make_context("topfive", words[:1] if words else [], resilient_parsing=True)
    rest = words
    while hasattr(command, "get_command"):
        command, rest = command.get_command(context, rest[0]), rest[1:]
        assert command is not None, f"{document}: {line}"
    command.make_context(command.name, list(rest))


def test_documents_link_to_what_exists() -> None:
    for document in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"


def run(program: Program, line: str) -> str:
    """What the command prints, in the program's folder."""
    status, out, err = program(shlex.split(line)[1:])
    assert status == 0, f"{line}: {out + err}"
    return out


# What makes a documented command small, word by word: few images, small networks, hardly any training.
SMALL = [
    (r"photos", "photos[per_class=4]"),
    (r"(.*)/photos\.hog(.*)", r"\1/photos_per_class=4.hog\2"),
    (r"(alexnet)\[epochs=\d+\]", r"\1"),
    (r"(alexnet)\[(.*)\]", r"\1[\2,epochs=1,side=16,width=0.125]"),
    (r"(alexnet|resnet-2015)", r"\1[epochs=1,side=16,width=0.125]"),
    (r"(alexnet-2012)", r"\1[epochs=1,side=32,width=0.125]"),
    (r"sift-fisher", "fisher[k=4]"),
    (r"(fisher\[.*)k=256(.*\])", r"\1k=4\2"),
    (r"(sift-bovw|oxford-vgg-2012|best-of-2012|xrce-2011)", r"\1[k=4]"),
    (r"(\d+,)+\d+", "2,4"),
    (r"PATH|tiny-imagenet.*|imagenet", "pictures"),
    (r"FILE|imagenet-256.pack", "pictures.pack"),
]
NOT_RUN = {
    "topfive run": "six contenders on all the photographs; the others have the same way to go",
    "topfive run --seed 0 --seed 1 --seed 2 -m hog": "as the learning curve after it, which has as many cells",
    "topfive run --dry-run": "tests/benchmark/test_pilot.py runs it",
    "topfive run examples/study.toml": "tests/test_examples.py runs it",
    "topfive run -d PATH": "the one after it says more",
    "topfive run -d imagenet -m sift-fisher -m alexnet --scheduler tcp://127.0.0.1:8786": "see test_cluster.py",
    "topfive data get tiny-imagenet": "needs the network; tests/benchmark/data/test_download.py has its own server",
}


def small(words: list[str]) -> list[str]:
    for long, short in SMALL:
        words = [match.expand(short) if (match := re.fullmatch(long, word)) else word for word in words]
    if words[1] == "run":
        words = words if "-d" in words else [*words, "-d", "photos[per_class=4]"]
        words = words if "-o" in words else [*words, "-o", "reports/photos"]
    return words


def follow(document: str, program: Program) -> dict[str, str]:
    """Run the document's commands in order; what each printed."""
    printed = {}
    for name, line in commands():
        words = shlex.split(line, comments=True)
        line = " ".join(words)
        if name == document and line not in NOT_RUN:
            words, into = (words[:-2], words[-1]) if ">" in words else (words, None)
            printed[line] = run(program, shlex.join(small(words)))
            if into is not None:
                Path(into).write_text(printed[line])
    return printed


@pytest.fixture
def pictures(tmp_path: Path, program: Program) -> Path:
    """Twelve pictures of each of two classes."""
    for label, level in (("dark", 60), ("light", 190)):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for i in range(12):
            noise = np.random.default_rng([level, i]).integers(-50, 50, (32, 40, 3)) + level
            cv2.imwrite(str(tmp_path / "pictures" / label / f"{i}.png"), noise.astype(np.uint8))
    return tmp_path


def test_the_first_run_is_as_described(program: Program, tmp_path: Path) -> None:
    printed = follow("first-run.md", program)
    assert "sift-fisher" in printed["topfive list"]
    assert "photos" in printed["topfive list data"]
    assert printed["topfive report reports/photos"].strip() == "reports/photos/report.html"
    page = (tmp_path / "reports" / "photos" / "report.html").read_text(encoding="utf-8")
    assert "alexnet" in page


def test_own_images_are_as_described(program: Program, pictures: Path) -> None:
    printed = follow("your-images.md", program) | follow("data.md", program)
    inspected = printed["topfive data inspect PATH"]
    assert "24" in inspected
    assert "light" in inspected
    assert (pictures / "pictures.pack").is_file()


@pytest.mark.parametrize("document", ["baselines.md", "cnn.md", "imagenet.md"])
@pytest.mark.usefixtures("pictures")
def test_the_methods_and_imagenet_run_as_described(document: str, program: Program) -> None:
    printed = follow(document, program)
    assert all("report: " in said for line, said in printed.items() if line.startswith("topfive run")), printed
    assert printed


def test_a_contender_in_ten_minutes(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in docs/contenders.md, from an empty folder: its programs are saved under the names it gives."""
    text = (ROOT / "docs" / "contenders.md").read_text(encoding="utf-8")
    programs = re.findall(r"as `(\w+\.py)`.*?^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in programs] == ["mean_color.py", "small.py"]
    for name, source in programs:
        (tmp_path / name).write_text(source, encoding="utf-8")
    run(program, "topfive new my-method")  # as in the document, where the reader then installs it:
    assert "pip install -e my-method" in text
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", tmp_path / "site", tmp_path / "my-method"], check=True, capture_output=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    (tmp_path / "my-method").rename(tmp_path / "written")
    ids = run(program, "topfive data ids photos[per_class=4]")
    awk = ["sh", str(ROOT / "examples" / "predictions_in_awk.sh")]
    guesses = subprocess.run(awk, capture_output=True, text=True, input=ids, check=True).stdout
    (tmp_path / "answers.csv").write_text(guesses)

    printed = follow("contenders.md", program)
    for line, said in printed.items():
        if line.startswith("topfive check"):
            assert said.rstrip().endswith("keeps the contract"), line
    assert "mean-color" in printed["topfive run --plugin mean_color.py -m mean-color -m hog -m alexnet"]
    assert (tmp_path / "ids.txt").read_text() == ids
    assert "75.0 %" in printed["topfive score answers.csv -d photos"]  # five of twenty classes, alike in number
    page = (tmp_path / "reports" / "photos" / "report.html").read_text(encoding="utf-8")
    for name in ("mean-color", "my-method", "small:linear[C=0.1]", "my-matlab-code"):
        assert name in page


def test_the_way_from_a_run_to_its_scores(program: Program, tmp_path: Path) -> None:
    """docs/results.md, as a reader would type it: the same numbers from the stored predictions."""
    printed = follow("results.md", program)
    said = printed["topfive run -d photos -m chance -m hog -o reports/verify"]
    assert "report: reports/verify/report.html" in said
    again = printed["topfive score reports/verify/predictions/photos.hog.s0.parquet -d photos"]
    error = next(line.split()[3] for line in said.splitlines() if re.match(r"\W+hog\b", line) and "%" in line)
    assert error in again
    stored = tmp_path / "reports" / "verify"
    rows = pd.read_csv(stored / "results.csv").set_index("method")
    photos = open_dataset("photos", per_class=4)
    truth = Truth(photos.title, photos.classes, photos.val.ids, photos.val.labels)
    found = metrics(read_external(next((stored / "predictions").glob("*hog*")), truth))
    for column in ("n", "top1_err", "top1_err_low", "top1_err_high", "top5_err", "top5_err_low", "top5_err_high"):
        assert found[column] == pytest.approx(rows.loc["hog", column]), column
    assert printed["topfive report reports/verify"].strip() == "reports/verify/report.html"
    assert "no change" in run(program, "topfive compare reports/verify reports/verify")
