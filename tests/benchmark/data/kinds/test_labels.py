"""Labels stay with their images: keys with dots, and files whose lists of classes differ."""

from __future__ import annotations

import pytest
from topfive.benchmark.data import open_dataset
from topfive.benchmark.errors import InputError

from tests.benchmark.data.made import count, picture_file, pixels_of, samples, shard, tar


def decoded(seed: int) -> bytes:
    from topfive.benchmark.data.decode import decode

    return decode(picture_file(seed)).tobytes()


def labels_by_pixels(data) -> dict[bytes, str]:
    return {image: name for name, images in pixels_of(data).items() for image in images}


def test_keys_with_dots(tmp_path):
    keys = [
        (f"{shoot}.{i:04d}", "cat" if (i + (shoot == "shoot2")) % 2 else "dog")
        for shoot in ("shoot1", "shoot2")
        for i in range(10)
    ]
    data = open_dataset(str(tar(tmp_path / "data.tar", samples(keys))))
    assert labels_by_pixels(data) == {decoded(i): group for i, (_, group) in enumerate(keys)}


def test_keys_with_dots_in_one_shard_of_several(tmp_path):
    """The other shards, whose keys have none, are read as before."""
    first = [(f"{i:04d}", "dog") for i in range(4)]
    second = [(f"v1.{i}", "cat" if i % 2 else "dog") for i in range(6)]
    tar(tmp_path / "web/a-0.tar", samples(first))
    tar(tmp_path / "web/a-1.tar", samples(second, 10))
    told = labels_by_pixels(open_dataset(str(tmp_path / "web")))
    assert told == {decoded(i): g for i, (_, g) in enumerate(first)} | {
        decoded(10 + i): g for i, (_, g) in enumerate(second)
    }


def test_endings_with_dots_belong_to_one_sample(tmp_path):
    """By WebDataset's rule the key ends at the first dot, so this is one label for a photograph called left.jpg."""
    items = []
    for i in range(10):
        items += [(f"{i}.left.jpg", picture_file(i)), (f"{i}.cls", b"cat" if i % 2 else b"dog")]
    data = open_dataset(str(tar(tmp_path / "a.tar", items)))
    assert labels_by_pixels(data) == {decoded(i): "cat" if i % 2 else "dog" for i in range(10)}


def test_a_label_that_dots_leave_without_a_picture_is_named(tmp_path):
    items = [*samples([("a.0", "cat"), ("a.1", "dog")]), ("a.2.jpg", picture_file(9))]
    with pytest.raises(InputError, match=r"a\.2\.jpg has no label \(a\.2\.cls\)"):
        open_dataset(str(tar(tmp_path / "a.tar", items)))


def test_each_file_has_its_own_list_of_classes(tmp_path):
    shard(tmp_path / "s/train-0.parquet", [(0, 0), (1, 1), (2, 2), (3, 1)], ["owl", "bat", "ape"])
    shard(tmp_path / "s/validation-0.parquet", [(10, 0), (11, 1), (12, 2)], ["ape", "bat", "owl"])
    data = open_dataset(str(tmp_path / "s"))
    assert data.classes == ("owl", "bat", "ape")  # the order of training
    assert [data.classes[label] for label in data.train.labels] == ["owl", "bat", "ape", "bat"]
    assert [data.classes[label] for label in data.val.labels] == ["ape", "bat", "owl"]
    assert any("differently" in note for note in data.notes)


def test_a_list_of_fewer_classes_is_not_taken_for_the_longer(tmp_path):
    """Its number 0 is another class. Before the test file's list was used for both, whichever came last."""
    shard(tmp_path / "s/test-0.parquet", [(10, 0), (11, 1)], ["bat", "owl"])
    shard(tmp_path / "s/train-0.parquet", [(0, 0), (1, 1), (2, 2)], ["ape", "bat", "owl"])
    with pytest.raises(InputError, match="the class 'ape' has no validation images"):
        open_dataset(str(tmp_path / "s"))
    data = open_dataset(str(tmp_path / "s"), skip_incomplete=True)
    assert data.classes == ("bat", "owl")
    assert data.val.labels.tolist() == [0, 1]
    assert data.train.labels.tolist() == [0, 1]
    assert any("Left out, because one split lacks them: ape." in note for note in data.notes)


def test_a_list_with_a_class_that_training_lacks(tmp_path):
    shard(tmp_path / "s/train-0.parquet", [(0, 0), (1, 1)], ["bat", "owl"])
    shard(tmp_path / "s/test-0.parquet", [(10, 0), (11, 1), (12, 2)], ["ape", "bat", "owl"])
    data = open_dataset(str(tmp_path / "s"), skip_incomplete=True)
    assert data.classes == ("bat", "owl")
    assert [data.classes[label] for label in data.val.labels] == ["bat", "owl"]


def test_words_and_numbers_in_two_files_are_one_class_by_name(tmp_path):
    shard(tmp_path / "s/train-0.parquet", [(0, 1), (1, 0)], ["bat", "owl"])
    shard(tmp_path / "s/val-0.parquet", [(10, "owl"), (11, "bat")], ["bat", "owl"])
    data = open_dataset(str(tmp_path / "s"))
    assert [data.classes[label] for label in data.train.labels] == ["owl", "bat"]
    assert [data.classes[label] for label in data.val.labels] == ["owl", "bat"]


def test_numbers_without_a_list_beside_a_list_are_refused(tmp_path):
    shard(tmp_path / "s/train-0.parquet", [(0, 0), (1, 1)], ["bat", "owl"])
    shard(tmp_path / "s/test-0.parquet", [(10, 0), (11, 1)], None)
    with pytest.raises(InputError, match=r"test-0\.parquet does not list the names of its classes, other files do"):
        open_dataset(str(tmp_path / "s"))


def test_shards_of_other_classes_do_not_move_labels(tmp_path):
    tar(tmp_path / "w/x-train-0.tar", samples([("a", "owl"), ("b", "bat"), ("c", "ape")]))
    tar(tmp_path / "w/x-val-0.tar", samples([("d", "bat"), ("e", "owl")], 10))
    data = open_dataset(str(tmp_path / "w"), skip_incomplete=True)
    assert count(data.val, data.classes) == {"bat": 1, "owl": 1}
    assert labels_by_pixels(data) == {decoded(0): "owl", decoded(1): "bat", decoded(10): "bat", decoded(11): "owl"}


def test_one_key_in_two_shards_of_one_name(tmp_path):
    for folder, group in (("a", "cat"), ("b", "dog")):
        tar(tmp_path / f"w/{folder}/0000.tar", samples([(f"{i}", group) for i in range(6)], 50 * (group == "dog")))
    data = open_dataset(str(tmp_path / "w"))
    ids = [*data.train.ids, *data.val.ids]
    assert len(set(ids)) == 12
    assert "a/0000/3.jpg" in ids
    assert labels_by_pixels(data)[decoded(53)] == "dog"
