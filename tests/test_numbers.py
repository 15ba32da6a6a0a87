"""Numbers in the documents that stem from a stored report are that report's.

Behind such numbers stands a comment, which no reader sees:

    8.8 % (6.6–11.6)<!-- photos alexnet: top5_err top5_err_low top5_err_high -->
    8.2<!-- tiny-imagenet-mini alexnet - sift-fisher: top5_err -->
    121,901<!-- gpu/h200.log: alexnet 64 px, training -->

The first two name a run below reports/reference, a contender (or the difference of two) and one field of its record in
results.json for each of the numbers right before the comment: a metric, a cost or a part of the budget. Errors are in
per cent.
The third names a log there, and how the line begins that holds the number. Where a paragraph or a row of a table has
such a comment or links to a report, each of its decimal fractions has one. After a report was made anew, ``python
tests/test_numbers.py`` writes its numbers into the documents; read the words around them again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "reports" / "reference"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MARK = re.compile(r"<!-- (?P<run>\S+?)(?: (?P<contenders>[^:]+?))?: (?P<fields>.+?) -->", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.,-])\d+(?:,\d{3})*(?:\.\d+)?")
LINK = re.compile(r"\]\([^)]*reports/reference/[^)]*/report\.html\)")


@cache
def results(run: str) -> dict[str, dict[str, Any]]:
    """The run's plain records by contender, their metrics, costs and budget in one dictionary each."""
    records = json.loads((REPORTS / run / "results.json").read_text(encoding="utf-8"))["records"]
    plain = [record for record in records if not record.get("condition") and not record.get("probe")]
    return {record["method"]: record.get("budget", {}) | record["costs"] | record["metrics"] for record in plain}


def stored(run: str, contender: str, field: str) -> float:
    """A field of a contender's record; errors in per cent."""
    value = float(results(run)[contender][field])
    return 100 * value if "_err" in field or field.startswith("chance") else value


def expected(mark: re.Match[str]) -> list[float]:
    """What the numbers before a mark should be."""
    run = mark["run"]
    if run.endswith(".log"):
        lines = (REPORTS / run).read_text(encoding="utf-8").splitlines()
        [line] = [line for line in lines if line.startswith(mark["fields"])]
        return [float(n.replace(",", "")) for n in NUMBER.findall(line.removeprefix(mark["fields"]))]
    one, _, other = mark["contenders"].partition(" - ")
    fields = mark["fields"].split()
    return [stored(run, one, field) - (stored(run, other, field) if other else 0) for field in fields]


def shown(value: float, like: str) -> str:
    """The value with as many digits as ``like``; ``like`` itself where it is within half of its last one."""
    digits = len(like.partition(".")[2])
    near = abs(float(like.replace(",", "")) - value) <= 0.5 * 10**-digits + 1e-9
    return like if near else f"{value:,.{digits}f}" if "," in like else f"{value:.{digits}f}"


def blocks(text: str) -> Iterator[str]:
    """Paragraphs, items of lists and rows of tables, without code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    for paragraph in re.split(r"\n\s*\n|\n(?=- )", text):
        lines = paragraph.strip().splitlines()
        yield from lines if lines and lines[0].startswith("|") else [paragraph]


def corrected(block: str) -> tuple[str, list[str]]:
    """The block with the reports' numbers, and what is wrong with it as it is."""
    wrong, out, end = [], "", 0
    for mark in MARK.finditer(block):
        before, log = block[end : mark.start()], mark["run"].endswith(".log")
        values = expected(mark)
        numbers = list(NUMBER.finditer(before))[-1 if log else -len(values) :]
        if len(numbers) < (1 if log else len(values)):
            wrong.append(f"{mark[0]} has too few numbers before it")
        if log:
            [said] = numbers
            if float(said[0].replace(",", "")) not in values:
                wrong.append(f"{said[0]} is not in the line of {mark[0]}")
            numbers = []
        piece, last = "", 0
        for number, value in zip(numbers, values, strict=False):
            right = shown(value, number[0])
            if right != number[0]:
                wrong.append(f"{number[0]} should be {right}: {mark[0]}")
            piece += before[last : number.start()] + right
            last = number.end()
        covered = {(n.start(), n.end()) for n in list(NUMBER.finditer(before))[-1 if log else -len(values) :]}
        wrong += unmarked(before, covered)
        out += piece + before[last:] + mark[0]
        end = mark.end()
    rest = block[end:]
    if end or LINK.search(block):
        wrong += unmarked(rest, set())
    return out + rest, wrong


def unmarked(text: str, covered: set[tuple[int, int]]) -> list[str]:
    """Decimal fractions outside code and links for which no mark says where they stem from."""
    bare = re.sub(r"`[^`]*`|\]\([^)]*\)", lambda match: " " * len(match[0]), text)
    found = [n for n in NUMBER.finditer(bare) if "." in n[0] and (n.start(), n.end()) not in covered]
    return [f"{n[0]} says of no report where it stems from" for n in found]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_numbers_are_those_of_the_reports(document: Path) -> None:
    wrong = [line for block in blocks(document.read_text(encoding="utf-8")) for line in corrected(block)[1]]
    assert not wrong, "\n".join(wrong)


def test_the_documents_quote_reports() -> None:
    marks = [mark for document in DOCUMENTS for mark in MARK.finditer(document.read_text(encoding="utf-8"))]
    quoted = {mark["run"].split("/")[0] for mark in marks}
    assert quoted == {"photos", "tiny-imagenet-mini", "tiny-imagenet-200", "study-interpretability-slice", "gpu"}


ERROR = "<!-- photos alexnet: top5_err -->"


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        (f"It errs at {{right}} %{ERROR}.", 0),
        (f"It errs at 12.3 %{ERROR}.", 1),
        (f"It errs at {{right}} %{ERROR}, and 0.5 more.", 1),
        (f"0.5 more than {{right}} %{ERROR}", 1),
        (f"no number{ERROR}", 1),
        ("See [it](reports/reference/photos/report.html): 4.5 %.", 1),
        ("See [it](elsewhere.html): 4.5 %.", 0),
        ("121,901<!-- gpu/h200.log: alexnet 64 px, training -->", 0),
        ("121,902<!-- gpu/h200.log: alexnet 64 px, training -->", 1),
    ],
)
def test_an_altered_number_is_found(block: str, wrong: int) -> None:
    block = block.format(right=f"{stored('photos', 'alexnet', 'top5_err'):.1f}")
    assert len(corrected(block)[1]) == wrong


def main() -> None:
    """Write the reports' numbers into the documents."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for block in blocks(text):
            text = text.replace(block, corrected(block)[0])
        document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
