"""Small data sets on the disk, made by the tests; every test has a cache folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

WNIDS = ("n01443537", "n01629819", "n02123045")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("TOPFIVE_CACHE", str(folder))
    return folder


def picture(seed: int, height: int = 40, width: int = 52) -> np.ndarray:
    """A smooth picture that belongs to its seed alone: (height, width, 3) uint8 RGB."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def jpeg(seed: int, height: int = 40, width: int = 52) -> bytes:
    """The same as a JPEG file."""
    return cv2.imencode(".jpg", picture(seed, height, width)[..., ::-1])[1].tobytes()


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.fixture
def class_folders(tmp_path: Path) -> Callable[..., Path]:
    """make(name, splits, n): a folder per class with n images each, all different; splits may be empty."""

    def make(name: str, splits: tuple[str, ...] = (), n: int = 5, classes: tuple[str, ...] = ("cat", "dog")) -> Path:
        seed = 0
        for split in splits or ("",):
            for group in classes:
                for i in range(n):
                    write(tmp_path / name / split / group / f"{group}_{split}{i}.jpg", jpeg(seed := seed + 1))
        return tmp_path / name

    return make


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Three classes in Tiny ImageNet's layout, 4 + 2 images each."""
    root = tmp_path / "tiny-imagenet-3"
    write(root / "wnids.txt", "\n".join(reversed(WNIDS)) + "\n")
    write(
        root / "words.txt", "n01443537\tgoldfish, Carassius auratus\nn02123045\ttabby, tabby cat\nn00001740\tentity\n"
    )
    lines = []
    for c, wnid in enumerate(WNIDS):
        for i in range(4):
            write(root / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", jpeg(100 * c + i, 64, 64))
        for i in range(2):
            name = f"val_{3 * i + c}.JPEG"
            write(root / "val" / "images" / name, jpeg(1000 + 100 * c + i, 64, 64))
            lines.append(f"{name}\t{wnid}\t0\t0\t63\t63\n")
    write(root / "val" / "val_annotations.txt", "".join(lines))
    write(root / "test" / "images" / "test_0.JPEG", jpeg(5, 64, 64))
    return root
