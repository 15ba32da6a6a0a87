"""Which column of a table is the path, which the label and which the split, under the many names in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InputError
from ..storage.split_words import split_of_word

PATHS = (
    *("path", "file_path", "filepath", "image_path", "imagepath", "img_path", "relpath", "file_name", "filename"),
    *("image_file", "image_name", "img_name", "file", "image", "img"),
)
LABELS = ("label", "labels", "fine_label", "class", "cls", "class_name", "category", "target", "species", "breed")
SPLITS = ("split", "subset", "set", "partition", "data_split", "dataset_split", "train_test_split", "phase", "usage")
# True or false: "val" or "train" where true, and the other where not.
FLAGS = {
    "is_valid": ("val", "train"),
    "is_val": ("val", "train"),
    "is_validation": ("val", "train"),
    "is_train": ("train", "val"),
    "is_training": ("train", "val"),
    "is_test": ("test", "train"),
}
FOLDS = ("fold", "kfold", "cv_fold")
_TRUE, _FALSE = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "false", "f", "no", "n")


def plain(header: str) -> str:
    """A column's name in small letters without spaces around it, its words joined by ``_``."""
    return "_".join(header.replace("-", " ").replace("/", " ").lower().split())


def first_of(known: Sequence[str], header: Sequence[str]) -> str | None:
    """The column of a table that goes by one of these names, the first of them counts; None where there is none."""
    for name in known:
        # Written just so, or else in other letters.
        for column in sorted(header, key=lambda column: column != name):
            if plain(column) == name:
                return column
    return None


def split_column(header: Sequence[str], where: str) -> str | None:
    """The column that tells the split by a word or a flag, None where none is called so.

    Raises InputError where two are, unless one is called ``split``.
    """
    found = [column for column in header if plain(column) in (*SPLITS, *FLAGS, *FOLDS)]
    exact = first_of(("split",), found)
    if exact is not None or not found:
        return exact
    if len(found) > 1:
        raise InputError(f"{where}: which column is the split, {' or '.join(map(repr, found))}? Call it 'split'")
    return found[0]


@dataclass
class SplitReader:
    """Reads the splits of a table row by row: from ``column``, or from whichever says nothing but splits.

    candidates: columns that may yet turn out to hold the words for splits alone.
    """

    where: str
    column: str | None
    candidates: dict[str, list[str | None]]

    @classmethod
    def of(cls, header: Sequence[str], where: str, taken: Sequence[str]) -> SplitReader:
        """For a table of these columns, of which ``taken`` are the path and the label. Raises InputError."""
        column = split_column([name for name in header if name not in taken], where)
        others = [name for name in header if name not in taken] if column is None else []
        return cls(where, column, {name: [] for name in others})

    def read(self, number: int, told: object) -> str | None:
        """The split in row ``number``, None where the cell is empty. Raises InputError."""
        if self.column is None:
            return None
        word = "" if told is None else str(told).strip()
        flag = FLAGS.get(plain(self.column))
        if flag is not None:
            if word.lower() not in _TRUE + _FALSE:
                raise InputError(f"{self.where}: row {number}: the column {self.column!r} holds {word!r}, no yes or no")
            return flag[0] if word.lower() in _TRUE else flag[1]
        if not word:
            return None
        split = split_of_word(word)
        if split is None:
            cure = "" if plain(self.column) == "split" else f"; it is the column {self.column!r}: call another 'split'"
            raise InputError(f"{self.where}: row {number}: unknown split {word!r}; known: train, val, test{cure}")
        return split

    def watch(self, row: dict[str, object]) -> None:
        """Look for a split in the other columns."""
        for name, found in list(self.candidates.items()):
            value = row.get(name)
            word = "" if value is None else str(value)
            split = split_of_word(word) if word.strip() else None
            if word.strip() and split is None:
                del self.candidates[name]
            else:
                found.append(split)

    def found(self) -> tuple[str, list[str | None]] | None:
        """A column whose every word is one for a split, training among them; and the splits. Raises InputError."""
        sure = {name: told for name, told in self.candidates.items() if "train" in told and len(set(told)) > 1}
        if len(sure) > 1:
            raise InputError(
                f"{self.where}: which column is the split, {' or '.join(map(repr, sure))}? Call it 'split'"
            )
        return next(iter(sure.items()), None)
