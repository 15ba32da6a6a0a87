"""Images to vectors: descriptors, PCA, codebook, pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch

from . import pyramid, sampling
from .codebooks import CODINGS
from .compute import product_dtype
from .costs import Cost
from .descriptors import DESCRIPTORS, MAX_PIXELS, WHOLE, Pixels, at_most, same_shapes, to_tensor
from .grid import Grid, positions
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
        out: torch.Tensor | None = None
        for places, group in same_shapes(batch, lambda h, w: at_most(self.grid, h, w, self.device)):
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
            learned = self.learned_[channel.vocabulary]
            x = learned.pca.transform(x) if learned.pca else x
            x = sampling.append_places(x, where.to(x.device), learned.spread)
            areas = pyramid.regions(where.numpy(), channel.pyramid)
            # Without PCA the values are far from variance 1, and posteriors need more digits than bfloat16 has.
            products = self.dtype if learned.pca else torch.float32
            vectors = CODINGS[channel.coding].encode(x, learned.codebook, areas, products)
            parts.append(vectors.flatten(1) / vectors.shape[1] ** 0.5)
        return parts

    def _positions(self, rgb: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(positions(rgb.shape[-2], rgb.shape[-1], self.grid))
