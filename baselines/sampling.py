"""Learning PCA and codebooks from sampled patches: one pass over a bounded number of images, whatever is learned."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
from threading import Lock
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from topfive.common.machine import torch_threads

from . import costs
from .codebooks import LEARN
from .compute import on_cpu
from .costs import Cost
from .descriptors import DESCRIPTORS, MAX_PIXELS, Pixels, at_most, described_size, same_shapes, to_tensor
from .grid import Grid, positions
from .pca import PCA
from .vocabulary import Learned, Vocabulary, project

log = logging.getLogger("topfive.baselines.sampling")

IMAGES = 4000  # patches are sampled from at most this many images …
PER_CENTRE = 400  # … and this many patches for each centre, within the limits below
LEAST, MOST = 50_000, 200_000
POSITION_SCALE = 12**0.5  # gives x and y, spread evenly over [0, 1], variance 1

Parts = dict[str, Cost]  # what a vocabulary takes by itself: "decode" the images, "describe" them, "fit" the codebook


def together(parts: Mapping[Vocabulary, Parts]) -> Cost:
    """What these vocabularies take when one pass learns them: decoding, each descriptor and each fit once.

    It is the same whether they were learned in one pass or earlier, for other contenders.
    """
    decode, describe, fit = Cost(), dict[str, Cost](), Cost()
    for vocabulary, cost in parts.items():
        decode = decode.dearer(cost["decode"])
        describe[vocabulary.descriptor] = describe.get(vocabulary.descriptor, Cost()).dearer(cost["describe"])
        fit += cost["fit"]
    return sum(describe.values(), decode + fit)


def learn(
    images: Any, vocabularies: Sequence[Vocabulary], grid: Grid, *, seed: int, device: str, dtype: torch.dtype
) -> Iterator[tuple[Learned, Parts]]:
    """Each vocabulary with its cost, all from one pass over the sampled images. A vocabulary and its cost do not depend
    on the others."""
    sampler = _Sampler(images, vocabularies, grid, seed, device, dtype)
    for one in vocabularies:
        begin = costs.now()
        n = patches_per_image(one, len(images))
        x = sampler.samples[one.descriptor, n]
        with torch_threads(1):  # sums in an order that does not depend on the number of cores
            pca = PCA.fit(x, one.dims) if one.dims else None
            # Whitened descriptors have variance 1; others get x and y of their own mean deviation.
            spread = POSITION_SCALE * (1.0 if pca else float(x.std(0).mean())) if one.xy else 0.0
            x = project(x.unsqueeze(0), pca, sampler.places[n].to(device), spread).squeeze(0)
        learned = Learned(pca, spread, LEARN[one.learns](x, one.k, seed=seed))
        cost = costs.now() - begin
        log.info("%s: %s, %d from %d patches, %.0f s", one.descriptor, one.learns, one.k, len(x), cost.seconds)
        yield learned, {"decode": sampler.decode, "describe": sampler.describe[one.descriptor], "fit": cost}


def patches_per_image(vocabulary: Vocabulary, n_images: int) -> int:
    """Sampled for this vocabulary from each of the images that are looked at."""
    wanted = int(np.clip(PER_CENTRE * vocabulary.k, LEAST, MOST))
    return -(-wanted // min(IMAGES, n_images))


class _Sampler:
    """Sampled patches, and what they cost.

    ``samples``: (N, D) float32 patches by descriptor and number an image; ``places``: their (N, 2) places by number an
    image; ``decode``: cost of the images; ``describe``: cost of each descriptor.
    """

    def __init__(
        self, images: Any, vocabularies: Sequence[Vocabulary], grid: Grid, seed: int, device: str, dtype: torch.dtype
    ) -> None:
        self.grid, self.device, self.dtype = grid, device, dtype
        pairs = {(one.descriptor, patches_per_image(one, len(images))) for one in vocabularies}
        self.samples: dict[tuple[str, int], torch.Tensor] = dict.fromkeys(sorted(pairs), torch.empty(0))
        self.places = {n: torch.empty((n * min(IMAGES, len(images)), 2)) for _, n in self.samples}
        self.describe = {name: Cost() for name, _ in self.samples}
        self._taken = dict.fromkeys(self.places, 0)
        self._lock = Lock()
        workers = torch.get_num_threads() if on_cpu(device) else 1
        begin = costs.now()
        with torch_threads(1 if on_cpu(device) else None):
            calls = starmap(delayed(self._described), self._groups(images, seed))
            for taken in Parallel(workers, return_as="generator_unordered", require="sharedmem")(calls):
                for name, cost in taken.items():
                    self.describe[name] += Cost(cost.seconds / workers, cost.cpu_seconds)
        self.decode = costs.now() - begin - sum(self.describe.values(), Cost())
        # An image with fewer patches than that gives all it has.
        self.samples = {(name, n): x[: self._taken[n]] for (name, n), x in self.samples.items()}
        self.places = {n: where[: self._taken[n]] for n, where in self.places.items()}

    def _groups(self, images: Any, seed: int) -> Iterator[tuple[list[Pixels], dict[int, tuple[int, torch.Tensor]]]]:
        """Sampled images of one shape; for each number n the row of their first sample and (B, n) patches to take."""
        rng = np.random.default_rng(seed)
        order = np.sort(rng.choice(len(images), min(IMAGES, len(images)), replace=False))
        # Each number is drawn as if it were the only one, so that a vocabulary does not depend on the others.
        draws = {n: copy.deepcopy(rng) for n in self.places}
        for batch in images.batches(64, max_pixels=MAX_PIXELS, order=order):
            for _, group in same_shapes(batch, lambda height, width: at_most(self.grid, height, width, self.device)):
                where = torch.from_numpy(positions(*described_size(group[0]), self.grid))
                chosen = {}
                for n, draw in draws.items():
                    patches = torch.from_numpy(draw.integers(len(where), size=(len(group), min(n, len(where)))))
                    first = self._taken[n]
                    self._taken[n] += patches.numel()
                    self.places[n][first : self._taken[n]] = where[patches.flatten(), :2]
                    chosen[n] = first, patches
                yield group, chosen

    def _described(self, group: list[Pixels], chosen: dict[int, tuple[int, torch.Tensor]]) -> dict[str, Cost]:
        """Write the chosen patches of these images into ``samples``; what each descriptor cost this thread."""
        torch.get_num_threads()  # as in ``compute.threads``
        rgb = to_tensor(group, self.device)
        taken = {}
        for name in self.describe:
            begin = costs.thread_now()
            wanted = [(n, first, patches.to(self.device)) for n, (first, patches) in chosen.items()]
            first_of_scale = 0
            for x in DESCRIPTORS[name](rgb, self.grid, self.dtype):
                for n, first, patches in wanted:
                    if (name, n) in self.samples and x.shape[1]:
                        self._keep(self._rows(name, n, x)[first : first + patches.numel()], x, patches - first_of_scale)
                first_of_scale += x.shape[1]
            if not on_cpu(self.device):
                rgb[:1, :1, :1, :1].cpu()  # waits for the GPU, whose time would else be another descriptor's
            taken[name] = costs.thread_now() - begin
        return taken

    def _rows(self, name: str, n: int, x: torch.Tensor) -> torch.Tensor:
        """All samples of a descriptor; made when its first patches show how long they are."""
        with self._lock:
            if not len(self.samples[name, n]):
                self.samples[name, n] = torch.empty((len(self.places[n]), x.shape[2]), device=x.device)
            return self.samples[name, n]

    @staticmethod
    def _keep(rows: torch.Tensor, x: torch.Tensor, patches: torch.Tensor) -> None:
        """Write those of the (B, n) patches that are among the (B, T, D) of this scale to their (B · n, D) rows."""
        here = (patches >= 0) & (patches < x.shape[1])
        index = patches.clamp(0, x.shape[1] - 1).unsqueeze(2).expand(-1, -1, x.shape[2])
        found = x.gather(1, index).flatten(0, 1)
        rows.copy_(torch.where(here.flatten().unsqueeze(1), found.float(), rows))
