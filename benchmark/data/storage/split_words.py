"""The words for splits that people use in names of folders and files and in tables."""

from __future__ import annotations

import re

from ...errors import InputError

TRAIN = ("train", "training", "trainset", "trainingset", "trn")
VAL = ("val", "valid", "validation", "valset", "validset", "validationset", "dev", "devset")
TEST = ("test", "testing", "testset", "testingset", "tst")
_SPLIT = {word: split for split, words in (("train", TRAIN), ("val", VAL), ("test", TEST)) for word in words}
_NOISE = {"set", "image", "images", "img", "imgs", "data", "dataset", "folder", "dir", "split", "photos", "pics"}
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def split_name(word: str, where: str) -> str:
    """ "train", "val" or "test" for the many ways to write them. Raises InputError."""
    split = split_of_word(word)
    if split is None:
        raise InputError(f"{where}: unknown split {word!r}; known: train, val, test")
    return split


def split_of_word(word: str) -> str | None:
    """The split that a word stands for, None where it stands for none."""
    return _SPLIT.get(word.strip().lower())


def split_of_file(name: str) -> str | None:
    """The split that a shard's path tells: a word of it, as in ``train-00000-of-00014`` or ``val/0001``."""
    found = [word for word in re.split(r"[^a-z]+", name.lower()) if word in _SPLIT]
    return _SPLIT[found[-1]] if found else None


def split_of_folder(name: str) -> tuple[str, str] | None:
    """The split that a folder's name tells, and what else it says: ``images_train`` → ("train", ""), ``Testing``.

    What else it says tells the splits of several data sets apart: ``clipart_train`` → ("train", "clipart"). Numbers,
    and words like "set" and "images", say nothing. None where the name has no word for a split, or two.
    """
    words = [word for word in re.split(r"[^a-z]+", _CAMEL.sub("_", name).lower()) if word]
    splits = [word for word in words if word in _SPLIT]
    if len(splits) != 1:
        return None
    rest = [word for word in words if word not in _SPLIT and word not in _NOISE]
    return _SPLIT[splits[0]], " ".join(rest)


def only_noise(name: str) -> bool:
    """Whether a folder's name says nothing but that images are in it."""
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    return bool(words) and all(word in _NOISE for word in words)
