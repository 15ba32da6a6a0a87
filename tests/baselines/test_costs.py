"""What a fit costs, wherever its parts came from: by a clock that only the work below moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import topfive.baselines.costs as costs_module
import topfive.baselines.sampling as sampling_module
import torch
from sklearn.base import clone
from topfive.baselines.coded import Coded
from topfive.baselines.costs import Cost
from topfive.baselines.encoder import Encoder
from topfive.baselines.parts import Bovw, Fisher
from topfive.baselines.svm import LinearSVM
from topfive.benchmark.data.images import LazyImages

DECODING, FITTING, CODING, SVM = 1000.0, 30.0, 12.0, 3.0
DESCRIBING = {"sift": 100.0, "lcs": 200.0, "hog": 400.0}
MAKERS: list[tuple[Coded, float]] = [  # with the seconds of their codebooks when they are alone
    (Fisher(k=2, n_jobs=1), 1000 + 100 + 30),
    (Fisher(k=2, n_jobs=1, descriptor="sift+lcs"), 1000 + 100 + 200 + 60),
    (Bovw(k=3, n_jobs=1, descriptor="lcs"), 1000 + 200 + 30),
    (Fisher(k=2, n_jobs=1, descriptor="lcs+hog"), 1000 + 200 + 400 + 60),
]


class Clock:
    """Stands still but for ``spend``; each second takes half a second of processor."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def spend(self, seconds: float) -> None:
        self.seconds += seconds

    def read(self) -> Cost:
        return Cost(self.seconds, self.seconds / 2)


class Slow(LazyImages):
    """A pass over several of these images takes 1,000 seconds."""

    clock: Clock

    def batches(self, size: int, **how: Any) -> Iterator[Any]:
        if size == 64:  # the codebooks' samples
            self.clock.spend(DECODING)
        return super().batches(size, **how)


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """12 images on whose clock decoding, descriptors, codebooks, features and the SVM take the seconds above."""
    clock = Clock()

    def slowed(call: Any, seconds: float) -> Any:
        def slow(*args: Any, **given: Any) -> Any:
            clock.spend(seconds)
            return call(*args, **given)

        return slow

    def slow_encode(encoder: Encoder, batch: Any) -> torch.Tensor:
        clock.spend(CODING * len(batch) / 12)
        return quick_encode(encoder, batch)

    def slow_descriptor(name: str) -> Any:
        def slow(*args: Any) -> Iterator[torch.Tensor]:
            clock.spend(DESCRIBING[name])
            yield from quick[name](*args)

        return slow

    quick, quick_encode = dict(sampling_module.DESCRIPTORS), Encoder.encode
    monkeypatch.setattr(costs_module, "now", clock.read)
    monkeypatch.setattr(costs_module, "thread_now", clock.read)
    monkeypatch.setattr(sampling_module, "DESCRIPTORS", {name: slow_descriptor(name) for name in DESCRIBING})
    learned = {name: slowed(learn, FITTING) for name, learn in sampling_module.LEARN.items()}
    monkeypatch.setattr(sampling_module, "LEARN", learned)
    monkeypatch.setattr(Encoder, "encode", slow_encode)
    monkeypatch.setattr(LinearSVM, "fit", slowed(LinearSVM.fit, SVM))
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    slow = Slow(lambda i: pixels[i], 12, fingerprint="noise")
    slow.clock = clock
    return slow


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]])
def test_the_order_of_contenders_changes_no_cost(order: list[int], images: Slow, tmp_path: Path) -> None:
    labels = np.arange(12) % 2
    for i in order:
        contender, codebook = MAKERS[i]
        for _ in range(2):  # the second time, all but the SVM comes from the cache
            model = clone(contender).set_params(cache_dir=str(tmp_path))
            begin = images.clock.seconds
            model.fit(images, labels)
            taken = images.clock.seconds - begin
            assert model.timings_ == {"codebook": codebook, "features": CODING, "svm": SVM}
            saved = sum(model.cached_timings_.values())
            assert sum(model.timings_.values()) == taken + saved
            assert model.cached_cpu_seconds_ == saved / 2
        assert model.cached_timings_ == {"codebook": codebook, "features": CODING}


def test_without_a_cache_nothing_is_saved(images: Slow) -> None:
    contender, codebook = MAKERS[1]
    model = clone(contender).fit(images, np.arange(12) % 2)
    assert model.timings_["codebook"] == codebook
    assert (model.cached_timings_, model.cached_cpu_seconds_) == ({}, 0.0)


def test_seconds_are_shared_between_the_threads_that_describe(images: Slow) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        [(_, parts)] = sampling_module.learn(
            images, [c.vocabulary for c in Fisher(k=2).channels(Fisher().grid(32, 32))], Fisher().grid(32, 32),
            seed=0, device="cpu", dtype=torch.float32,
        )  # fmt: skip
    finally:
        torch.set_num_threads(before)
    # One group of images, so one thread was busy for 100 s of which each of two is charged half.
    assert parts["describe"] == Cost(50, 50)
