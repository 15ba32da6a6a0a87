"""How training went: what contenders recorded epoch by epoch."""

from __future__ import annotations

from ..analysis.contest import Contest
from ..charts import training
from .parts import Charts, Section


class Training:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where nobody recorded a training."""
        figures = training.figures(contest)
        sentence = (
            "What the networks recorded epoch by epoch: a gap between training and held-out images is overfitting."
        )
        return (
            Section("training", "How training went", sentence, [Charts(figures)], "Training", lead=0)
            if figures
            else None
        )
