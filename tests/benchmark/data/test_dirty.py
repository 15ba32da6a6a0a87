"""Dirty files: what is read all the same, what is left out, and that it is said."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from topfive.benchmark.data import decode as decoding
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.decode import Unreadable, decode, reduction, size
from topfive.benchmark.errors import InputError

RNG = np.random.default_rng(0)
PHOTO = cv2.resize(RNG.integers(0, 256, (5, 6, 3), np.uint8), (60, 40), interpolation=cv2.INTER_LINEAR)


def saved(image: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def jpeg() -> bytes:
    return saved(Image.fromarray(PHOTO), "JPEG", quality=95)


def claimed_png(height: int, width: int) -> bytes:
    """A PNG of a few bytes that claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))
    return b"".join(parts)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_formats_are_told_by_content(form):
    options = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "JPEG" else {}
    data = saved(Image.fromarray(PHOTO).quantize(16) if form == "GIF" else Image.fromarray(PHOTO), form, **options)
    assert size(data) == (40, 60)
    reference = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.abs(decode(data).astype(int) - reference).max() <= (1 if form == "JPEG" else 0)


def test_grey_palette_alpha_and_16_bits_become_rgb():
    grey = PHOTO[..., 0]
    for data in (
        saved(Image.fromarray(grey), "PNG"),
        cv2.imencode(".png", grey.astype(np.uint16) * 256 + 7)[1].tobytes(),
    ):
        assert np.array_equal(decode(data), np.repeat(grey[..., None], 3, axis=2))
    palette = Image.fromarray(PHOTO).quantize(32)
    assert np.array_equal(decode(saved(palette, "PNG")), np.asarray(palette.convert("RGB")))
    alpha = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 40, np.uint8)])
    assert np.array_equal(decode(saved(Image.fromarray(alpha), "PNG")), PHOTO)
    cmyk = saved(Image.fromarray(PHOTO).convert("CMYK"), "JPEG", quality=98)
    assert np.abs(decode(cmyk).astype(int) - PHOTO).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(PHOTO), "JPEG", quality=95, exif=exif)
    plain = decode(jpeg())
    upright = {
        1: plain,
        2: plain[:, ::-1],
        3: plain[::-1, ::-1],
        4: plain[::-1],
        5: plain.transpose(1, 0, 2),
        6: np.rot90(plain, -1),
        7: plain.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(plain),
    }[orientation]
    assert np.array_equal(decode(data), upright)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"<html>404</html>", "not an image"),
        (jpeg()[:-2], "truncated"),
        (jpeg()[:600], "header is damaged|truncated"),
        (jpeg()[:3], "header is damaged"),
        (saved(Image.fromarray(PHOTO), "PNG")[:-40], "truncated"),
        (claimed_png(50_000, 50_000), "refused before decoding"),
        (claimed_png(0, 10), "10 × 0 pixels"),
    ],
)
def test_reasons(data, reason):
    with pytest.raises(Unreadable, match=reason):
        decode(data)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_libjpeg_turbo_alone_gives_the_pixels_of_opencv(mode, subsampling, progressive, monkeypatch):
    noise = Image.fromarray(cv2.resize(RNG.integers(0, 256, (50, 67, 3), np.uint8), (601, 447)))
    data = saved(noise.convert(mode), "JPEG", quality=90, subsampling=subsampling, progressive=progressive)
    for side in (447, 223, 111, 40):
        quick = decode(data, side)
        with monkeypatch.context() as patch:
            patch.setattr(decoding, "_may_be_turned", lambda data: True)
            assert np.array_equal(decode(data, side), quick)


def test_reduced_decoding_never_goes_below_what_is_asked():
    assert [reduction(500, 400, side, None) for side in (401, 400, 201, 200, 100, 50, 10)] == [1, 1, 1, 2, 4, 8, 8]
    assert [reduction(400, 400, None, pixels) for pixels in (160_000, 40_000, 39_999, 10_000)] == [1, 2, 2, 4]
    data = cv2.imencode(".jpg", cv2.resize(PHOTO, (601, 399)))[1].tobytes()
    small = decode(data, side=100)
    assert small.shape == (133, 201, 3) or small.shape == (100, 151, 3)
    full = cv2.resize(decode(data), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - full).mean() < 2


@pytest.fixture
def dirty(class_folders):
    """200 good images in two classes, and one of each kind of trouble among them."""
    root = class_folders("dirty", ("train", "val"), n=50)
    cats = root / "train" / "cat"
    (cats / "empty.jpg").write_bytes(b"")
    (cats / "text.JPEG").write_text("not found")
    (root / "val" / "dog" / "cut.jpg").write_bytes(jpeg()[:-9])
    (root / "val" / "dog" / "bomb.png").write_bytes(claimed_png(60_000, 60_000))
    (cats / "png_inside.JPEG").write_bytes(saved(Image.fromarray(PHOTO), "PNG"))
    (cats / "notes.txt").write_text("ignored")
    (cats / ".hidden.jpg").write_bytes(b"ignored")
    return root


def test_unreadable_images_stop_the_run_unless_allowed(dirty):
    with pytest.raises(InputError, match=r"4 of 205 images cannot be read.*allow_unreadable=true") as caught:
        open_dataset(str(dirty))
    assert "\n" not in str(caught.value)
    for _ in range(2):  # found, and again from the index
        data = open_dataset(str(dirty), allow_unreadable=True)
        assert [(bad.split, bad.id) for bad in data.problems] == [
            ("train", "empty"),
            ("train", "text"),
            ("val", "bomb"),
            ("val", "cut"),
        ]
        assert data.problems[0].reason == "empty file"
        assert (len(data.train), len(data.val)) == (101, 100)
        assert "4 of 205 images cannot be read" in " ".join(data.notes)
        assert sum(len(batch) for batch in data.train.images.batches(32, side=16)) == 101
    place = list(data.train.ids).index("png_inside")
    assert np.array_equal(data.train.images[place], PHOTO)


def test_leakage_is_found_by_bytes(class_folders):
    root = class_folders("pets", ("train", "val"))
    same = (root / "train" / "dog" / "dog_train3.jpg").read_bytes()
    (root / "val" / "dog" / "dog_val1.jpg").write_bytes(same)
    note = open_dataset(str(root)).notes[0]
    assert "1 of the validation images is" in note
    assert "dog_val1 = dog_train3" in note


def test_equal_ends_alone_are_no_leakage(class_folders):
    """Two large files that differ in the middle only share a digest, and are told apart by their bytes."""
    root = class_folders("pets", ("train", "val"))
    big = saved(Image.fromarray(RNG.integers(0, 256, (120, 120, 3), np.uint8)), "BMP")
    other = bytearray(big)
    other[len(big) // 2] ^= 1
    (root / "train" / "cat" / "one.bmp").write_bytes(big)
    (root / "val" / "cat" / "two.bmp").write_bytes(other)
    assert open_dataset(str(root)).notes == ()


def test_a_file_that_breaks_later_is_named(class_folders):
    root = class_folders("pets", ("train", "val"))
    data = open_dataset(str(root))
    (root / "train" / "cat" / "cat_train0.jpg").write_bytes(b"x" * 10)
    with pytest.raises(InputError, match=r"cat_train0\.jpg: only 10 of"):
        data.train.images[0]
