"""Compare contenders on training images that were held out, the only images that defaults are chosen on.

    python tests/speed/held_out.py DATA CONTENDER [CONTENDER …] [--share 0.2] [--per-class N] [--seed 0]
                                     [--jobs 2]

DATA and CONTENDER as ``topfive run`` takes them. A fifth of each class of the *training* images is held out, drawn by
the seed; each contender learns from the rest and answers for the fifth. The validation images are never read. Prints a
line for each: errors in per cent by one view and by two (the image and its mirror image), seconds of the fit and of the
answers by two views.
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
from numpy.typing import NDArray
from topfive.benchmark.contenders.discovery import check_params, discover, parameters, resolve
from topfive.benchmark.data import open_dataset
from topfive.benchmark.specs import parse


def held_out(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """(n,) which images are held out: ``share`` of each class, at least one."""
    chosen = np.zeros(len(labels), dtype=bool)
    rng = np.random.default_rng([seed, 77])
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        chosen[members[: max(1, round(share * len(members)))]] = True
    return chosen


def errors(scores: NDArray[np.floating], truth: NDArray[np.int64]) -> tuple[float, float]:
    """(top-5, top-1) error in per cent; ties count against."""
    rank = (scores >= scores[np.arange(len(truth)), truth][:, None]).sum(1)
    return 100 * float((rank > 5).mean()), 100 * float((rank > 1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("contenders", nargs="+")
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--per-class", type=int, help="training images of each class, held out ones among them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--cache", help="folder for stages that contenders share")
    options = parser.parse_args()
    spec = parse(options.data)
    train = open_dataset(spec.name, seed=options.seed, **spec.params).train
    train = train.nested(options.per_class, options.seed) if options.per_class else train
    out = held_out(train.labels, options.share, options.seed)
    fingerprint = f"{train.images.fingerprint}-{options.share}-{options.seed}"
    images = {kept: train.images.take(np.flatnonzero(out != kept), f"{fingerprint}-{kept}") for kept in (True, False)}
    print(f"{len(images[True]):,} to learn from, {len(images[False]):,} held out; {options.jobs} cores", flush=True)
    print("top-5, top-1 by one view | by two | fit, two views in seconds", flush=True)
    entries = discover()
    specs = [parse(wanted) for wanted in options.contenders]
    factories = [resolve(one, entries).load() for one in specs]
    for one, factory in zip(specs, factories, strict=True):
        check_params(one, factory)
    given = {"random_state": options.seed, "cache_dir": options.cache, "n_jobs": options.jobs, "device": "cpu"}
    for one, factory in zip(specs, factories, strict=True):
        known = parameters(factory) or set()
        method = factory(**{**{k: v for k, v in given.items() if k in known}, **one.params})
        begin = time.perf_counter()
        method.fit(images[True], train.labels[~out])
        fitted, said = time.perf_counter() - begin, []
        for views in (1, 2):
            method.views = views
            begin = time.perf_counter()
            scores = method.decision_function(images[False])
            said.append("{:.1f}, {:.1f}".format(*errors(scores, np.searchsorted(method.classes_, train.labels[out]))))
        took = time.perf_counter() - begin
        print(f"{one}: {' | '.join(said)} | {fitted:.0f}, {took:.1f}", flush=True)


if __name__ == "__main__":
    main()
