"""A layout is one file and its line: a made-up one is opened, and kept by the index like any other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.layouts import LAYOUTS
from topfive.benchmark.data.layouts.rows import Rows, add, from_rows
from topfive.benchmark.data.storage.found import Found
from topfive.benchmark.data.storage.location import Location
from topfive.benchmark.errors import InputError

from tests.benchmark.data.conftest import jpeg, picture, write


class Suits:
    """The class is the last letter of the name, and hearts.txt lies beside them."""

    reads = 0

    def matches(self, location: Location) -> bool:
        return location.tree.has("hearts.txt")

    def read(self, location: Location) -> Found:
        self.reads += 1
        rows: dict[str, Rows] = {"all": ([], [])}
        for i in location.tree.images:
            add(rows["all"], i, location.tree.names[i][-5])
        return from_rows(location.tree, "suits", rows, class_names=("hearts", "spades"))


@pytest.fixture
def suits() -> Iterator[Suits]:
    layout = Suits()
    LAYOUTS.insert(0, layout)
    yield layout
    LAYOUTS.remove(layout)


def test_a_new_layout_is_opened(tmp_path, suits):
    for i in range(10):
        write(tmp_path / f"cards/{i}{'hs'[i % 2]}.jpg", jpeg(i))
    with pytest.raises(InputError, match="no folder per class"):
        open_dataset(str(tmp_path / "cards"))
    write(tmp_path / "cards/hearts.txt", "")
    for _ in range(2):
        data = open_dataset(str(tmp_path / "cards"))
        assert data.layout == "suits"
        assert data.class_names == ("hearts", "spades")
        for split in (data.train, data.val):
            assert [data.classes[label] for label in split.labels] == [name[-1] for name in split.ids]
    assert np.abs(data.train.images[0].astype(int) - picture(int(data.train.ids[0][0]))).mean() < 10
    assert suits.reads == 1


def test_another_version_of_the_loader_looks_anew(tmp_path, suits, monkeypatch):
    for i in range(10):
        write(tmp_path / f"cards/{i}{'hs'[i % 2]}.jpg", jpeg(i))
    write(tmp_path / "cards/hearts.txt", "")
    open_dataset(str(tmp_path / "cards"))
    monkeypatch.setattr("topfive.benchmark.data.load.loader_version", lambda: "another")
    open_dataset(str(tmp_path / "cards"))
    assert suits.reads == 2
