"""``topfive check`` of a probe: those that work pass, each other is told what to mend."""

from __future__ import annotations

import pytest
from topfive.benchmark.contenders.checks import Finding
from topfive.benchmark.contenders.discovery import PROBE, discover
from topfive.benchmark.contenders.probe_checks import check
from topfive.benchmark.errors import InputError
from topfive.benchmark.specs import parse

from tests.benchmark.conftest import PLUGINS


def findings(text: str) -> dict[str, Finding]:
    spec = parse(text)
    entry = discover([str(PLUGINS / "probes.py")], PROBE)[spec.name]
    return {finding.name: finding for finding in check(spec, entry)}


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("darker", {"views": "2 views: light 0.5, level 50 … light 0.25, level 25"}),
        ("margins", {"ask": "margins: 8 rows"}),
        ("corruptions[kinds=fog,severities=1+2]", {"views": "2 views: corruption fog, severity 1 … ", "ask": ""}),
    ],
)
def test_those_that_work_pass(probe: str, said: dict[str, str]) -> None:
    found = findings(probe)
    assert [finding for finding in found.values() if not finding.passed] == []
    assert list(found) == ["import", "constructor", *said]
    for name, text in said.items():
        assert text in found[name].message


@pytest.mark.parametrize(
    ("probe", "where", "message"),
    [
        ("refuses[n=3]", "constructor", "raised ValueError: n is 3; give an even number"),
        ("too-few", "views", "left out: 7 images of 8; change images, leave none out"),
        ("unstorable", "views", "may hold words, numbers, true and false only"),
        ("of-training", "views", "needs axes of its own"),
        ("raises-midway", "views", "raised RuntimeError: no further"),
        ("leaves", "views", "raised SystemExit: enough"),
        ("one-fails", "views", "raised ZeroDivisionError: this view cannot be made"),
        ("no-tables", "ask", "no mapping of names to pyarrow tables"),
    ],
)
def test_each_other_is_told_what_to_mend(probe: str, where: str, message: str) -> None:
    found = findings(probe)
    assert [name for name, finding in found.items() if not finding.passed] == [where]
    assert message in found[where].message


def test_a_parameter_that_it_does_not_take_is_bad_usage() -> None:
    with pytest.raises(InputError, match="darker: unknown parameter 'factor'; did you mean 'factors'"):
        findings("darker[factor=1]")
