"""What hand-engineered contenders show of themselves: what each patch adds to a score, their cells, their steps."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from topfive.common.machine import torch_threads

from . import pyramid, sampling
from .color import grey
from .descriptors import DESCRIPTORS, to_tensor
from .encoder import Encoder
from .fisher import fisher_vectors
from .grid import positions
from .hog import cell_sums, strongest_gradient
from .sift import ORIENTATIONS, orientation_maps
from .svm import LinearSVM

Pixels = NDArray[np.uint8]
CELL, GLYPH = 8, 24  # px: of a cell that is drawn, and of its drawing


class ShowsPatches:
    """The optional methods of a contender of local descriptors; for estimators as ``coded.Coded``."""

    encoder_: Encoder
    models_: list[Any]
    classes_: NDArray[np.int64]
    fused: bool
    n_jobs: int | None

    def patch_contributions(self, image: Pixels, label: int) -> NDArray[np.float64] | None:
        """(T, 4): x, y and side of each patch in pixels, and what it adds to the score of ``label``.

        The sum over patches is the score without its intercept. A Fisher vector is a mean over patches; its signed
        root and its length, which are of the whole image, are taken as they came out and shared by all patches, after
        Bach, Binder, Montavon, Müller and Samek, "Analyzing classifiers: Fisher vectors and deep neural networks",
        CVPR 2016. Of mirrored contenders: of the image as it is. None where a channel is coded in another way, or
        where scores of several classifiers are averaged.
        """
        (model, *more), encoder = self.models_, self.encoder_
        codings, pyramids = ({getattr(c, name) for c in encoder.channels} for name in ("coding", "pyramid"))
        if more or self.fused or not isinstance(model, LinearSVM) or codings != {"fisher"} or len(pyramids) > 1:
            return None
        weights = torch.from_numpy(model.coef_[:, int(np.flatnonzero(self.classes_ == label)[0])]).double()
        with torch_threads(self.n_jobs), torch.inference_mode():
            rgb = to_tensor([image], encoder.device)
            height, width = rgb.shape[-2:]
            where = positions(height, width, encoder.grid)
            added = torch.zeros(len(where), dtype=torch.float64)
            start = 0
            for channel in encoder.channels:
                x = DESCRIPTORS[channel.descriptor](rgb, encoder.grid, torch.float32)
                learned = encoder.learned_[channel.vocabulary]
                x = learned.pca.transform(x) if learned.pca else x
                x = sampling.append_places(x, torch.from_numpy(where).to(x.device), learned.spread)
                each = fisher_vectors(x.transpose(0, 1), learned.codebook).flatten(1).cpu().double()
                areas = pyramid.regions(where, channel.pyramid)
                for area in areas:
                    mine, total = weights[start : start + each.shape[1]], each[area].mean(dim=0)
                    rooted = total.abs().sqrt()
                    scale = torch.where(rooted > 0, 1 / rooted.clamp_min(1e-150), 0) / rooted.norm().clamp_min(1e-150)
                    added[area] += each[area] @ (scale * mine) / len(area)
                    start += each.shape[1]
            added /= math.sqrt(len(areas) * len(encoder.channels))
        scale_y, scale_x = image.shape[0] / height, image.shape[1] / width
        side = 4 * 2 ** where[:, 2].astype(float) * scale_x
        return np.stack([where[:, 0] * width * scale_x, where[:, 1] * height * scale_y, side, added.numpy()], axis=1)

    def parts_of(self, image: Pixels) -> dict[str, Pixels]:
        """Pictures by name of the cells that its descriptors see in ``image``."""
        used = " ".join(channel.descriptor for channel in self.encoder_.channels)
        out = {"SIFT cells": sift_cells(image)} if "sift" in used else {}
        out |= {"HOG cells": hog_cells(image)} if "hog" in used else {}
        return out | ({"colour cells": colour_cells(image)} if "lcs" in used or "csift" in used else {})

    def pipeline(self) -> list[str]:
        """The steps from pixels to scores, in words, first to last."""
        channels = self.encoder_.channels
        steps = [f"patches of {', '.join(f'{4 * cell:g}' for cell in self.encoder_.grid.cells)} px on a dense grid"]
        steps.append(f"{' and '.join(dict.fromkeys(c.descriptor.upper() for c in channels))}, designed by hand")
        dims = {c.dims for c in channels if c.dims and c.coding != "whole"}
        if dims:
            steps.append(f"PCA to {max(dims)} values, learned without labels" + (", place appended" * channels[0].xy))
        steps.append(f"{' and '.join(dict.fromkeys(c.coding for c in channels))} code: {self.encoder_.dim_:,} values")
        return [*steps, f"linear classifier of {len(self.classes_)} classes, the only step that sees labels"]


def sift_cells(image: Pixels) -> Pixels:
    """Each cell of 8 × 8 pixels as a star: gradients of its pixels in the eight directions of SIFT."""
    with torch.inference_mode():
        maps = orientation_maps(grey(to_tensor([image], "cpu")))[:, 0]
        rows, columns = maps.shape[1] // CELL, maps.shape[2] // CELL
        cut = maps[:, : rows * CELL, : columns * CELL].reshape(ORIENTATIONS, rows, CELL, columns, CELL)
        votes = cut.mean(dim=(2, 4)).permute(1, 2, 0).numpy()
    return _stars(votes, [(math.cos(a), -math.sin(a)) for a in np.arange(ORIENTATIONS) * 2 * math.pi / ORIENTATIONS])


def hog_cells(image: Pixels) -> Pixels:
    """Each cell of 8 × 8 pixels as a star of edges: across the nine undirected gradients of HOG, as in the paper."""
    with torch.inference_mode():
        dy, dx = strongest_gradient(to_tensor([image], "cpu").sqrt())
        bins = torch.atan2(dy, dx).mul_(9 / math.pi).remainder_(9).long().clamp_(max=8)
        votes = cell_sums(torch.hypot(dx, dy), bins, 9, CELL)[0].numpy()
    ways = [((i + 0.5) * math.pi / 9 + math.pi / 2) for i in range(9)]
    return _stars(np.tile(votes, 2), [(s * math.cos(a), s * math.sin(a)) for s in (1, -1) for a in ways])


def colour_cells(image: Pixels) -> Pixels:
    """Each cell of 4 × 4 pixels in its mean colour."""
    height, width = (length // 4 * 4 for length in image.shape[:2])
    mean = image[:height, :width].reshape(height // 4, 4, width // 4, 4, 3).mean(axis=(1, 3))
    return np.asarray(np.rint(mean), np.uint8).repeat(GLYPH // 2, axis=0).repeat(GLYPH // 2, axis=1)


def _stars(votes: NDArray[Any], ways: list[tuple[float, float]]) -> Pixels:
    """(rows, columns, n) votes → a picture; ``ways``: where each of the n points, (right, down)."""
    rows, columns, _ = votes.shape
    out = np.zeros((rows * GLYPH, columns * GLYPH), np.float32)
    strongest = max(float(np.quantile(votes.max(axis=2), 0.98)), 1e-12)
    for r in range(rows):
        for c in range(columns):
            star = np.zeros((GLYPH, GLYPH), np.float32)
            for k in np.argsort(votes[r, c]):
                share = min(float(votes[r, c, k]) / strongest, 1.0)
                end = [round(GLYPH / 2 + share * (GLYPH / 2 - 1) * w) for w in ways[k]]
                cv2.line(star, (GLYPH // 2, GLYPH // 2), (end[0], end[1]), 0.25 + 0.75 * share)
            out[r * GLYPH : (r + 1) * GLYPH, c * GLYPH : (c + 1) * GLYPH] = star
    return np.asarray(np.rint(255 * out), np.uint8)[..., None].repeat(3, axis=2)
