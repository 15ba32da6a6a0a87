"""Images to vectors: descriptors, PCA, codebook, pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Self

import torch

from . import pyramid, sampling
from .codebooks import CODINGS, Coder
from .compute import on_cpu, product_dtype
from .costs import Cost
from .descriptors import DESCRIPTORS, MAX_PIXELS, WHOLE, Pixels, at_most, same_shapes, to_tensor
from .grid import Grid, positions
from .pyramid import Areas
from .stages import Key, Stages
from .vocabulary import Channel, Learned, Vocabulary


class Encoder:
    """Encodes images by one or more channels; their vectors stand side by side, of unit length together.

    After ``fit``: ``learned_`` for each vocabulary, ``widths_`` (values of each channel's vector), ``dim_`` (their
    sum), ``cached_cost_`` (Cost of the vocabularies that were found in the cache, when they were made).
    """

    def __init__(self, channels: Sequence[Channel], grid: Grid, *, seed: int = 0, device: str = "cpu") -> None:
        self.channels = tuple(channels)
        self.grid = grid
        self.seed = seed
        self.device = device
        self.dtype = product_dtype(device)

    def fit(self, images: Any, stages: Stages | None = None) -> Self:
        """Learn the vocabularies that ``stages`` does not hold, from patches of a bounded number of images."""
        stages = stages or Stages(None)
        wanted = list(dict.fromkeys(c.vocabulary for c in self.channels if c.coding != "whole"))
        self.learned_: dict[Vocabulary, Learned] = {}
        taken: dict[Vocabulary, sampling.Parts] = {}
        for one in wanted:
            found = stages.load("codebook", self.key(images, vocabulary=one))
            if found is not None:
                about, arrays = found
                self.learned_[one] = Learned.from_arrays(arrays, one.learns, self.device)
                taken[one] = {part: Cost(**cost) for part, cost in about["cost"].items()}
        missing = [one for one in wanted if one not in self.learned_]
        if missing:
            made = sampling.learn(images, missing, self.grid, seed=self.seed, device=self.device, dtype=self.dtype)
            for one, (learned, parts) in zip(missing, made, strict=True):
                self.learned_[one], taken[one] = learned, parts
                about = {"cost": {part: vars(cost) for part, cost in parts.items()}}
                # Each is kept before the next one is learned.
                stages.save("codebook", self.key(images, vocabulary=one), about, learned.arrays())
        self.cached_cost_ = sampling.together(taken) - sampling.together({one: taken[one] for one in missing})
        [one_image] = images.batches(1, max_pixels=MAX_PIXELS, order=[0])
        self.widths_ = [part.shape[1] for part in self._parts(to_tensor(one_image, self.device))]
        self.dim_ = sum(self.widths_)
        return self

    def key(self, images: Any, **stage: Any) -> Key | None:
        """What a stage made of these images depends on, ``stage`` included; None without a fingerprint."""
        if images.fingerprint is None:
            return None
        made_by = {"grid": self.grid, "seed": self.seed, "device": self.device, "products": self.dtype}
        return {"data": images.fingerprint, **made_by, **stage}

    def encode(self, batch: Sequence[Pixels]) -> torch.Tensor:
        """(n, dim) float32 vectors of n images of any shapes, on ``device``."""
        places: list[int] = []
        parts = []
        for these, group in same_shapes(batch, lambda h, w: at_most(self.grid, h, w, self.device)):
            places += these
            parts.append(self._encode_alike(to_tensor(group, self.device)))
        if not parts:
            raise ValueError("no images to encode")
        vectors = parts[0] if len(parts) == 1 else torch.cat(parts)
        if places == sorted(places):
            return vectors
        order = torch.tensor(places).argsort()
        return vectors[order if on_cpu(self.device) else order.pin_memory().to(self.device, non_blocking=True)]

    def _encode_alike(self, rgb: torch.Tensor) -> torch.Tensor:
        parts = self._parts(rgb)
        return torch.cat(parts, dim=1).div_(len(parts) ** 0.5)

    def _parts(self, rgb: torch.Tensor) -> list[torch.Tensor]:
        """Each channel's vectors, of unit length."""
        pyramids = tuple(dict.fromkeys(c.pyramid for c in self.channels if c.coding != "whole"))
        places, areas = _layout(*rgb.shape[-2:], self.grid, pyramids, rgb.device)
        coders: dict[Channel, Coder] = {}
        for channel in self.channels:
            if channel.coding != "whole":
                learned = self.learned_[channel.vocabulary]
                # Without PCA the values are far from variance 1, and posteriors need more digits than bfloat16 has.
                products = self.dtype if learned.pca else torch.float32
                coders[channel] = CODINGS[channel.coding].start(learned.codebook, areas[channel.pyramid], products)
        for descriptor in dict.fromkeys(channel.descriptor for channel in coders):
            mine = [channel for channel in coders if channel.descriptor == descriptor]
            for x, where in zip(DESCRIPTORS[descriptor](rgb, self.grid, self.dtype), places, strict=True):
                for vocabulary in dict.fromkeys(channel.vocabulary for channel in mine):
                    projected = self.learned_[vocabulary].project(x, where)
                    for channel in mine:
                        if channel.vocabulary == vocabulary:
                            coders[channel].add(projected)
        return [
            _side_by_side(coders[channel].vectors())
            if channel in coders
            else torch.nn.functional.normalize(WHOLE[channel.descriptor](rgb), dim=1)
            for channel in self.channels
        ]


def _side_by_side(vectors: torch.Tensor) -> torch.Tensor:
    """(B, R, dim) of unit length each -> (B, R · dim) of unit length."""
    return torch.div(vectors.flatten(1), vectors.shape[1] ** 0.5)


@lru_cache(maxsize=32)  # about 1 MB each for 100,000 px
def _layout(
    height: int, width: int, grid: Grid, pyramids: tuple[str, ...], device: torch.device
) -> tuple[list[torch.Tensor], dict[str, Areas]]:
    """(T, 2) places of each scale's patches in images of this size, and how each pyramid divides them."""
    where = positions(height, width, grid)
    scales = grid.n_patches(height, width)
    places = torch.split(torch.from_numpy(where[:, :2]).to(device), scales)
    return list(places), {one: Areas(pyramid.regions(where, one), scales, device) for one in pyramids}
