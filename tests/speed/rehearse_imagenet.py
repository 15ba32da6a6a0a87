"""A rehearsal at ImageNet's full size: official archives of 1,281,167 + 50,000 small JPEGs, indexed, reopened, read.

    python tests/speed/rehearse_imagenet.py FOLDER [--train 1281167] [--val 50000] [--keep]

Needs about 2.5 GB below FOLDER, which is made and, without --keep, removed again. Each step runs in a fresh process, so
that its peak memory is its own. The floor beside the indexing is a bare loop that reads nothing but the tar headers.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

CLASSES = 1000
PIECES = 64


def small_jpegs() -> list[bytes]:
    random = np.random.default_rng(0)
    return [
        cv2.imencode(".jpg", cv2.resize(random.integers(0, 256, (3, 3, 3), np.uint8), (16, 16)))[1].tobytes()
        for _ in range(PIECES)
    ]


def distinct(pieces: list[bytes], name: str) -> bytes:
    """A JPEG with its own name in a comment, so that no two files are alike."""
    data = pieces[hash(name) % PIECES]
    comment = name.encode()
    return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


def member(name: str, data: bytes) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    yield info.tobuf(tarfile.USTAR_FORMAT)
    yield data
    yield b"\0" * (-len(data) % 512)


def write_archives(root: Path, train: int, val: int) -> None:
    import scipy.io

    pieces = small_jpegs()
    # Ids in the devkit's order are not sorted; here they are reversed.
    wnids = [f"n{10_000_000 + 37 * i:08d}" for i in reversed(range(CLASSES))]
    with open(root / "ILSVRC2012_img_train.tar", "wb") as outer:
        for c, wnid in enumerate(wnids):
            inner = io.BytesIO()
            for i in range(train // CLASSES + (c < train % CLASSES)):
                name = f"{wnid}_{i}.JPEG"
                inner.writelines(member(name, distinct(pieces, name)))
            inner.write(b"\0" * 1024)
            outer.writelines(member(f"{wnid}.tar", inner.getvalue()))
        outer.write(b"\0" * 1024)
    with open(root / "ILSVRC2012_img_val.tar", "wb") as archive:
        for i in range(1, val + 1):
            name = f"ILSVRC2012_val_{i:08d}.JPEG"
            archive.writelines(member(name, distinct(pieces, name)))
        archive.write(b"\0" * 1024)
    synsets = np.zeros((CLASSES, 1), [("ILSVRC2012_ID", object), ("WNID", object)])
    for i, wnid in enumerate(wnids):
        synsets[i, 0] = (np.array([[i + 1]]), wnid)
    meta = io.BytesIO()
    scipy.io.savemat(meta, {"synsets": synsets})
    truth = "".join(f"{i % CLASSES + 1}\n" for i in range(val)).encode()
    with tarfile.open(root / "ILSVRC2012_devkit_t12.tar.gz", "w:gz") as devkit:
        for name, data in (("meta.mat", meta.getvalue()), ("ILSVRC2012_validation_ground_truth.txt", truth)):
            info = tarfile.TarInfo(f"ILSVRC2012_devkit_t12/data/{name}")
            info.size = len(data)
            devkit.addfile(info, io.BytesIO(data))


def opening(root: Path) -> dict[str, float]:
    from topfive.benchmark.data import open_dataset

    started = time.perf_counter()
    data = open_dataset(str(root), n_jobs=os.cpu_count() or 1)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "images": len(data.train) + len(data.val), "peak_mb": peak_mb()}


def reading(root: Path) -> dict[str, float]:
    from topfive.benchmark.data import open_dataset

    data = open_dataset(str(root), n_jobs=os.cpu_count() or 1)
    order = np.random.default_rng(0).integers(0, len(data.train), 50_000)
    started = time.perf_counter()
    done = sum(len(batch) for batch in data.train.images.batches(256, side=16, order=order))
    return {"images_per_second": done / (time.perf_counter() - started), "peak_mb": peak_mb()}


def headers(root: Path) -> dict[str, float]:
    from topfive.benchmark.data.storage.tar import list_tar

    offsets = [list_tar(root / "ILSVRC2012_img_train.tar", nested=True), list_tar(root / "ILSVRC2012_img_val.tar")]
    started = time.perf_counter()
    for listed in offsets:
        file = os.open(listed.containers[0], os.O_RDONLY)
        for start in listed.offset.tolist():
            os.pread(file, 512, start - 512)
        os.close(file)
    return {"seconds": time.perf_counter() - started, "peak_mb": peak_mb()}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


STEPS = {"opening": opening, "reading": reading, "headers": headers}


def step(name: str, root: Path) -> dict[str, float]:
    environment = {**os.environ, "TOPFIVE_CACHE": str(root / ".cache")}
    done = subprocess.run(
        [sys.executable, __file__, str(root), "--step", name], env=environment, check=True, capture_output=True
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=1_281_167)
    parser.add_argument("--val", type=int, default=50_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--step", choices=STEPS)
    asked = parser.parse_args()
    if asked.step:
        print(json.dumps(STEPS[asked.step](asked.folder)))
        return
    asked.folder.mkdir(parents=True)
    try:
        started = time.perf_counter()
        write_archives(asked.folder, asked.train, asked.val)
        size = sum(file.stat().st_size for file in asked.folder.iterdir())
        print(
            f"wrote {asked.train:,} + {asked.val:,} images, {size / 1e9:.2f} GB: {time.perf_counter() - started:.0f} s"
        )
        first, again = step("opening", asked.folder), step("opening", asked.folder)
        print(f"first opening: {first['seconds']:.1f} s, peak memory {first['peak_mb']:.0f} MB")
        floor = step("headers", asked.folder)
        print(f"  the floor, a bare loop over the tar headers: {floor['seconds']:.1f} s")
        print(f"opening again: {again['seconds']:.2f} s, peak memory {again['peak_mb']:.0f} MB")
        random = step("reading", asked.folder)
        print(f"random reads: {random['images_per_second']:,.0f} images/s, peak memory {random['peak_mb']:.0f} MB")
    finally:
        if not asked.keep:
            shutil.rmtree(asked.folder)


if __name__ == "__main__":
    main()
