"""Learning PCA and codebooks from sampled patches: one pass over a bounded number of images, whatever is learned."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap
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
from .vocabulary import Learned, Vocabulary

log = logging.getLogger("topfive.baselines.sampling")

IMAGES = 4000  # patches are sampled from at most this many images …
PER_CENTRE = 400  # … and this many patches for each centre, within the limits below
LEAST, MOST = 50_000, 200_000
ONE_THREAD = 128  # centres: up to here the products are so small that several threads only slow them on a busy machine
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
        x = torch.cat(sampler.samples[one.descriptor, n])
        with torch_threads(1 if one.k <= ONE_THREAD else None):
            pca = PCA.fit(x, one.dims) if one.dims else None
            # Whitened descriptors have variance 1; others get x and y of their own mean deviation.
            spread = POSITION_SCALE * (1.0 if pca else float(x.std(0).mean())) if one.xy else 0.0
            x = append_places(pca.transform(x) if pca else x, torch.cat(sampler.places[n]).to(device), spread)
            learned = Learned(pca, spread, LEARN[one.learns](x, one.k, seed=seed))
        cost = costs.now() - begin
        log.info("%s: %s, %d from %d patches, %.0f s", one.descriptor, one.learns, one.k, len(x), cost.seconds)
        yield learned, {"decode": sampler.decode, "describe": sampler.describe[one.descriptor], "fit": cost}


def append_places(x: torch.Tensor, where: torch.Tensor, spread: float) -> torch.Tensor:
    """Descriptors in float32 with x and y of their places, from the middle and times ``spread``; 0: without them."""
    if not spread:
        return x.float()
    out = torch.empty((*x.shape[:-1], x.shape[-1] + 2), device=x.device)
    out[..., :-2].copy_(x)
    out[..., -2:].copy_((where[..., :2] - 0.5) * spread)
    return out


def patches_per_image(vocabulary: Vocabulary, n_images: int) -> int:
    """Sampled for this vocabulary from each of the images that are looked at."""
    wanted = int(np.clip(PER_CENTRE * vocabulary.k, LEAST, MOST))
    return -(-wanted // min(IMAGES, n_images))


class _Sampler:
    """Sampled patches, and what they cost.

    ``samples``: lists of (N, D) float32 patches by descriptor and number an image; ``places``: lists of their (N, 3)
    places by number an image; ``decode``: cost of the images; ``describe``: cost of each descriptor.
    """

    def __init__(
        self, images: Any, vocabularies: Sequence[Vocabulary], grid: Grid, seed: int, device: str, dtype: torch.dtype
    ) -> None:
        self.grid, self.device, self.dtype = grid, device, dtype
        pairs = {(one.descriptor, patches_per_image(one, len(images))) for one in vocabularies}
        self.samples: dict[tuple[str, int], list[torch.Tensor]] = {pair: [] for pair in sorted(pairs)}
        self.places: dict[int, list[torch.Tensor]] = {n: [] for _, n in self.samples}
        self.describe = {name: Cost() for name, _ in self.samples}
        workers = torch.get_num_threads() if on_cpu(device) else 1
        begin = costs.now()
        with torch_threads(1 if on_cpu(device) else None):
            calls = starmap(delayed(self._described), self._groups(images, seed))
            for made in Parallel(workers, return_as="generator", require="sharedmem")(calls):
                for name, (patches, cost) in made.items():
                    self.describe[name] += Cost(cost.seconds / workers, cost.cpu_seconds)
                    for n, chosen in patches.items():
                        self.samples[name, n].append(chosen)
        self.decode = costs.now() - begin - sum(self.describe.values(), Cost())

    def _groups(self, images: Any, seed: int) -> Iterator[tuple[list[Pixels], dict[int, torch.Tensor]]]:
        """Sampled images of one shape, and (B, n) which patches of each are taken, for each number n of them."""
        rng = np.random.default_rng(seed)
        order = np.sort(rng.choice(len(images), min(IMAGES, len(images)), replace=False))
        # Each number is drawn as if it were the only one, so that a vocabulary does not depend on the others.
        draws = {n: copy.deepcopy(rng) for n in self.places}
        for batch in images.batches(64, max_pixels=MAX_PIXELS, order=order):
            for _, group in same_shapes(batch, lambda height, width: at_most(self.grid, height, width, self.device)):
                where = torch.from_numpy(positions(*described_size(group[0]), self.grid))
                chosen = {}
                for n, draw in draws.items():
                    chosen[n] = torch.from_numpy(draw.integers(len(where), size=(len(group), min(n, len(where)))))
                    self.places[n].append(where[chosen[n].flatten()])
                yield group, chosen

    def _described(
        self, group: list[Pixels], chosen: dict[int, torch.Tensor]
    ) -> dict[str, tuple[dict[int, torch.Tensor], Cost]]:
        """By descriptor: the chosen patches by number an image, and what they cost this thread."""
        rgb = to_tensor(group, self.device)
        out = {}
        for name in self.describe:
            begin = costs.thread_now()
            x = DESCRIPTORS[name](rgb, self.grid, self.dtype)
            patches = {}
            for n, which in chosen.items():
                if (name, n) in self.samples:
                    index = which.to(self.device).unsqueeze(2).expand(-1, -1, x.shape[2])
                    patches[n] = x.gather(1, index).flatten(0, 1).float()
            if not on_cpu(self.device):
                x[:1, :1].cpu()  # waits for the GPU, whose time would else be another descriptor's
            out[name] = patches, costs.thread_now() - begin
        return out
