"""Repeats over seeds in one row: mean, spread, and an interval over seeds × images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..scoring.predictions import read_predictions
from ..scoring.resampling import interval, resampled_errors
from ..scoring.statistics import hits_at
from .record import Results


def summarise(results: Results, folder: Path) -> list[dict[str, Any]]:
    """One record for each data set × contender × images per class with several finished seeds.

    ``top*_err_mean`` and ``top*_err_sd`` are over the seeds; the 95 % interval resamples seeds and, within them, images
    (nested bootstrap, stratified by class).
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for cell in results.cells.values():
        if cell["status"] == "done" and cell["predictions"]:
            groups.setdefault((cell["dataset"], cell["method"], cell["per_class"]), []).append(cell)
    rows = []
    for (dataset, method, per_class), cells in groups.items():
        if len(cells) < 2:
            continue
        rankings = [read_predictions(folder / cell["predictions"])[1] for cell in cells]
        row = {"dataset": dataset, "method": method, "per_class": per_class, "seeds": [cell["seed"] for cell in cells]}
        for k in (1, 5):
            errors = np.array([cell[f"top{k}_err"] for cell in cells])
            hits = np.stack([hits_at(ranking.above, ranking.tied, k) for ranking in rankings])
            low, high = interval(resampled_errors([hits], rankings[0].label)[:, 0])
            row |= {f"top{k}_err_mean": float(errors.mean()), f"top{k}_err_sd": float(errors.std(ddof=1))}
            row |= {f"top{k}_err_low": low, f"top{k}_err_high": high}
        rows.append(row)
    return rows
