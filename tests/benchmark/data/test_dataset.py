"""Ids in one buffer, and limits that are spread evenly."""

from __future__ import annotations

import numpy as np
import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.data.sampling import spread, stratified_sample
from topfive.benchmark.data.storage import ids as ids_module
from topfive.benchmark.data.storage.ids import Ids


def test_ids_are_a_sequence_of_text(monkeypatch):
    monkeypatch.setattr(ids_module, "_AT_ONCE", 3)  # several rounds
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


def test_a_stratified_sample_is_level_and_drawn_by_the_seed():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(4), [100, 2, 50, 60]))
    chosen = stratified_sample(labels, 32, 0)
    assert np.bincount(labels[chosen]).tolist() == [10, 2, 10, 10]
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, stratified_sample(labels, 32, 0))
    assert not np.array_equal(chosen, stratified_sample(labels, 32, 1))
    counts = [np.bincount(labels[stratified_sample(labels, 34, seed)], minlength=4) for seed in range(20)]
    assert {tuple(sorted(count[[0, 2, 3]].tolist())) for count in counts} == {(10, 11, 11)}
    assert len({tuple(count.tolist()) for count in counts}) == 3  # which class gives less is drawn too
    assert stratified_sample(labels, 1000, 0).tolist() == list(range(212))
    assert len(stratified_sample(labels, 3, 0)) == 3
    assert len(stratified_sample(labels, 0, 0)) == 0
    drawn = np.zeros(len(labels))
    for seed in range(200):
        drawn[stratified_sample(labels, 40, seed)] += 1
    assert drawn[labels == 0].min() > 0  # no image is never drawn


def test_a_stratified_split(class_folders):
    val = open_dataset(str(class_folders("pets", ("train", "val"), n=20))).val
    few = val.stratified(6, 3)
    chosen = stratified_sample(val.labels, 6, 3)
    assert few.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert list(few.ids) == [val.ids[i] for i in chosen]
    assert np.array_equal(few.images[4], val.images[int(chosen[4])])
    assert few.images.fingerprint not in (None, val.images.fingerprint, val.stratified(6, 4).images.fingerprint)
