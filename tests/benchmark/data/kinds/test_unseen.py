"""Nothing is dropped unseen: images whatever their ending, and everything that is not read counted and named."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.decode import Unreadable, decode
from topfive.benchmark.data.storage import formats
from topfive.benchmark.data.storage.formats import kind_of
from topfive.benchmark.data.storage.left_out import STUB, LeftOut, Tally
from topfive.benchmark.data.tools.inspect import inspect
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import count, folders, picture_file, pixels_of, reasons, tar, zipped

HEIC = b"\0\0\0\x18ftypheic" + bytes(100)


@pytest.fixture
def no_heic(monkeypatch):
    """As where the extra for HEIC is not installed."""
    formats.reads.cache_clear()
    monkeypatch.setattr(formats.importlib.util, "find_spec", lambda name: None)
    yield
    formats.reads.cache_clear()


def test_unseen_files(tmp_path, no_heic):
    root = folders(tmp_path / "a")
    for i in range(10):
        write(root / f"bird/IMG_{i}.HEIC", HEIC)
        write(root / f"fish/{i:04}", picture_file(5000 + i))
    for i in range(5):
        write(root / f"cat/w{i}.avif", picture_file(6000 + i, "AVIF"))
        (root / f"cat/cat_{i}.jpg").rename(root / f"cat/.cat_{i}.jpg.icloud")
    (root / "cow").mkdir()
    write(root / "ewe/.1.jpg.icloud", b"x")
    data = open_dataset(str(root))
    assert {name: len(images) for name, images in pixels_of(data).items()} == {"cat": 10, "dog": 10, "fish": 10}
    assert reasons(data) == {"HEIC, which needs pip install 'topfive[heic]'": 10, STUB: 6}
    told = " ".join(data.notes)
    assert "10 files: HEIC, which needs pip install 'topfive[heic]' (for instance bird/IMG_0.HEIC)" in told
    assert "No class, for want of images: bird (nothing that is read), cow (empty), ewe (empty)." in told
    seen = inspect(str(root))
    assert seen.splits["all"].formats == {"JPEG": 25, "AVIF": 5}
    assert "10 HEIC, which needs" in seen.text()
    files = [(str(file.relative_to(root)), file.read_bytes()) for file in sorted(root.rglob("*")) if file.is_file()]
    archive = tar(tmp_path / "a.tar", files)
    assert open_dataset(str(archive)).fingerprint == data.fingerprint


ENDINGS = (
    *(("", "JPEG"), (".dat", "PNG"), (".JPG_large", "JPEG")),
    *((".pgm", "PPM"), (".ppm", "PPM"), (".jp2", "JPEG2000")),
)


def test_images_without_or_with_odd_endings(tmp_path):
    for c, name in enumerate(("cat", "dog")):
        for i, (ending, form) in enumerate(ENDINGS):
            write(tmp_path / f"x/{name}/{i}{ending}", picture_file(10 * c + i, form))
        write(tmp_path / f"x/{name}/notes.txt", "BM is how a bitmap begins")
        write(tmp_path / f"x/{name}/P6.txt", "P6")
    files = [(str(f.relative_to(tmp_path)), f.read_bytes()) for f in sorted(tmp_path.rglob("*")) if f.is_file()]
    paths = [tmp_path / "x", tar(tmp_path / "x.tar", files), zipped(tmp_path / "x.zip", files)]
    for path in paths:
        data = open_dataset(str(path))
        assert {name: len(images) for name, images in pixels_of(data).items()} == {"cat": 6, "dog": 6}
        assert reasons(data) == {"no image": 4}
        assert not data.problems
    assert len({open_dataset(str(path)).fingerprint for path in paths}) == 1


@pytest.mark.parametrize(
    ("name", "head", "form"),
    [
        ("a.CR2", b"II*\0", "camera raw"),
        ("a.jxl", b"\xff\x0a", "JPEG XL"),
        ("a", b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "HEIC"),
        ("a", b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1", "AVIF"),
        ("a.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0isom", None),
        ("a.psd", b"8BPS\0\1", "Photoshop"),
        ("a", b"<?xml version='1.0'?>\n<svg width='1'>", "SVG"),
        ("a.html", b"<html><body><svg></svg>", None),
        ("a.tga", b"", "TGA"),
        ("a.txt", b"BM text that begins so", None),
        ("a", b"BM" + bytes(12) + b"\x28\0\0\0", "BMP"),
        ("a.npy", b"\x93NUMPY", None),
    ],
)
def test_formats_by_content_and_ending(name, head, form):
    assert kind_of(name, head) == form


def test_other_formats_are_named(tmp_path):
    root = folders(tmp_path / "a")
    write(root / "cat/raw.NEF", b"II*\0" + bytes(50))
    write(root / "cat/x.jxl", b"\xff\x0a" + bytes(50))
    write(root / "dog/x.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    data = open_dataset(str(root))
    assert sorted(one.split(",")[0] for one in reasons(data)) == ["JPEG XL", "SVG", "camera raw"]
    assert len(data.notes) == 4


def test_avif_is_read_as_it_is_seen(tmp_path):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)).resize((80, 60))
    file = io.BytesIO()
    image.save(file, "AVIF", quality=95)
    pixels = decode(file.getvalue())
    assert pixels.shape == (60, 80, 3)
    assert np.abs(pixels.astype(int) - np.asarray(image)).mean() < 3
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "AVIF", quality=95, exif=exif.tobytes())
    assert np.abs(decode(file.getvalue()).astype(int) - np.rot90(np.asarray(image), -1)).mean() < 3
    with pytest.raises(Unreadable, match=r"truncated or damaged|header is damaged"):
        decode(file.getvalue()[:-300])


def test_heic_is_read_with_the_extra(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)).resize((80, 64))
    file = io.BytesIO()
    heif.register_heif_opener()
    image.save(file, "HEIF", quality=100)
    assert np.abs(decode(file.getvalue()).astype(int) - np.asarray(image)).mean() < 5
    for i in range(5):
        for name in ("cat", "dog"):
            write(tmp_path / name / f"{name}{i}.HEIC", file.getvalue())
    with pytest.raises(InputError, match="has no validation images"):  # all are copies of one
        open_dataset(str(tmp_path))


def test_heic_under_the_name_of_a_jpeg_says_what_it_is(tmp_path, no_heic):
    root = folders(tmp_path / "a")
    write(root / "cat/phone.jpg", HEIC)
    data = open_dataset(str(root), allow_unreadable=True)
    assert [bad.reason for bad in data.problems] == ["HEIC, which needs pip install 'topfive[heic]'"]


def test_backups_that_programs_make_are_no_images(tmp_path):
    root = folders(tmp_path / "a")
    fingerprint = open_dataset(str(root)).fingerprint
    for end in ("_original", "~", ".bak"):
        write(root / f"cat/cat_0.jpg{end}", picture_file(77))
    write(root / "cat/alone_original", picture_file(78))
    data = open_dataset(str(root))
    assert reasons(data) == {"a copy that a program made before it changed the image": 3}
    assert data.fingerprint != fingerprint
    assert "alone_original" in {name.rpartition("/")[2] for name in (*data.train.ids, *data.val.ids)}


def test_left_out_reaches_the_data_set_and_the_index(tmp_path):
    root = folders(tmp_path / "a")
    write(root / "readme.txt", "x")
    write(root / "stray.jpg", picture_file(9))
    for _ in range(2):  # found, and from the index
        data = open_dataset(str(root))
        assert data.left_out == (
            LeftOut("in no class folder", 1, "stray.jpg"),
            LeftOut("no image", 1, "readme.txt", told=False),
        )
        assert data.notes[-1] == "Not used: 1 file: in no class folder (for instance stray.jpg)."
        assert count(data.val, data.classes) == {"cat": 2, "dog": 2}


def test_a_tally_adds_up():
    tally = Tally([LeftOut("a", 2, "y")], [LeftOut("b", 1, "z", False)])
    tally.add("a", "x", 3)
    tally.add("a", "caf\udce9", 0)
    assert tally.all() == (LeftOut("a", 5, "x"), LeftOut("b", 1, "z", False))
    tally.add("b", "\udce9")
    assert tally.all()[1].example == "\\xe9"
