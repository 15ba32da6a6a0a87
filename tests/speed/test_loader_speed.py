"""Decode and resize to 256 against a bare libjpeg-turbo loop and the usual PIL ImageFolder + DataLoader path.

All read the same full-size ILSVRC photographs (TOPFIVE_SHARED) from memory or the page cache, with as many workers as
there are cores, in alternating rounds of one process run; the median of the rounds' ratios is printed. The peer of the
first row only decodes; ours decodes, resizes and crops; the floor does what ours must do, by bare calls on bytes in
memory. Nothing here fails a build.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.tools.pack import pack
from torch.utils.data import DataLoader, Dataset

ROUNDS = 5
REPEATS = 24  # of the 56 photographs in an epoch, so that its end, when a core runs dry, counts for little
SIDE = 256
CORES = os.cpu_count() or 1


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples as train/ and val/ of two classes; hard links would share inodes, copies are honest."""
    shared = os.environ.get("TOPFIVE_SHARED")
    if not shared or not (Path(shared) / "ilsvrc-samples").is_dir():
        pytest.skip("set TOPFIVE_SHARED to the folder that holds ilsvrc-samples/")
    root = tmp_path_factory.mktemp("ilsvrc")
    os.environ["TOPFIVE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    samples = sorted((Path(shared) / "ilsvrc-samples").glob("*.JPEG"))
    for i, sample in enumerate(samples):
        for split in ("train", "val") if i < 2 else ("train",):
            target = root / split / f"class{i % 2}"
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample, target / sample.name)
    return root


class Folder(Dataset[np.ndarray]):
    """What torchvision's ImageFolder does with Resize(256) and CenterCrop(256), which is not installed here."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, i: int) -> np.ndarray:
        with open(self.files[i], "rb") as file:
            image = Image.open(file).convert("RGB")
        scale = SIDE / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
        left, top = (image.width - SIDE) // 2, (image.height - SIDE) // 2
        return np.asarray(image.crop((left, top, left + SIDE, top + SIDE)))


def compare(title: str, ours: Callable[[], int], peer: Callable[[], int], *, same_process: bool = True) -> None:
    """Alternate both, print the median ratio of their images per second; and of CPU time, which load disturbs less."""
    ours(), peer()
    ratios, rates, cpu_ratios = [], [], []
    for _ in range(ROUNDS):
        seconds, cpu_seconds = [], []
        for run in (ours, peer):
            started, cpu_started = time.perf_counter(), time.process_time()
            done = run()
            seconds.append((time.perf_counter() - started) / done)
            cpu_seconds.append((time.process_time() - cpu_started) / done)
        ratios.append(seconds[1] / seconds[0])
        rates.append(1 / seconds[0])
        cpu_ratios.append(cpu_seconds[1] / cpu_seconds[0])
    by_cpu = f", by CPU time {statistics.median(cpu_ratios):.2f} ×" if same_process else ""
    print(
        f"\n{title}: {statistics.median(ratios):.2f} × (rounds {min(ratios):.2f} to {max(ratios):.2f}){by_cpu}; "
        f"ours {statistics.median(rates):,.0f} images/s, {CORES} cores"
    )


def epoch(images: object, order: np.ndarray, side: int) -> Callable[[], int]:
    return lambda: sum(len(batch) for batch in images.batches(16, side=side, order=order))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def train(photographs: Path):
    data = open_dataset(str(photographs), n_jobs=CORES).train.images
    return data, np.tile(np.arange(len(data)), REPEATS)


def test_decode_against_bare_libjpeg_turbo(photographs, train):
    images, order = train
    files = [file.read_bytes() for file in sorted((photographs / "train").rglob("*.JPEG"))] * REPEATS

    def decode(data: bytes) -> int:
        return len(simplejpeg.decode_jpeg(data, "RGB")) > 0

    def decode_and_resize(data: bytes) -> int:
        image = simplejpeg.decode_jpeg(data, "RGB")
        height, width = image.shape[:2]
        top, left = max(0, height - width) // 2, max(0, width - height) // 2
        square = image[top : height - top, left : width - left]
        return len(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)) > 0

    def all_files(work: Callable[[bytes], int]) -> Callable[[], int]:
        def run() -> int:
            with ThreadPoolExecutor(CORES) as pool:
                return sum(pool.map(work, files))

        return run

    compare("decode + resize to 256 over a bare simplejpeg decode", epoch(images, order, SIDE), all_files(decode))
    compare(
        "the floor: bare simplejpeg + cv2.resize over the bare decode", all_files(decode_and_resize), all_files(decode)
    )


def test_against_pil_and_dataloader(photographs, train):
    images, order = train
    files = sorted((photographs / "train").rglob("*.JPEG")) * REPEATS
    loader = DataLoader(
        Folder(files), batch_size=16, num_workers=CORES, collate_fn=np.stack, multiprocessing_context="fork"
    )
    compare(
        "decode + resize to 256 over PIL ImageFolder + DataLoader",
        epoch(images, order, SIDE),
        lambda: sum(len(batch) for batch in loader),
        same_process=False,
    )


def test_reduced_decoding_and_packs(photographs, train, tmp_path):
    images, order = train
    compare("side 64 over side 256", epoch(images, order, 64), epoch(images, order, SIDE))
    packed = open_dataset(str(pack(str(photographs), SIDE, str(tmp_path / "p.pack"))), n_jobs=CORES).train.images
    compare("a pack of side 256 over the originals", epoch(packed, order, SIDE), epoch(images, order, SIDE))
