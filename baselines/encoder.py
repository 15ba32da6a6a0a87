"""Images to vectors: descriptors, PCA, codebook, pyramid; learned from a sample, then streamed over any number."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, starmap
from typing import Any, Self

import numpy as np
import torch
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from . import pyramid
from .codebooks import CODINGS, LEARN, Codebook
from .compute import on_cpu, product_dtype, threads
from .descriptors import DESCRIPTORS, WHOLE, Pixels, same_shapes, to_tensor
from .grid import Grid, positions
from .pca import PCA
from .store import Store, release

log = logging.getLogger("topfive.baselines.encoder")

MAX_PIXELS = 100_000  # an image is shrunk to this, as at ILSVRC
SAMPLE_IMAGES = 4000  # the codebooks see patches of at most this many images …
SAMPLES_PER_CENTRE = 400  # … and this many patches for each centre, within the limits below
SAMPLES_LEAST, SAMPLES_MOST = 50_000, 200_000
PATCHES_AT_A_TIME = 32_768  # bounds memory: at most this many descriptors exist at once, or those of one image
BATCH = 32  # images
ON_GPU = 8  # times as many of both: it has more cores to feed and no small cache to stay in
SENT_FROM = 2000  # images; fewer are encoded here sooner than on a cluster
# Rows that come back wait in memory until they are written: batches are sent in waves of at most so many bytes of
# rows, or of so many batches for each thread of the cluster, so that few threads wait for the last of a wave.
WAITING, LEAST_WAVE = 2**31, 16
POSITION_SCALE = 12**0.5  # gives x and y, spread evenly over [0, 1], variance 1


@dataclass(frozen=True)
class Vocabulary:
    """What a channel learns and may share with others: PCA to ``dims`` and a codebook of ``k``, "gmm" or "words"."""

    descriptor: str
    learns: str
    k: int
    dims: int
    xy: bool


@dataclass(frozen=True)
class Channel:
    """One descriptor and how it is encoded. ``dims``: after PCA, 0 for none; ``xy``: append the patch's place.

    ``coding`` "whole": the descriptor is one of ``descriptors.WHOLE`` and stands for itself; the rest does not matter.
    """

    descriptor: str
    coding: str
    k: int = 0
    dims: int = 64
    xy: bool = True
    pyramid: str = "1x1"

    @property
    def vocabulary(self) -> Vocabulary:
        """What has to be learned for it."""
        return Vocabulary(self.descriptor, CODINGS[self.coding].learns, self.k, self.dims, self.xy)


@dataclass(frozen=True)
class Fitted:
    """A vocabulary as it was learned. ``spread``: what x and y are multiplied by, 0 where they are not appended."""

    pca: PCA | None
    spread: float
    codebook: Codebook


class Encoder:
    """Encodes images by one or more channels; their vectors stand side by side, of unit length together.

    After ``fit``: ``fitted_`` for each vocabulary, ``widths_`` (values of each channel's vector), ``dim_`` (their sum).
    """

    def __init__(self, channels: Sequence[Channel], grid: Grid, *, seed: int = 0, device: str = "cpu") -> None:
        self.channels = tuple(channels)
        self.grid = grid
        self.seed = seed
        self.device = device
        self.dtype = product_dtype(device)

    def fit(self, images: Any, store: Store | None = None) -> Self:
        """Learn the vocabularies that are not yet in ``store``, from patches of a bounded number of images."""
        wanted = list(dict.fromkeys(c.vocabulary for c in self.channels if c.coding != "whole"))
        keys = [self.key(images, vocabulary=one) for one in wanted]
        found = (store or Store(None)).kept("codebook", keys, lambda at: self._learn(images, [wanted[i] for i in at]))
        self.fitted_: dict[Vocabulary, Fitted] = dict(zip(wanted, found, strict=True))
        [one_image] = images.batches(1, max_pixels=MAX_PIXELS, order=[0])
        self.widths_ = [part.shape[1] for part in self._parts(to_tensor(one_image, self.device))]
        self.dim_ = sum(self.widths_)
        return self

    def key(self, images: Any, **stage: Any) -> dict[str, Any] | None:
        """Everything that what is made of these images depends on, with ``stage``; None where they cannot be told."""
        if images.fingerprint is None:
            return None
        made_by = {"grid": self.grid, "seed": self.seed, "device": self.device, "products": self.dtype}
        return {"data": images.fingerprint, **made_by, **stage}

    def _learn(self, images: Any, vocabularies: Sequence[Vocabulary]) -> Iterator[Fitted]:
        """Each vocabulary, all from one pass over the sampled images."""
        begin = time.perf_counter()
        # Small codebooks, and the samples for them, are many small products: threads only slow them on a busy machine.
        with threads(1 if max(one.k for one in vocabularies) <= 128 else None):
            samples, places = self._sample(images, vocabularies)
        for one in vocabularies:
            n = self._patches_per_image(one, len(images))
            x = samples[one.descriptor, n]
            with threads(1 if one.k <= 128 else None):
                pca = PCA.fit(x, one.dims) if one.dims else None
                # Whitened descriptors have variance 1; others get x and y of their own mean deviation.
                spread = POSITION_SCALE * (1.0 if pca else float(x.std(0).mean())) if one.xy else 0.0
                x = _append(pca.transform(x) if pca else x, places[n], spread)
                fitted = Fitted(pca, spread, LEARN[one.learns](x, one.k, seed=self.seed))
            log.info(
                "%s: %s, %d from %d patches, %.0f s",
                one.descriptor, one.learns, one.k, len(x), time.perf_counter() - begin,
            )  # fmt: skip
            yield fitted

    def _sample(
        self, images: Any, vocabularies: Sequence[Vocabulary]
    ) -> tuple[dict[tuple[str, int], torch.Tensor], dict[int, torch.Tensor]]:
        """(N, D) float32 patches by descriptor and number an image, and their (N, 3) places by number an image."""
        rng = np.random.default_rng(self.seed)
        order = np.sort(rng.choice(len(images), min(SAMPLE_IMAGES, len(images)), replace=False))
        samples: dict[tuple[str, int], list[torch.Tensor]] = {
            (one.descriptor, self._patches_per_image(one, len(images))): [] for one in vocabularies
        }
        # Each number is drawn as if it were the only one, so that a vocabulary does not depend on the others.
        draws = {n: copy.deepcopy(rng) for _, n in samples}
        places: dict[int, list[torch.Tensor]] = {n: [] for n in draws}
        for batch in images.batches(64, max_pixels=MAX_PIXELS, order=order):
            for _, group in same_shapes(batch, self._at_most):
                rgb = to_tensor(group, self.device)
                where = self._positions(rgb)
                names = {name for name, _ in samples}
                described = {name: DESCRIPTORS[name](rgb, self.grid, self.dtype) for name in names}
                chosen = {}
                for n, draw in draws.items():
                    chosen[n] = torch.from_numpy(draw.integers(len(where), size=(len(group), min(n, len(where)))))
                    places[n].append(where[chosen[n].flatten()])
                for (name, n), parts in samples.items():
                    index = chosen[n].to(self.device).unsqueeze(2).expand(-1, -1, described[name].shape[2])
                    parts.append(described[name].gather(1, index).flatten(0, 1).float())
        joined = {which: torch.cat(parts) for which, parts in samples.items()}
        return joined, {n: torch.cat(parts).to(self.device) for n, parts in places.items()}

    @staticmethod
    def _patches_per_image(vocabulary: Vocabulary, n_images: int) -> int:
        wanted = int(np.clip(SAMPLES_PER_CENTRE * vocabulary.k, SAMPLES_LEAST, SAMPLES_MOST))
        return -(-wanted // min(SAMPLE_IMAGES, n_images))

    def encode(self, batch: Sequence[Pixels]) -> torch.Tensor:
        """(n, dim) float32 vectors of n images of any shapes, on ``device``."""
        out: torch.Tensor | None = None
        for places, group in same_shapes(batch, self._at_most):
            vectors = self._encode_alike(to_tensor(group, self.device))
            if out is None:
                out = vectors.new_empty((len(batch), vectors.shape[1]))
            out[places] = vectors
        if out is None:
            raise ValueError("no images to encode")
        return out

    def _encode_alike(self, rgb: torch.Tensor) -> torch.Tensor:
        parts = self._parts(rgb)
        return torch.cat(parts, dim=1).div_(len(parts) ** 0.5)

    def _parts(self, rgb: torch.Tensor) -> list[torch.Tensor]:
        """Each channel's vectors, of unit length."""
        where = self._positions(rgb)
        described: dict[str, torch.Tensor] = {}
        parts = []
        for channel in self.channels:
            if channel.coding == "whole":
                parts.append(torch.nn.functional.normalize(WHOLE[channel.descriptor](rgb), dim=1))
                continue
            if channel.descriptor not in described:
                described[channel.descriptor] = DESCRIPTORS[channel.descriptor](rgb, self.grid, self.dtype)
            x = described[channel.descriptor]
            fitted = self.fitted_[channel.vocabulary]
            x = _append(fitted.pca.transform(x) if fitted.pca else x, where.to(x.device), fitted.spread)
            areas = pyramid.regions(where.numpy(), channel.pyramid)
            # Without PCA the values are far from variance 1, and posteriors need more digits than bfloat16 has.
            products = self.dtype if fitted.pca else torch.float32
            vectors = CODINGS[channel.coding].encode(x, fitted.codebook, areas, products)
            parts.append(vectors.flatten(1) / vectors.shape[1] ** 0.5)
        return parts

    def _positions(self, rgb: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(positions(rgb.shape[-2], rgb.shape[-1], self.grid))

    def _at_most(self, height: int, width: int) -> int:
        return _at_once(PATCHES_AT_A_TIME, self.device) // max(1, sum(self.grid.n_patches(height, width)))


def _append(x: torch.Tensor, where: torch.Tensor, spread: float) -> torch.Tensor:
    """Descriptors in float32 with x and y of their places, from the middle and times ``spread``; 0: without them."""
    if not spread:
        return x.float()
    out = torch.empty((*x.shape[:-1], x.shape[-1] + 2), device=x.device)
    out[..., :-2].copy_(x)
    out[..., -2:].copy_((where[..., :2] - 0.5) * spread)
    return out


def extract(
    encode: Callable[[Any], torch.Tensor],
    images: Any,
    order: NDArray[np.int64],
    out: Any,
    *,
    device: str,
    side: int | None = None,
    mirrored: bool = False,
) -> None:
    """Write ``encode(batch)`` of the images in ``order`` into the rows of ``out`` (n, dim) float16.

    ``side``: batches of that size, cropped; without it, images keep their shapes and are shrunk to 100,000 px.
    ``mirrored``: ``out`` has 2n rows, of which the second half are the images flipped left to right.

    On a processor every core encodes batches of its own: threads that share one small product mostly wait for each
    other, and batches of a few images stay in a core's cache. So the vectors do not depend on the number of cores, nor
    on where they are made: where joblib's active backend leads out of this process, batches of many images go there.
    """
    cores = on_cpu(device)
    at_once = _at_once(BATCH, device)
    workers = torch.get_num_threads() if cores else 1
    size: dict[str, Any] = {"max_pixels": MAX_PIXELS} if side is None else {"side": side}
    n = len(order)
    begin = shown = time.perf_counter()
    done = 0

    def write(first: int, views: list[NDArray[np.float16]]) -> int:
        for start, rows in zip((first, n + first), views, strict=False):
            out[start : start + len(rows)] = rows
            release(out[start : start + len(rows)])
        return len(views[0])

    def here(first: int, batch: Any) -> int:
        return write(first, _rows(encode, batch, mirrored))  # by its own thread, so that a slow disk holds it up

    def counts() -> Iterator[int]:
        if cores and n >= SENT_FROM and not _shares_memory():
            wave = max(LEAST_WAVE * effective_n_jobs() * BATCH, WAITING // ((1 + mirrored) * out[0].nbytes))
            for start in range(0, n, wave):
                parts = ((i, images.take(order[i : i + BATCH])) for i in range(start, min(n, start + wave), BATCH))
                calls = (delayed(_elsewhere)(i, encode, part, size, mirrored) for i, part in parts)
                yield from starmap(write, Parallel(return_as="generator_unordered")(calls))
        else:
            batches = zip(count(step=at_once), images.batches(at_once, order=order, **size), strict=False)
            calls = (delayed(here)(first, batch) for first, batch in batches)
            yield from Parallel(workers, return_as="generator_unordered", require="sharedmem")(calls)

    with threads(1 if cores else None):
        for some in counts():
            done += some
            now = time.perf_counter()
            if now - shown > 5 or done == n:
                shown, rate = now, done / (now - begin)
                log.info("features: %d of %d images, %.0f images/s, %.0f s left", done, n, rate, (n - done) / rate)


def _at_once(n: int, device: str) -> int:
    return n if on_cpu(device) else n * ON_GPU


def _shares_memory() -> bool:
    """Whether joblib's calls run on threads of this process, as they do unless a backend was chosen around us."""
    return bool(getattr(get_active_backend(prefer="threads")[0], "supports_sharedmem", False))


def _rows(encode: Callable[[Any], torch.Tensor], batch: Any, mirrored: bool) -> list[NDArray[np.float16]]:
    """(len(batch), dim) of the batch and, where asked for, of its mirror images."""
    views = [batch, [image[:, ::-1] for image in batch]] if mirrored else [batch]
    return [encode(view).half().cpu().numpy() for view in views]


def _elsewhere(
    first: int, encode: Callable[[Any], torch.Tensor], images: Any, size: dict[str, Any], mirrored: bool
) -> tuple[int, list[NDArray[np.float16]]]:
    """The rows of a few images, read and encoded in another process by one thread; they begin at row ``first``."""
    with threads(1):
        [batch] = images.batches(len(images), **size)
        return first, _rows(encode, batch, mirrored)
