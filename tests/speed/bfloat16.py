"""What bfloat16 costs a Fisher vector: its cosine with the one made in float32.

    python tests/speed/bfloat16.py DATA [--images 400] [--k 64]

Prints mean, median and least cosine over training images spread over DATA, for each descriptor of the presets.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from topfive.baselines.encoder import Encoder
from topfive.baselines.grid import Grid
from topfive.baselines.vocabulary import Channel
from topfive.benchmark.data import open_dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--k", type=int, default=64)
    options = parser.parse_args()
    images = open_dataset(options.data).train.images
    shown = np.linspace(0, len(images) - 1, options.images).astype(int)
    learned_from = images.take(np.linspace(0, len(images) - 1, min(1000, len(images))).astype(int), None)
    for name in ("sift", "csift", "lcs"):
        encoder = Encoder([Channel(name, "fisher", options.k)], Grid.for_size(*images.typical_size)).fit(learned_from)
        vectors = []
        for encoder.dtype in (torch.bfloat16, torch.float32):
            vectors.append(torch.cat([encoder.encode([images[int(i)]]) for i in shown]))
        cosine = torch.nn.functional.cosine_similarity(*vectors)
        print(f"{name}: mean {cosine.mean():.4f}, median {cosine.median():.4f}, least {cosine.min():.4f}", flush=True)


if __name__ == "__main__":
    main()
