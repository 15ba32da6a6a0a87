"""More training images: learning curves, and where the two sides cross."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..analysis.curves import curves_of
from ..charts import learning
from .parts import Charts, Section


class Learning:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nobody was trained at more than one size."""
        curves = curves_of(contest)
        figure = learning.figure(contest, curves)
        if figure is None:
            return None
        return Section("learning", "More training images", curves.sentence, [Charts([figure])], "Images per class")
