"""Every command in the documents is one that topfive takes; the quick ones are run, with what they print checked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from topfive.benchmark.cli import app

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


def run(line: str, folder: Path, text: str | None = None) -> str:
    words = [sys.executable, "-m", "topfive.benchmark", *shlex.split(line)[1:]]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder, input=text, check=False)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def test_the_way_from_a_run_to_its_scores(tmp_path: Path) -> None:
    """docs/results.md and docs/contenders.md, as a reader would type them."""
    assert "sift-fisher" in run("topfive list", tmp_path)
    assert "photos" in run("topfive list data", tmp_path)
    said = run("topfive run -d photos -m chance -m hog -o reports/verify", tmp_path)
    assert "report: reports/verify/report.html" in said
    again = run("topfive score reports/verify/predictions/photos.hog.s0.parquet -d photos", tmp_path)
    error = next(line.split()[3] for line in said.splitlines() if re.match(r"\W+hog\b", line) and "%" in line)
    assert error in again
    assert run("topfive report reports/verify", tmp_path).strip() == "reports/verify/report.html"
    ids = run("topfive data ids photos", tmp_path)
    assert len(ids.splitlines()) == 500
    awk = ROOT / "examples" / "predictions_in_awk.sh"
    guesses = subprocess.run(["sh", str(awk)], capture_output=True, text=True, input=ids, check=True).stdout
    (tmp_path / "answers.csv").write_text(guesses)
    joined = run("topfive score answers.csv -d photos -o reports/verify --name awk", tmp_path)
    assert "75.0 %" in joined  # five of twenty classes, each with as many images
    assert "awk" in (tmp_path / "reports" / "verify" / "results.csv").read_text()
    assert "no change" in run("topfive compare reports/verify reports/verify", tmp_path)
