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
        return Section("training", "How training went", parts=[Charts(figures)], short="Training") if figures else None
