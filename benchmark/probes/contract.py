"""What a probe is: a class with ``views``, or ``ask``, or both; what it is handed, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..conditions import Scalar
from ..contenders.contract import Images, Pixels

__all__ = ["Fitted", "Images", "Pixels", "ProbeOfAnswers", "ProbeOfQuestions", "ProbeOfViews", "hook"]


class Fitted(Protocol):
    """A fitted contender."""

    def scores(self, images: Pixels | Sequence[Pixels] | Images, /) -> NDArray[np.floating]:
        """(n, n_classes), higher is better, a column a class of the data set; of (n, H, W, 3) uint8 or a sequence."""
        ...


def hook(contender: Fitted, name: str) -> Callable[..., Any] | None:
    """An optional method of the contender (``contenders.contract.HOOKS``); None where it has none."""
    find = getattr(contender, "hook", None)
    return None if find is None else find(name)


class ProbeOfViews(Protocol):
    """Asks about changed images; the harness stores each view's ranking under its condition.

    ``images`` (int) and ``random_state`` (int), where it has them, say how many validation images it asks about and
    how they are drawn: the same for every contender, level over the classes.
    """

    def views(self, images: Images, /) -> Iterator[tuple[Mapping[str, Scalar], Images]]:
        """(condition, images as they are under it), one after the other. Axes are the probe's own."""
        ...


class ProbeOfQuestions(Protocol):
    """Asks in its own way; the harness stores the tables as they are, for the section that knows them."""

    def ask(self, contender: Fitted, images: Images, labels: NDArray[np.int64], /) -> Mapping[str, pa.Table]:
        """Tables by name."""
        ...


class ProbeOfAnswers(Protocol):
    """Asks about what other contenders answered to another probe; asked last, when all cells have.

    ``reads``: the name of that probe, which has to be among the run's.
    """

    reads: str

    def ask_about(self, contender: Fitted, stored: Mapping[str, Mapping[str, pa.Table]], /) -> Mapping[str, pa.Table]:
        """Tables by name. ``stored``: those that ``reads`` left in each cell of the same data, seed and training."""
        ...
