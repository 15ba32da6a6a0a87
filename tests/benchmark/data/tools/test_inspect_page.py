"""The page of ``inspect``: the numbers of the text, a picture of every class, and both pictures of every leak."""

from __future__ import annotations

import base64
import re
import shutil

import cv2
import numpy as np
import pytest
from topfive.benchmark.data.images import fit_side
from topfive.benchmark.data.tools.inspect import inspect
from topfive.benchmark.data.tools.inspect_page import SIDE, write_page
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import write
from tests.benchmark.data.made import folders, picture_file


def pictures(page: str, heading: str) -> list[np.ndarray]:
    part = page.partition(f'id="{heading}"')[2].partition("<h2")[0]
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', part)
    return [cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR_RGB) for data in found]


def expected(data: bytes) -> np.ndarray:
    return fit_side(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), SIDE)


def test_the_page(tmp_path):
    root = tmp_path / "<b>set</b>"
    folders(root / "train", ("<i>cat", "dog"), k=12)
    folders(root / "val", ("<i>cat", "dog"), k=2, start=50)
    leak = root / "train/dog/dog_3.jpg"
    shutil.copy(leak, root / "val/dog/leak.jpg")
    write(root / "train/dog/x.jxl", b"\xff\x0a")
    write(root / "train/dog/bad<u>.jpg", b"")
    seen = write_page(str(root), str(tmp_path / "page.html"))
    assert seen == inspect(str(root))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for tag in ("<b>", "<i>c", "<u>"):
        assert tag not in page
    assert "&lt;i&gt;cat" in page
    assert 'style="width:80.00%"></i>13 train' in page  # dog, with the bad one
    assert "JPEG XL, which is not read" in page
    assert "bad&lt;u&gt;" in page
    assert "Cannot be used as it is." in page
    assert "http" not in re.sub(r"data:image/jpeg;base64,[^\"]+", "", page)
    assert len(pictures(page, "pictures")) == 16
    left, right = pictures(page, "leaks")
    assert np.abs(left.astype(int) - expected(leak.read_bytes())).mean() < 20
    assert np.array_equal(left, right)


def test_a_set_without_splits_and_one_with_a_name(tmp_path):
    root = folders(tmp_path / "set", k=10)
    write(root / "cat/again.png", picture_file(0, "PNG"))
    write_page(str(root), str(tmp_path / "a.html"))
    assert len(pictures((tmp_path / "a.html").read_text(encoding="utf-8"), "pictures")) == 16
    write_page("photos", str(tmp_path / "b.html"))
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert len(pictures(page, "pictures")) == 20 * 8
    assert "Nothing: every file is an image" in page


def test_a_place_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        write_page("photos", str(tmp_path / "no/page.html"))
