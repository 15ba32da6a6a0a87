"""What was asked of a run and what came of it, and how a command says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.markup import escape

from ..report.numbers import NBSP
from ..results.run import Run
from ..results.schema import Record
from .display import Display, ranking
from .plan import Cell, Opened


@dataclass(frozen=True)
class Done:
    """The run's folder as it is now, and the data sets and cells that were asked for."""

    run: Run
    datasets: Opened
    cells: Sequence[Cell]

    @property
    def records(self) -> list[Record]:
        """The plain records of the cells."""
        return [record for cell in self.cells if (record := self.run.plain(cell.id)) is not None]

    @property
    def failed_answers(self) -> list[Record]:
        """Of the probes that were asked."""
        asked = {(cell.id, str(one.spec)) for cell in self.cells for one in cell.probes}
        answers = [record for record in self.run.records if (record.cell, record.probe) in asked]
        return [record for record in answers if record.status != "done"]

    @property
    def status(self) -> int:
        """The exit status: 0 where all cells are settled (see ``Record.settled``), else 1."""
        good = all(record.settled for record in self.records)
        return 0 if good and not self.failed_answers else 1

    def tell(self) -> None:
        """Print the ranking, what else the folder holds, where the report is, and last the verdict."""
        display = Display(0)
        ranking(self.records, display.console, self._checked(), self.failed_answers)
        told = {(record.dataset, record.method) for record in self.records}
        earlier = dict.fromkeys((record.dataset, record.method) for record in self.run.records)
        others = [
            method + f" on {name}" * (name not in self.datasets)
            for name, method in earlier
            if (name, method) not in told
        ]
        if others:
            display.say(f"the report also holds {', '.join(others)} from earlier runs")
        display.say(f"report: {self.run.path / 'report.html'}")
        self._tell_verdict(display)

    def _tell_verdict(self, display: Display) -> None:
        """The report's headline and the sentence behind it, of each data set that was asked for."""
        from ..report.analysis.contest import contests_of
        from ..report.analysis.verdict import verdict

        contests = [contest for contest in contests_of([self.run]) if contest.dataset.name in self.datasets]
        for contest in contests:
            found = verdict(contest)
            name = f"{contest.dataset.name}: " if len(contests) > 1 else ""
            headline, *more = (line.replace(NBSP, " ") for line in (name + found.headline, *found.more[:1]))
            display.console.print(f"\n[bold]{escape(headline)}[/]")
            for sentence in more:
                display.say(sentence)

    def _checked(self) -> dict[str, str]:
        """What `topfive check` takes for those contenders that come from a plugin's file."""
        files = {str(cell.spec): cell.entry.target.rpartition(":")[0] for cell in self.cells}
        return {method: os.path.relpath(file) for method, file in files.items() if file.endswith(".py")}
