"""Ids in one buffer, and limits that are spread evenly."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.benchmark.data import dataset
from topfive.benchmark.data.dataset import Ids, spread


def test_ids_are_a_sequence_of_text(monkeypatch):
    monkeypatch.setattr(dataset, "_AT_ONCE", 3)  # several rounds
    texts = ["", "ä", "n01443537_0", "x" * 40, "last", "\udce4"]
    ids = Ids(texts)
    assert list(ids) == texts
    assert ids[-2] == "last"
    assert ids[1:3] == ["ä", "n01443537_0"]
    order = np.array([5, 0, 3, 3, 1, 2, 4, 0])
    assert list(ids.take(order)) == [texts[i] for i in order]
    assert list(ids.take(np.array([], np.int64))) == []
    with pytest.raises(IndexError):
        ids[6]


def test_spread_takes_level_shares_and_what_small_classes_leave():
    labels = np.repeat([0, 1, 2], [100, 2, 50])
    chosen = spread(labels, 22)
    assert np.bincount(labels[chosen]).tolist() == [10, 2, 10]
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert chosen[:3].tolist() == [0, 10, 20]  # spread over the class, not its first images
    assert np.bincount(labels[spread(labels, 2)], minlength=3).sum() == 2
    assert len(spread(labels, 1000)) == 152
