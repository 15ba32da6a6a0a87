"""The words for splits that people use in names of folders and files and in tables."""

from __future__ import annotations

import re

from ...errors import InputError

TRAIN, VAL, TEST = ("train", "training"), ("val", "valid", "validation"), ("test",)


def split_name(word: str, where: str) -> str:
    """ "train", "val" or "test" for the many ways to write them. Raises InputError."""
    for name, known in (("train", TRAIN), ("val", VAL), ("test", TEST)):
        if word.strip().lower() in known:
            return name
    raise InputError(f"{where}: unknown split {word!r}; known: train, val, test")


def split_of_file(name: str) -> str | None:
    """The split that a shard's path tells: a word of it, as in ``train-00000-of-00014`` or ``val/0001``."""
    found = [word for word in re.split(r"[^a-z]+", name.lower()) if word in TRAIN + VAL + TEST]
    return split_name(found[-1], name) if found else None
