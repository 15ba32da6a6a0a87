"""How fast contenders train and predict on which hardware: what the probe ``throughput`` stored, in any of the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...results.run import Run
from ...results.schema import Record
from ...specs import Spec, parse
from .contest import Contest
from .titles import title

PLACE = ("device", "n_jobs", "cache_dir")  # parameters that say where a contender works, not what it is


@dataclass(frozen=True)
class Measured:
    """One contender on one piece of hardware. Rates are images a second; None: not known.

    what       the contender without the parameters that say where it works
    hardware   "Intel Xeon, 1 of 2 threads", "NVIDIA H100"
    row        as the probe stored it
    """

    what: str
    hardware: str
    run: Run
    record: Record
    row: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How a person calls it, without its parameters."""
        return title(self.record.method.partition("[")[0])

    @property
    def on_cpu(self) -> bool:
        return self.record.device == "cpu"

    @property
    def threads(self) -> int | None:
        return self.row.get("threads") if self.on_cpu else None

    @property
    def trained(self) -> float | None:
        """Images a second in training."""
        return self.row.get("train_images_per_second")

    @property
    def predicted(self) -> float:
        """Images a second in prediction, warm."""
        return float(self.row["images"] / self.row["predict_seconds"])

    @property
    def predict_joules(self) -> float | None:
        """Of one image; None where no counter was read, or none moved."""
        joules = self.row.get("predict_joules")
        return float(joules / self.row["images"]) if joules else None

    def share(self, stage: str) -> tuple[float, str] | None:
        """(share of the roofline, what bounds it) of "train" or "predict": "arithmetic" or "memory"."""
        flops, moved = self.row.get(f"{stage}_flops"), self.row.get(f"{stage}_bytes")
        peak, bandwidth = self.row.get("peak_flops"), self.row.get("peak_bytes")
        rate = self.trained if stage == "train" else self.predicted
        if flops is None or moved is None or not peak or not bandwidth or rate is None:
            return None
        seconds = max(flops / peak, moved / bandwidth)
        return rate * seconds, "arithmetic" if flops / peak >= moved / bandwidth else "memory"

    def seconds_to(self, error: float) -> float | None:
        """Of training until the held-out error first is ``error``; None where it never is, or nothing was recorded."""
        spent = 0.0
        for epoch in self.record.history:
            spent += float(epoch.get("seconds") or 0.0)
            held_out = epoch.get("held_out_error")
            if isinstance(held_out, int | float) and held_out <= error:
                return spent
        return None


def measured(contest: Contest) -> list[Measured]:
    """All of this data set in any run, by contender, the slowest first; a cell's newest answer."""
    found = []
    for run in contest.runs:
        for record in run.records:
            mine = record.dataset.split("[")[0] == contest.dataset.name.split("[")[0]
            if not mine or record.probe is None or record.status != "done" or "throughput" not in record.tables:
                continue
            plain, table = run.plain(record.cell), run.table(record, "throughput")
            if plain is None or plain.status != "done" or table is None:
                continue
            (row,) = table.to_pylist()
            found.append(Measured(_what(plain.method), _hardware(plain, row), run, plain, row))
    order = list(dict.fromkeys(one.what for one in found))
    return sorted(found, key=lambda one: (order.index(one.what), one.trained or one.predicted))


def _what(method: str) -> str:
    spec = parse(method)
    return str(Spec(spec.name, {key: value for key, value in spec.params.items() if key not in PLACE}))


def _hardware(record: Record, row: Mapping[str, Any]) -> str:
    environment, threads = record.environment, row.get("threads")
    if record.device != "cpu":
        return record.device or "unknown"
    cpu = (environment.cpu if environment else "") or "CPU"
    cores = environment.cores if environment else None
    if threads is None:
        return cpu
    return f"{cpu}, {threads} of {cores} threads" if cores else f"{cpu}, {threads} threads"


def common_error(rows: Sequence[Measured]) -> float | None:
    """The lowest held-out error, rounded up to a whole 5 %, that every one of them reached; None where one has none."""
    lowest = []
    for one in rows:
        errors = [r["held_out_error"] for r in one.record.history if isinstance(r.get("held_out_error"), int | float)]
        if not errors:
            return None
        lowest.append(min(errors))
    return -(-round(100 * max(lowest)) // 5) * 0.05 if lowest else None


def single_thread(rows: Sequence[Measured], of: Measured) -> Measured | None:
    """The row of one CPU thread that ``of`` is compared with: of its own run, else of another."""
    return _first([one for one in rows if one.what == of.what and one.on_cpu and one.threads == 1], of)


def all_threads(rows: Sequence[Measured], of: Measured) -> Measured | None:
    """The same of the most CPU threads."""
    mine = [one for one in rows if one.what == of.what and one.on_cpu and (one.threads or 0) > 1]
    return _first(sorted(mine, key=lambda one: -(one.threads or 0)), of)


def _first(candidates: Sequence[Measured], of: Measured) -> Measured | None:
    own = [one for one in candidates if one.run.path == of.run.path]
    return next(iter([*own, *candidates]), None)
