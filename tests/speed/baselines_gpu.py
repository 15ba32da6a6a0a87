"""Feature extraction on a GPU at 64 px: images a second end to end, and what its parts take by themselves.

    python tests/speed/baselines_gpu.py [--images 16384] [--device cuda]

Synthetic images, no data needed; the settings of ``sift-fisher`` and ``oxford-vgg-2012``. Within 90 s on a large GPU.
Each part is timed on one batch with the GPU idle before and after; the pass as a whole overlaps them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import simplejpeg
import torch
from topfive.baselines import sampling
from topfive.baselines.compute import on_cpu
from topfive.baselines.descriptors import DESCRIPTORS, MAX_PIXELS, ON_GPU, to_tensor
from topfive.baselines.encoder import Encoder
from topfive.baselines.extraction import BATCH, extract
from topfive.baselines.presets import OxfordVgg, SiftFisher
from topfive.baselines.svm import LinearSVM
from topfive.benchmark.data.images import LazyImages
from topfive.common.machine import cores

SIDE, DISTINCT, ROUNDS = 64, 2048, 5


def pictures(n: int) -> np.ndarray:
    """(n, 64, 64, 3) uint8: blurred noise, so that there are edges at every scale."""
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros((n, 3, SIDE, SIDE))
    for side in (4, 16, 64):
        noise = torch.rand((n, 3, side, side), generator=generator)
        total += torch.nn.functional.interpolate(noise, (SIDE, SIDE), mode="bilinear", align_corners=False)
    return total.div_(3).mul_(255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def seconds(call: Callable[[], Any], device: str, rounds: int = ROUNDS) -> float:
    """Of one call, the median; the first is left out."""
    taken = []
    for _ in range(rounds + 1):
        wait(device)
        begin = time.perf_counter()
        call()
        wait(device)
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken[1:]))


def wait(device: str) -> None:
    if not on_cpu(device):
        torch.cuda.synchronize(device)


def row(name: str, images: int, took: float, note: str = "") -> None:
    print(f"  {name:36s} {images / took:12,.0f} images/s {1e6 * took / images:9.1f} µs an image  {note}", flush=True)


def decode(images: LazyImages, size: int) -> None:
    for _ in images.batches(size, max_pixels=MAX_PIXELS):
        pass


def describe(name: str, rgb: torch.Tensor, encoder: Encoder) -> None:
    for _ in DESCRIPTORS[name](rgb, encoder.grid, encoder.dtype):
        pass


def contender(model: Any, pixels: np.ndarray, jpegs: list[bytes], n: int, device: str) -> None:
    arrays = LazyImages(lambda i: pixels[i % len(pixels)], n, n_jobs=cores())
    encoded = LazyImages(lambda i: simplejpeg.decode_jpeg(jpegs[i % len(jpegs)]), n, n_jobs=cores())
    grid = model.grid(SIDE, SIDE)
    begin = time.perf_counter()
    encoder = Encoder(model.channels(grid), grid, device=device).fit(arrays)
    wait(device)
    took = time.perf_counter() - begin
    print(f"\n{type(model).__name__}: {encoder.dim_:,} values, {sum(grid.n_patches(SIDE, SIDE))} patches an image,")
    print(f"  codebooks from {min(n, sampling.IMAGES):,} images in {took:.1f} s")

    size = min(n, BATCH if on_cpu(device) else BATCH * ON_GPU)
    batch = [pixels[i % len(pixels)] for i in range(size)]
    rgb = to_tensor(batch, device)
    for name, images in (("arrays", arrays), ("JPEGs", encoded)):
        took = seconds(partial(decode, images, size), "cpu", 1)
        row(f"batches of {name}, nothing else", n, took, f"{cores()} cores")
    row("stacked and copied to the device", size, seconds(lambda: to_tensor(batch, device), device))
    described = 0.0
    for name in dict.fromkeys(channel.descriptor for channel in encoder.channels):
        took = seconds(partial(describe, name, rgb, encoder), device)
        described += took
        row(f"descriptors: {name}", size, took)
    whole = seconds(lambda: encoder.encode(batch), device)
    row("descriptors and coding, queued and done", size, whole)
    row("coding alone (the difference)", size, max(whole - described, 1e-9))
    begin = time.perf_counter()
    vectors = encoder.encode(batch)
    row("  of which the host needs to queue it", size, time.perf_counter() - begin)
    row("float16 rows copied back, pinned", size, seconds(lambda: vectors.half().to("cpu", non_blocking=True), device))

    out = np.empty((n, encoder.dim_), dtype=np.float16)
    out[:] = 0  # memory that is there already, as in a second pass
    for name, images in (("arrays", arrays), ("JPEGs", encoded)):
        took = seconds(partial(extract, encoder.encode, images, np.arange(n), out, device=device), device, 1)
        row(f"EXTRACTION from {name}, end to end", n, took, f"{2e-9 * out.size / took:.1f} GB/s of rows")
    labels = np.arange(n) % 200
    begin = time.perf_counter()
    LinearSVM(solver="sgd", negative_weight=0.25, step=0.4, epochs=4, device=device).fit(out, labels)
    wait(device)
    took = time.perf_counter() - begin
    print(f"  SVM of 200 classes, 4 epochs and the copy of the rows: {took:.1f} s, {4 * n / took:,.0f} rows/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=16_384)
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    hardware = "CPU" if on_cpu(given.device) else torch.cuda.get_device_name(given.device)
    print(f"{hardware}, {cores()} cores, torch {torch.__version__}, {given.images:,} images of {SIDE} px")
    pixels = pictures(min(given.images, DISTINCT))
    jpegs = [simplejpeg.encode_jpeg(image, quality=90) for image in pixels]
    begin = time.perf_counter()
    contender(SiftFisher(), pixels, jpegs, given.images, given.device)
    contender(OxfordVgg(), pixels, jpegs, given.images, given.device)
    print(f"\n{time.perf_counter() - begin:.0f} s in all")


if __name__ == "__main__":
    main()
