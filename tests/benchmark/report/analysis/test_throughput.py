"""What the probe ``throughput`` stored, of one machine or of several, as rows that say their hardware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from topfive.benchmark.report.analysis.contest import contests_of
from topfive.benchmark.report.analysis.throughput import common_error, measured
from topfive.benchmark.report.sections.throughput import Throughput
from topfive.benchmark.results.run import open_run
from topfive.benchmark.results.schema import Environment

from tests.benchmark.conftest import add, edit
from tests.benchmark.report.conftest import DEEP, MakeRun

NET = "net[batch=64,device={},{}precision=f32]"
CPU1, CPU2, GPU = NET.format("cpu", "n_jobs=1,"), NET.format("cpu", ""), NET.format("cuda", "")
ROW = {"images": 100, "predict_joules": 50.0, "precision": "float32", "batch": 64, "train_stage": "steps"}
ROW |= {"train_flops": 1e9, "train_bytes": 1e6, "predict_flops": 1e8, "predict_bytes": 4e7}
ROW |= {"peak_flops": 1e11, "peak_bytes": 1e9}


def machine(make_run: MakeRun, name: str, cpu: str, **rates: tuple[str, float, float]) -> Path:
    """A run with a probe's answers: of each (contender, images/s in training, seconds of a prediction)."""
    out = make_run(name, contenders=tuple((spec, DEEP, 2.0) for spec, _, _ in rates.values()), broken=False)
    environment = Environment(cpu=cpu, cores=8)

    def change(record: Any) -> Any:
        device = "NVIDIA H100" if "cuda" in record.method else "cpu"
        history = [{"seconds": 2.0, "held_out_error": e} for e in (0.8, 0.42, 0.31)]
        return record.model_copy(update={"device": device, "environment": environment, "history": history})

    edit(out, change)
    (out / "probes").mkdir()
    for i, (spec, trained, seconds) in enumerate(rates.values()):
        plain = next(record for record in open_run(out).records if record.method == spec)
        threads = None if "cuda" in spec else 1 if "n_jobs" in spec else 8
        row = ROW | {"predict_seconds": seconds, "train_images_per_second": trained, "threads": threads}
        pq.write_table(pa.table({key: [value] for key, value in row.items()}), out / "probes" / f"{i}.parquet")
        told = {"probe": "throughput", "tables": {"throughput": f"probes/{i}.parquet"}, "predictions": None}
        add(out, plain.model_copy(update=told | {"metrics": {}}))
    return out


def test_machines_join_as_rows_that_say_their_hardware(make_run: MakeRun) -> None:
    a = machine(make_run, "a", "Xeon", one=(CPU1, 40.0, 2.0), all=(CPU2, 80.0, 1.0))
    b = machine(make_run, "b", "EPYC", one=(CPU1, 50.0, 2.0), all=(CPU2, 200.0, 1.0), gpu=(GPU, 5000.0, 0.01))
    (contest,) = contests_of([open_run(a), open_run(b)])
    rows = measured(contest)
    assert [one.hardware for one in rows] == [
        "Xeon, 1 of 8 threads", "EPYC, 1 of 8 threads", "Xeon, 8 of 8 threads", "EPYC, 8 of 8 threads", "NVIDIA H100",
    ]  # fmt: skip
    assert {one.what for one in rows} == {"net[batch=64,precision=f32]"}
    section = Throughput().build(contest)
    assert section is not None
    # A machine's GPU is compared with its own CPU.
    assert section.sentence == (
        "On NVIDIA H100 (float32) net trains 100 times as fast as on EPYC, 1 of 8 threads, and 25.0 times as fast as "
        "on EPYC, 8 of 8 threads."
    )
    (chart,) = section.charts()
    assert chart.rules[0].value == 227  # type: ignore[union-attr]
    (table,) = [part.table for part in section.parts if part.kind == "numbers"]  # type: ignore[union-attr]
    shown = [{c.name: v.text for c, v in zip(table.columns, row, strict=True)} for row in table.rows]
    assert [row["run"] for row in shown] == ["a", "b", "a", "b", "b"]
    assert shown[4]["times all threads"] == "25.00"
    assert shown[2]["times one thread"] == "2.00"
    assert shown[0]["energy per 1,000 predictions"] == "500 J"


def test_without_a_gpu_it_says_so(make_run: MakeRun) -> None:
    run = machine(make_run, "a", "Xeon", one=(CPU1, 40.0, 2.0), all=(CPU2, 80.0, 1.0))
    section = Throughput().build(contests_of([open_run(run)])[0])
    assert section is not None
    assert section.sentence == (
        "On Xeon, 8 of 8 threads (float32) net trains 2.0 times as fast as on Xeon, 1 of 8 threads; no GPU was "
        "measured, so what one buys is quoted only."
    )


def test_the_share_of_the_roofline_and_the_time_to_an_error(make_run: MakeRun) -> None:
    run = machine(make_run, "a", "Xeon", one=(CPU1, 40.0, 5.0))
    (one,) = measured(contests_of([open_run(run)])[0])
    # Training: 1e9 operations at 1e11 a second are 10 ms, 1e6 bytes at 1e9 a second 1 ms: at most 100 images a second.
    assert one.share("train") == (pytest.approx(0.4), "arithmetic")
    # Prediction: 1 ms of arithmetic, 40 ms of traffic: at most 25 images a second, of which 20 are reached.
    assert one.share("predict") == (pytest.approx(0.8), "memory")
    assert common_error([one]) == pytest.approx(0.35)
    assert one.seconds_to(0.35) == 6
    assert one.seconds_to(0.45) == 4
    assert one.seconds_to(0.1) is None


def test_no_section_without_the_probe(make_run: MakeRun) -> None:
    assert Throughput().build(contests_of([open_run(make_run(broken=False))])[0]) is None
