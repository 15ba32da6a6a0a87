"""Images a second that a hand-engineered contender answers about on a GPU by one view: features and classifier.

    python tests/speed/gpu_features.py sift-fisher [--images 8192] [--json FILE]

On random images of 64 pixels, smoothed so that they have edges; fitted to 2,000 of them. A first pass over a part is
left out. Needs nothing but the package. It then says what the time is made of: each part of one batch with the GPU
idle before and after; in a pass they overlap.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
import torch
from topfive.baselines.descriptors import DESCRIPTORS, ON_GPU, to_tensor
from topfive.baselines.encoder import Encoder
from topfive.baselines.extraction import BATCH, extract
from topfive.baselines.presets import OxfordVgg, SiftFisher
from topfive.benchmark.data.images import LazyImages
from topfive.common.machine import cores

CONTENDERS = {"sift-fisher": SiftFisher, "oxford-vgg-2012": OxfordVgg}
SIDE, ROUNDS = 64, 3


def pictures(n: int, seed: int) -> LazyImages:
    """n images of blurred noise."""
    random = np.random.default_rng(seed)
    coarse = torch.from_numpy(random.random((n, 3, SIDE // 4, SIDE // 4), dtype=np.float32))
    fine = torch.from_numpy(random.random((n, 3, SIDE, SIDE), dtype=np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").add_(fine, alpha=0.2)
    array = smooth.clamp_(0, 1).mul_(255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return LazyImages(lambda i: array[i], n, fingerprint=f"noise-{n}-{seed}", n_jobs=cores())


def as_jpegs(images: LazyImages) -> LazyImages:
    """The same images, decoded each time that they are asked for."""
    files = [simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=90) for image in images]
    return LazyImages(lambda i: simplejpeg.decode_jpeg(files[i]), len(files), n_jobs=cores())


def seconds(call: Callable[[], Any], device: str) -> float:
    """Of one call, the median; the first is left out."""
    taken = []
    for _ in range(ROUNDS + 1):
        wait(device)
        begin = time.perf_counter()
        call()
        wait(device)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[1:])


def wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def row(name: str, images: int, took: float) -> None:
    print(f"  {name:44s} {images / took:12,.0f} images/s {1e6 * took / images:9.1f} µs an image", flush=True)


def describe(name: str, rgb: torch.Tensor, encoder: Encoder) -> None:
    for _ in DESCRIPTORS[name](rgb, encoder.grid, encoder.dtype):
        pass


def passed(images: LazyImages, size: int) -> None:
    for _ in images.batches(size):
        pass


def explain(encoder: Encoder, images: LazyImages, device: str) -> None:
    """What a pass over these images is made of."""
    size = min(len(images), BATCH * ON_GPU if device.startswith("cuda") else BATCH)
    batch = [images[i] for i in range(size)]
    rgb = to_tensor(batch, device)
    row(f"decoding JPEGs, {cores()} cores", len(images), seconds(partial(passed, as_jpegs(images), size), "cpu"))
    row("stacked and copied to the device", size, seconds(lambda: to_tensor(batch, device), device))
    for name in dict.fromkeys(channel.descriptor for channel in encoder.channels):
        row(f"descriptors: {name}", size, seconds(partial(describe, name, rgb, encoder), device))
    row("copied, described and coded", size, seconds(lambda: encoder.encode(batch), device))
    wait(device)
    begin = time.perf_counter()
    vectors = encoder.encode(batch)
    row("  of which the host needs to queue it", size, time.perf_counter() - begin)
    row("rows as float16 copied back", size, seconds(lambda: vectors.half().to("cpu", non_blocking=True), device))
    out = np.zeros((len(images), encoder.dim_), dtype=np.float16)
    whole = partial(extract, encoder.encode, images, np.arange(len(images)), out, device=device)
    row("extraction end to end", len(images), seconds(whole, device))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    hardware = torch.cuda.get_device_name() if given.device.startswith("cuda") else "CPU"
    started = time.perf_counter()
    model = CONTENDERS[given.contender](device=given.device, views=1)
    model.fit(pictures(given.train, 0), np.arange(given.train) % 20)
    fitted = time.perf_counter() - started
    model.decision_function(pictures(min(1024, given.images), 1))
    asked = pictures(given.images, 2)
    started = time.perf_counter()
    model.decision_function(asked)
    rate = given.images / (time.perf_counter() - started)
    stages = ", ".join(f"{stage} {took:.1f} s" for stage, took in model.timings_.items())
    print(
        f"{given.contender} at {SIDE}, {hardware}: {rate:.0f} images/s; fitted in {fitted:.1f} s ({stages})", flush=True
    )
    if given.json is not None:  # first, as what follows only explains
        with given.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": given.contender, "hardware": hardware, "images_per_second": rate}) + "\n")
    explain(model.encoder_, asked, given.device)


if __name__ == "__main__":
    main()
