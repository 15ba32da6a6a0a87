"""A pass of feature extraction over a million images, and its memory: it stays flat, the features go to disk.

    python tests/speed/rehearse_million.py FOLDER [--images 1000000] [--k 16]

A thousand 32 × 32 crops of a photograph, repeated; SIFT and LCS Fisher vectors. Needs 528·k bytes an image below FOLDER
(8.4 GB for a million at k = 16), which are removed again. Prints a line each tenth of the way: images a second, the
process's own memory, and all that is resident, which includes the kernel's cache of the features' file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import skimage.data
from topfive.baselines.encoder import Encoder
from topfive.baselines.extraction import extract
from topfive.baselines.presets import OxfordVgg
from topfive.baselines.stages import Stages
from topfive.benchmark.data.images import LazyImages

SIDE, DISTINCT = 32, 1000


def memory() -> str:
    info = psutil.Process().memory_info()
    return f"{(info.rss - info.shared) / 2**20:,.0f} MiB of its own, {info.rss / 2**20:,.0f} MiB resident"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--k", type=int, default=16)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(options.folder)

    photo = skimage.data.astronaut()
    corners = np.random.default_rng(0).integers(0, len(photo) - SIDE, (DISTINCT, 2))
    crops = np.stack([photo[y : y + SIDE, x : x + SIDE] for y, x in corners])
    images = LazyImages(lambda i: crops[i % DISTINCT], options.images, n_jobs=os.cpu_count() or 1)
    method = OxfordVgg(k=options.k)
    grid = method.grid(SIDE, SIDE)
    encoder = Encoder(method.channels(grid), grid).fit(images)
    print(f"{options.images:,} images, {encoder.dim_} values each; before: {memory()}", flush=True)
    begin = time.perf_counter()

    def fill(out: np.ndarray) -> None:
        for tenth in np.array_split(np.arange(options.images), 10):
            extract(encoder.encode, images, tenth, out[tenth[0] : tenth[-1] + 1], device="cpu")
            rate = (tenth[-1] + 1) / (time.perf_counter() - begin)
            print(f"{tenth[-1] + 1:,}: {rate:,.0f} images/s, {memory()}", flush=True)

    features, _ = Stages(None).features(None, (options.images, encoder.dim_), fill)
    assert np.array_equal(features[:8], features[DISTINCT : DISTINCT + 8])
    print(f"{features.nbytes / 1e9:.1f} GB of features; {shutil.disk_usage(options.folder).free / 1e9:.0f} GB are free")


if __name__ == "__main__":
    main()
