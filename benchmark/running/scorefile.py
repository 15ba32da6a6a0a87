"""``topfive score``: a predictions file of any origin, scored like a contender and, if asked, put beside a run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topfive.common.machine import cores

from .. import specs
from ..data import open_dataset
from ..errors import InputError
from ..families import FAMILIES
from ..results.folder import MANIFEST, claim, write_json
from ..results.record import Results
from ..results.thumbnails import write_thumbnails
from ..scoring.external import read_external
from ..scoring.metrics import costs_of, metrics
from ..scoring.predictions import write_predictions
from ..specs import slug
from .provenance import collect, describe


def score(file: Path, data: str, *, name: str | None, family: str, output: Path | None) -> dict[str, Any]:
    """The record of ``file`` on the validation images of ``data``; with ``output``, also a row of that run's folder."""
    names = [known.name for known in FAMILIES]
    if family not in names:
        raise InputError(f"--family {family!r}: give one of {', '.join(map(repr, names))}")
    spec = specs.parse(data)
    params: dict[str, Any] = dict(spec.params)
    dataset = open_dataset(spec.name, n_jobs=cores(), **params)
    ranking = read_external(file, dataset)
    dataset_name, method = str(specs.Spec(dataset.name, spec.params)), name or file.stem
    cell = f"{slug(dataset_name)}.{slug(method)}.file"
    record = {
        "cell": cell,
        "dataset": dataset_name,
        "method": method,
        "family": family,
        "seed": 0,
        "status": "done",
        "limited": False,
        "device": f"predictions file {file.name}",
        **metrics(ranking, costs_of(dataset.classes)),
    }
    if output is None:
        return record
    from ..report.page import render

    with claim(output):
        results = Results.load(output)
        before = results.datasets.get(dataset_name)
        if before is not None and before["fingerprint"] != dataset.fingerprint:
            raise InputError(f"{output} holds results on other images called {dataset_name!r}; give another -o")
        (output / "predictions").mkdir(exist_ok=True)
        write_predictions(output / "predictions" / f"{cell}.parquet", dataset.val.ids, ranking)
        write_thumbnails(output / "thumbnails" / f"{slug(dataset_name)}.parquet", dataset)
        if not (output / MANIFEST).is_file():
            write_json(output / MANIFEST, collect({"data": [data], "seed": [0]}))
        results.datasets[dataset_name] = describe(dataset_name, dataset, limited=False)
        results.put(record | {"predictions": f"predictions/{cell}.parquet"})
        results.save(output)
        render([output], output)
    return record
