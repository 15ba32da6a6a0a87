"""A closer look: more guesses, calibration, and whether two contenders miss the same images."""

from __future__ import annotations

import numpy as np

from ...families import DEEP, HAND
from ...scoring.statistics import calibration
from ..analysis.contest import Contest
from ..charts import consistency, reliability, top_k
from ..numbers import decimal, percent
from ..tables import Column, Table, number, text, who
from .parts import Charts, Numbers, Part, Section, Text


class Closer:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where no predictions are stored."""
        figures = [figure for figure in (top_k.figure(contest), reliability.figure(contest)) if figure is not None]
        agreed = consistency.figure(contest)
        parts: list[Part] = [Charts(figures)] if figures else []
        calibrated = calibrations(contest)
        parts += [Numbers(calibrated)] if calibrated is not None else []
        if agreed is not None:
            meaning = (
                "κ is 1 where two contenders miss exactly the same images, 0 where they overlap only by chance. "
                f"{family_consistency(contest)}"
            )
            parts += [Text([meaning], "lede"), Charts([agreed])]
        sentence = "With fewer or more guesses, how sure each is, and whether two contenders miss the same images."
        return Section("closer", "A closer look", sentence, parts) if figures or agreed is not None else None


def calibrations(contest: Contest) -> Table | None:
    """Expected calibration error where scores are probabilities."""
    rows = []
    for i in contest.paired:
        c = contest.ranked[i]
        if c.confidence is not None:
            hit = c.hits(1)[0]
            ece, said, right = calibration(c.confidence, hit).ece, float(c.confidence.mean()), float(hit.mean())
            lean = "too sure" if said > right + 0.01 else "not sure enough" if said < right - 0.01 else "about right"
            rows.append(
                [
                    who(c),
                    number(percent(ece), ece),
                    number(percent(said), said),
                    number(percent(right), right),
                    text(lean),
                ]
            )
    columns = [
        Column("contender"),
        Column("ECE", True, "expected calibration error, 15 bins"),
        Column("mean confidence", True),
        Column("first guess right", True),
        Column("on the whole"),
    ]
    return Table("calibration", "Calibration of contenders that give probabilities", columns, rows) if rows else None


def family_consistency(contest: Contest) -> str:
    """Mean κ within and between the two families, in a sentence."""
    kinds: dict[str, list[float]] = {}
    for pair in contest.pairs:
        families = {contest.ranked[pair.a].family, contest.ranked[pair.b].family}
        if pair.kappa is not None and families <= {HAND, DEEP}:
            kinds.setdefault("between" if len(families) == 2 else next(iter(families)), []).append(pair.kappa)
    said = [
        f"{decimal(float(np.mean(kinds[kind])))} {words}"
        for kind, words in (
            (HAND, "among hand-engineered contenders"),
            (DEEP, "among deep ones"),
            ("between", "between the two families"),
        )
        if kind in kinds
    ]
    return f"On average κ is {', '.join(said)}." if said else ""
