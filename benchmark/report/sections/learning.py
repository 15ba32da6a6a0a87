"""More training images: learning curves, where the two sides cross, and the power laws through them."""

from __future__ import annotations

from ...families import tone_of
from ..analysis.contest import Contest
from ..analysis.curves import curves_of
from ..analysis.scaling import Scaling, scaling_of, still_learning
from ..charts import learning
from ..numbers import decimal, percent
from ..tables import Column, Table, Value, number, text, without_empty
from .parts import Charts, Numbers, Part, Section, Text

LAWS = (
    "Power laws, error = a · n^−b + c for n images per class (Hestness et al. 2017), by least squares weighted by each "
    "point’s variance; intervals are bootstraps over images and trainings. A law is judged by what it foretells of the "
    "largest size when that is left out. Beyond the last point nothing is measured."
)


class Learning:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nobody was trained at more than one size."""
        curves = curves_of(contest)
        scaling = scaling_of(contest, curves)
        figure = learning.figure(contest, curves, scaling)
        if figure is None:
            return None
        parts: list[Part] = [Charts([figure])]
        if scaling.fits:
            parts.append(Numbers(table(scaling)))
        notes = [*scaling.left_out, still_learning(contest), LAWS if scaling.fits else ""]
        if any(notes):
            parts.append(Text([note for note in notes if note], "small"))
        sentence = f"{curves.sentence} {scaling.sentence}".strip()
        return Section("learning", "More training images", sentence, parts, "Images per class")


def table(scaling: Scaling) -> Table:
    """A row a law and a prediction: its parameters, and the largest size as foretold and as measured."""
    columns = [
        Column("contender"),
        Column("a", True, "error that one image per class would leave above c", extra=True),
        Column("b", True, "how fast the error falls with more images"),
        Column("b, 95 %", extra=True),
        Column("c", True, "error that no number of images takes away"),
        Column("c, 95 %", extra=True),
        Column("from sizes up to", True, extra=True),
        Column("foretells of size", True),
        Column("foretold", True),
        Column("95 %", extra=True),
        Column("measured", True),
        Column("agrees", slim=True, help="the difference has 0 in its 95 % interval"),
    ]
    rows = []
    for one in scaling.fits:
        a, b, c = (one.parameter(which) for which in "abc")
        law = [
            Value(one.name, tone=tone_of(one.family)),
            number(decimal(a.value), a.value),
            number(decimal(b.value), b.value),
            text(f"{decimal(b.low)} to {decimal(b.high)}"),
            number(percent(c.value), c.value),
            text(f"{percent(c.low)} to {percent(c.high)}"),
        ]
        for told in one.foretold:
            p = told.predicted
            rows.append(
                [
                    *law,
                    number(f"{told.up_to:g}", told.up_to),
                    number(f"{told.size:g}", told.size),
                    number(percent(p.value), p.value),
                    text(f"{100 * p.low:.1f} to {100 * p.high:.1f}"),
                    number(percent(told.measured), told.measured),
                    text("yes" if told.agrees else "no"),
                ]
            )
        if not one.foretold:
            rows.append([*law, *(text("–") for _ in range(6))])
    return without_empty(Table("scaling", "Power laws, and what they foretell", columns, rows))
