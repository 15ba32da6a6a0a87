"""``topfive score``: a predictions file of any origin, scored like a contender and, if asked, put beside a run's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from topfive.common.machine import cores

from .. import specs
from ..data import data_spec, open_dataset
from ..errors import InputError
from ..families import FAMILIES
from ..results.describe import describe, tree_of
from ..results.environment import environment
from ..results.folder import MANIFEST, claim
from ..results.run import load_run
from ..results.schema import Manifest, Record
from ..results.thumbnails import write_thumbnails
from ..scoring.external import Truth, read_external
from ..scoring.metrics import metrics
from ..scoring.predictions import write_predictions
from ..specs import slug


def score(file: Path, data: str, *, name: str | None, family: str, output: Path | None) -> Record:
    """The record of ``file`` on the validation images of ``data``; with ``output``, also a row of that run's folder."""
    families = [known.name for known in FAMILIES]
    if family not in families:
        raise InputError(f"--family {family!r}: give one of {', '.join(map(repr, families))}")
    spec = data_spec(data)
    params: dict[str, Any] = dict(spec.params)
    dataset = open_dataset(spec.name, n_jobs=cores(), **params)
    truth = Truth(dataset.title, dataset.classes, dataset.val.ids, dataset.val.labels)
    ranking = read_external(file, truth)
    dataset_name, method = str(specs.Spec(dataset.name, spec.params)), name or file.stem
    record = Record(
        cell=f"{slug(dataset_name)}.{slug(method)}.file",
        dataset=dataset_name,
        method=method,
        family=family,
        status="done",
        device=f"predictions file {file.name}",
        confidence=ranking.scale,
        metrics=metrics(ranking, tree_of(dataset.classes)),
    )
    if output is None:
        return record
    from ..report.render import render

    with claim(output):
        run = load_run(output)
        before = run.datasets.get(dataset_name)
        if before is not None and before.fingerprint != dataset.fingerprint:
            raise InputError(f"{output} holds results on other images called {dataset_name!r}; give another -o")
        stored = f"predictions/{record.cell}.parquet"
        (output / "predictions").mkdir(exist_ok=True)
        write_predictions(output / stored, dataset.val.ids, ranking)
        write_thumbnails(output, dataset_name, dataset)
        if not (output / MANIFEST).is_file():
            run.manifest = Manifest(
                command=["topfive", *sys.argv[1:]],
                config={"data": [data], "seed": [0]},
                environment=environment(),
            )
            run.save_manifest()
        run.datasets[dataset_name] = describe(dataset_name, dataset, limited=False)
        run.put(record.model_copy(update={"predictions": stored}))
        run.save()
        render([output], output)
    return record
