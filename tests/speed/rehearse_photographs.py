"""Contenders on some thousand photographs: what each stage takes, and the memory at its peak, which stays below 2 GB.

    python tests/speed/rehearse_photographs.py FOLDER [-m xrce-2011 -m sift-fisher] [--images 3030] [--classes 20]

Writes JPEGs of about 300 × 200 pixels below FOLDER, crops of scikit-image's photographs at several scales, a tenth of
them for validation; then ``topfive run`` on them, two cells after each other. Memory is the process's own, as results
give it: mapped files are not counted. About 10 minutes for ``xrce-2011`` on two cores, 2 GB of disk. The errors say
nothing: crops of one photograph are in both parts.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import skimage.data

SOURCES = ("astronaut", "chelsea", "coffee", "rocket")


def write(folder: Path, n: int, classes: int) -> None:
    """n photographs below folder/train and folder/val."""
    random = np.random.default_rng(0)
    photos = [getattr(skimage.data, name)() for name in SOURCES]
    for i in range(n):
        photo = photos[i % len(photos)]
        height, width = int(random.integers(180, 241)), int(random.integers(260, 331))
        share = random.uniform(0.4, 1) * min(photo.shape[0] / height, photo.shape[1] / width)
        high, wide = int(height * share), int(width * share)
        top, left = random.integers(0, photo.shape[0] - high + 1), random.integers(0, photo.shape[1] - wide + 1)
        crop = cv2.resize(photo[top : top + high, left : left + wide], (width, height), interpolation=cv2.INTER_AREA)
        place = folder / ("val" if i % 10 == 0 else "train") / f"class{i // 10 % classes:02d}"
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{i:05d}.jpg"), crop[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("-m", "--method", action="append")
    parser.add_argument("--images", type=int, default=3030)
    parser.add_argument("--classes", type=int, default=20)
    given = parser.parse_args()
    data, output = given.folder / f"photographs-{given.images}", given.folder / "run"
    if not data.exists():
        write(data, given.images, given.classes)
    methods = [f"-m{method}" for method in given.method or ("sift-fisher", "xrce-2011")]
    command = [
        sys.executable,
        "-m",
        "topfive.benchmark",
        "run",
        "-d",
        str(data),
        "-o",
        str(output),
        "--fresh",
        *methods,
    ]
    with tempfile.TemporaryDirectory(prefix="cache-", dir=given.folder) as cache:
        subprocess.run(command, check=True, env={**os.environ, "TOPFIVE_CACHE": cache})
    with (output / "results.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            fit, predict = (float(row[f"{stage}_peak_rss_bytes"]) / 1e9 for stage in ("fit", "predict"))
            fitted, rate = float(row["fit_seconds"]), float(row["images_per_second"])
            print(
                f"{row['method']}: fit {fitted:.0f} s, {fit:.2f} GB; prediction {rate:.1f} images/s, {predict:.2f} GB"
            )


if __name__ == "__main__":
    main()
