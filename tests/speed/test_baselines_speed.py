"""Descriptors, encoders and the SVM against named peers: one process, the same input, alternating rounds.

Prints the median ratio and what bounds ours. Never fails a build: a shared machine says little in one run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
import skimage.feature
import torch
from sklearn.mixture import GaussianMixture
from sklearn.svm import LinearSVC
from topfive.baselines.color import grey
from topfive.baselines.compute import product_dtype
from topfive.baselines.encoder import Encoder
from topfive.baselines.extraction import extract
from topfive.baselines.fisher import fisher_vectors
from topfive.baselines.gmm import GMM
from topfive.baselines.grid import Grid, axis, positions
from topfive.baselines.hog import hog
from topfive.baselines.lbp import lbp_histogram
from topfive.baselines.pca import PCA
from topfive.baselines.presets import OxfordVgg
from topfive.baselines.sampling import POSITION_SCALE
from topfive.baselines.sift import dense_sift, octave_of
from topfive.baselines.svm import LinearSVM
from topfive.baselines.vocabulary import Learned
from topfive.benchmark.data.images import LazyImages

DTYPE = product_dtype("cpu")


def duel(name: str, ours: Callable[[], object], theirs: Callable[[], object], wanted: str, floor: str) -> None:
    """Alternate seven rounds of each, a round as long for both; print the median of the ratios."""
    seconds_of(ours, 0.2)
    ratios, best = [], float("inf")
    for _ in range(7):
        slow, quick = seconds_of(theirs, 0.2), seconds_of(ours, 0.2)
        ratios.append(slow / quick)
        best = min(best, quick)
    ratio = float(np.median(ratios))
    print(f"\n{name}: {ratio:.1f}× (wanted {wanted}); ours {1e3 * best:.2f} ms; floor: {floor}", flush=True)


def seconds_of(call: Callable[[], object], at_least: float) -> float:
    """Seconds of one call, the mean over ``at_least`` seconds of them."""
    time.sleep(0.1)  # the threads of the other's libraries stop waiting for work
    call()
    begin = end = time.perf_counter()
    n = 0
    while end - begin < at_least:
        call()
        n, end = n + 1, time.perf_counter()
    return (end - begin) / n


def gflops() -> float:
    """What a square product reaches here, in the dtype used, in GFLOP/s."""
    a = torch.randn(1024, 1024).to(DTYPE)
    a @ a
    begin = time.perf_counter()
    for _ in range(4):
        a @ a
    return 4 * 2 * 1024**3 / (time.perf_counter() - begin) / 1e9


def photographs(n: int, height: int, width: int) -> np.ndarray:
    """(n, height, width, 3) uint8 crops of a photograph."""
    image = cv2.resize(skimage.data.astronaut(), (max(512, width), max(512, height)))
    rng = np.random.default_rng(0)
    tops = rng.integers(0, image.shape[0] - height + 1, n)
    lefts = rng.integers(0, image.shape[1] - width + 1, n)
    return np.stack([image[t : t + height, x : x + width] for t, x in zip(tops, lefts, strict=True)])


def tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255).contiguous()


@pytest.mark.parametrize(
    ("n", "height", "width", "grid", "wanted"),
    [
        (1, 360, 480, Grid((4.0, 6.0, 8.0, 12.0), 4.0), "25×"),
        (32, 64, 64, Grid((2.0, 3.0, 4.0), 3.0), "5×"),
    ],
)
def test_sift(n: int, height: int, width: int, grid: Grid, wanted: str) -> None:
    images = photographs(n, height, width)
    luma = grey(tensor(images))
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    points = [
        cv2.KeyPoint(float(x - 0.5), float(y - 0.5), float(cell / 1.5), 0.0)
        for cell in grid.cells
        for y in axis(height, cell, grid.step).centres
        for x in axis(width, cell, grid.step).centres
    ]
    sift = cv2.SIFT_create()
    flops = 0.0
    for cell in grid.cells:
        shrink = 2 ** octave_of(cell)
        rows, columns = (axis(side, cell, grid.step, shrink=shrink) for side in (height, width))
        down = sum(block.size for _, _, block in rows.blocks) * width // shrink
        flops += 2 * 8 * n * (down + len(rows.matrix) * columns.matrix.size)
    out_bytes = n * len(points) * 128 * 2
    floor = f"{flops / gflops() / 1e6:.2f} ms of products, {out_bytes / 1e6:.0f} MB of patches written and scaled"
    duel(
        f"SIFT {n} × {height}×{width}, {len(points)} patches each, against cv2.SIFT.compute",
        lambda: dense_sift(luma, grid, dtype=DTYPE),
        lambda: [sift.compute(image, points) for image in greys],
        wanted,
        floor,
    )


def test_hog() -> None:
    images = photographs(64, 64, 64)
    rgb = tensor(images)
    duel(
        "HOG of 64 images of 64×64 against skimage.feature.hog",
        lambda: hog(rgb),
        lambda: [
            skimage.feature.hog(i, 9, (8, 8), (2, 2), "L2-Hys", transform_sqrt=True, channel_axis=2) for i in images
        ],
        "10×",
        f"{rgb.nbytes * 8 / 1e6:.0f} MB of gradients and votes through memory",
    )


def test_lbp() -> None:
    images = photographs(64, 64, 64)
    luma = grey(tensor(images)) * 255
    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
    duel(
        "LBP of 64 images of 64×64 against skimage local_binary_pattern + histogram",
        lambda: lbp_histogram(luma),
        lambda: [np.histogram(skimage.feature.local_binary_pattern(g, 8, 1, "nri_uniform"), 59) for g in greys],
        "5×",
        f"{luma.nbytes * 12 / 1e6:.0f} MB of comparisons through memory",
    )


def test_fisher() -> None:
    rng = np.random.default_rng(0)
    n, patches, dims, k = 16, 974, 66, 64
    x = rng.normal(size=(n, patches, dims)).astype(np.float32)
    theirs = GaussianMixture(k, covariance_type="diag")
    theirs.weights_, theirs.means_ = np.full(k, 1 / k), rng.normal(size=(k, dims))
    theirs.covariances_ = np.ones((k, dims))
    theirs.precisions_cholesky_ = np.ones((k, dims))
    gmm = GMM(*(torch.tensor(a, dtype=torch.float32) for a in (theirs.weights_, theirs.means_, theirs.covariances_)))
    batch = torch.from_numpy(x)
    flops = n * patches * k * 2 * dims * 2 * 2
    duel(
        "Fisher vectors of 16 × 974 patches, K = 64, against skimage.feature.fisher_vector",
        lambda: fisher_vectors(batch, gmm, dtype=DTYPE),
        lambda: [skimage.feature.fisher_vector(one, theirs) for one in x],
        "10×",
        f"{flops / gflops() / 1e6:.2f} ms of products",
    )


def test_svm() -> None:
    rng = np.random.default_rng(0)
    n, dims, classes = 4000, 1024, 200
    centres = rng.normal(size=(classes, dims))
    labels = rng.integers(0, classes, n + 1000)
    rows = centres[labels] + 6.0 * rng.normal(size=(n + 1000, dims))  # noise that leaves much to get wrong
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    begin = time.perf_counter()
    ours = LinearSVM(solver="sgd").fit(rows[:n], labels[:n])
    middle = time.perf_counter()
    theirs = LinearSVC(C=1.0, tol=1e-2, max_iter=200, dual=True).fit(rows[:n], labels[:n])
    end = time.perf_counter()
    errors = [float((model.predict(rows[n:]) != labels[n:]).mean()) for model in (ours, theirs)]
    flops = 4.0 * n * dims * classes
    print(
        f"\nSVM of {n} × {dims}, {classes} classes, tuning included, against LinearSVC at one C: "
        f"{(end - middle) / (middle - begin):.1f}× (wanted 10×); ours {middle - begin:.1f} s, error {errors[0]:.1%} "
        f"against {errors[1]:.1%}; floor: {flops / gflops() / 1e6:.0f} ms of products an epoch",
        flush=True,
    )


def test_oxford_extraction() -> None:
    pixels = photographs(640, 64, 64)
    images = LazyImages.from_array(pixels)
    model = OxfordVgg(k=64)
    grid = model.grid(64, 64)
    encoder = Encoder(model.channels(grid), grid).fit(images)
    out = np.empty((len(images), encoder.dim_), dtype=np.float16)
    rates = []
    for _ in range(3):
        begin = time.perf_counter()
        extract(encoder.encode, images, np.arange(len(images)), out, device="cpu")
        rates.append(len(images) / (time.perf_counter() - begin))
    patches = len(positions(64, 64, grid))
    flops = 2 * patches * (64 * 132 * 2 * 2 + 224 * 64)
    print(
        f"\noxford-vgg-2012 extraction at 64×64, K = 64: {np.median(rates):.0f} images/s on {os.cpu_count()} cores "
        f"(wanted 500); floor: {1e9 * gflops() / flops:.0f} images/s for the products alone",
        flush=True,
    )


@pytest.mark.parametrize("k", [64, 256, 1024])
def test_photographs(k: int) -> None:
    """What the table for the full ILSVRC-2012 in docs/measurements.md is projected from."""
    pixels = photographs(16, 274, 365)
    images = LazyImages.from_array(pixels)
    channels = OxfordVgg(k=k).channels(Grid.for_size(274, 365))
    encoder = Encoder(channels, Grid.for_size(274, 365))
    generator = torch.Generator().manual_seed(0)
    encoder.learned_ = {}
    for channel, width in zip(channels, (128, 96), strict=True):  # the values do not matter here
        gmm = GMM(torch.full((k,), 1 / k), torch.randn((k, 66), generator=generator), torch.ones(k, 66))
        pca = PCA(torch.zeros(width), torch.randn((width, 64), generator=generator) / width**0.5)
        encoder.learned_[channel.vocabulary] = Learned(pca, POSITION_SCALE, gmm)
    out = np.empty((len(images), 2 * 2 * 66 * k), dtype=np.float16)
    rates = []
    for _ in range(3):
        begin = time.perf_counter()
        extract(encoder.encode, images, np.arange(len(images)), out, device="cpu")
        rates.append(len(images) / (time.perf_counter() - begin))
    rate = float(np.median(rates))
    print(
        f"\nSIFT + LCS Fisher vectors at 274×365, K = {k}: {rate:.2f} images/s on {os.cpu_count()} cores, "
        f"1,281,167 in {1_281_167 / rate / 3600:.0f} hours",
        flush=True,
    )


@pytest.mark.parametrize("classes", [200, 1000])
def test_svm_rate(classes: int) -> None:
    """Rows that a step of training gets through, Fisher vectors of K = 64 at 66 dimensions, two descriptors."""
    n, dims = 2048, 2 * 2 * 64 * 66
    rows = torch.nn.functional.normalize(torch.randn(n, dims), dim=1).half().numpy()
    labels = np.arange(n) % classes
    begin = time.perf_counter()
    LinearSVM(solver="sgd", negative_weight=0.25, step=0.4, epochs=3).fit(rows, labels)
    rate = 3 * n / (time.perf_counter() - begin)
    floor = gflops() * 1e9 / (4 * dims * classes)
    print(
        f"\nSVM, {dims} values, {classes} classes: {rate:,.0f} rows/s; floor: {floor:,.0f} rows/s of products",
        flush=True,
    )
