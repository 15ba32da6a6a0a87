"""The contract of a contender.

A contender is scikit-learn's classifier over images: constructor arguments are only stored, ``fit`` learns from
training images and labels, ``decision_function`` (where there is none, ``predict_proba``) answers one score per class.
Nothing is subclassed; scikit-learn pipelines qualify as they are. Validation labels never reach a contender. What else
the harness looks up by name, where it is there, are the rows of ``HOOKS``; docs/contenders.md has the table made of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, overload, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


class Images(Protocol):
    """A lazy, immutable sequence of images; also a valid map-style data set for torch."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Pixels:
        """Image ``i`` as it is: (H, W, 3) uint8 RGB."""
        ...

    @property
    def fingerprint(self) -> str | None:
        """Changes whenever an image, its place or the number of images does; None where that is not known."""
        ...

    @property
    def typical_size(self) -> tuple[int, int]:
        """(H, W) in pixels: medians over a few images spread evenly; exact where all are alike."""
        ...

    def take(self, chosen: NDArray[np.integer[Any]], fingerprint: str | None = None, /) -> Images:
        """The images at ``chosen``, in that order, as a sequence of its own; pickled, it carries what those need."""
        ...

    def map(self, change: Callable[..., Pixels], /) -> Images:
        """The same images, each changed when it is asked for, at its full resolution, before any resize.

        ``change((H, W, 3) uint8 RGB) -> (H', W', 3) uint8 RGB``; where it has a true attribute ``takes_index`` it is
        called as ``change(image, i)`` with the image's position in this sequence. The fingerprint is None.
        """
        ...

    @overload
    def batches(
        self, size: int, *, side: int, order: Sequence[int] | NDArray[np.integer[Any]] | None = None
    ) -> Iterator[Pixels]: ...
    @overload
    def batches(
        self,
        size: int,
        *,
        max_pixels: int | None = None,
        order: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[list[Pixels]]: ...
    def batches(
        self,
        size: int,
        *,
        side: int | None = None,
        max_pixels: int | None = None,
        order: Sequence[int] | NDArray[np.integer[Any]] | None = None,
    ) -> Iterator[Any]:
        """Yield ``size`` images at a time (the last batch may be smaller), decoded in parallel and ahead of use.

        ``side``: short side resized to ``side``, centre crop; batches are (n, side, side, 3) uint8 RGB.
        Without it: lists of (H, W, 3) uint8 RGB, shrunk to at most ``max_pixels`` pixels each, never enlarged.
        ``order``: indices to visit, in that order (all in sequence by default); a subset is fine.
        """
        ...


@runtime_checkable
class Method(Protocol):
    """A contender. ``classes_`` are the labels in the order of the columns of ``decision_function``.

    Where its scores are probabilities or their natural logarithms the report says how well they are calibrated. In the
    place of ``decision_function`` it may have ``predict_proba``: see ``scores_of``.
    """

    classes_: NDArray[np.int64]

    def fit(self, images: Images, labels: NDArray[np.int64]) -> Self:
        """Learn from n training images and their (n,) int64 labels."""
        ...

    def decision_function(self, images: Images) -> NDArray[np.floating[Any]]:
        """(n, n_classes) scores, higher is better; finite."""
        ...


def scores_of(method: Any, images: Images) -> Any:
    """What a fitted contender answers: its ``decision_function``, or where it has none its ``predict_proba``.

    That is the order in which scikit-learn's scorers ask too. Unchecked: see ``scoring.ranking.align``.
    """
    answer = getattr(method, "decision_function", None) or getattr(method, "predict_proba", None)
    if answer is None:
        raise TypeError(f"{type(method).__name__} has neither decision_function nor predict_proba; give it one")
    return answer(images)


@dataclass(frozen=True)
class Hook:
    """Something that the harness looks up by its ``name`` and that may be left out. ``what`` it is: Markdown."""

    where: str
    name: str
    what: str


ARGUMENT = "constructor argument, filled in by the run unless you give it"
CLASS, METHOD, AFTER_FIT = "class attribute", "method", "after `fit`"

HOOKS: tuple[Hook, ...] = (
    Hook(ARGUMENT, "device", '`"cpu"`, `"cuda"` or `"cuda:1"`; of several, `--device cuda:0,1`, the first'),
    Hook(ARGUMENT, "random_state", "the run's `--seed`, an int"),
    Hook(ARGUMENT, "n_jobs", "how many cores are yours"),
    Hook(
        ARGUMENT,
        "cache_dir",
        "a folder kept between runs and shared between cells, for stages worth keeping (features, codebooks, "
        "checkpoints); key files by `images.fingerprint` and every parameter, write to a temporary name and rename",
    ),
    Hook(
        CLASS,
        "family",
        '`"hand-engineered"`, `"deep"`, `"pre-trained"` (has seen other images: on neither side), `"learned, '
        'shallow"`, `"floor"`, else `"other"`: its hue, and its side in the verdict',
    ),
    Hook(
        CLASS,
        "part",
        "`True`: a part to be recombined by its parameters rather than an entry of its own; `topfive list` has those "
        "last",
    ),
    Hook(CLASS, "several_devices", '`True`: `device` may be several, `"cuda:0,1"`'),
    Hook(CLASS, "quick_params", "parameters with which `topfive check` fits in seconds"),
    Hook(
        METHOD,
        "missing",
        "`missing()`: what this machine lacks for it, a package or a file, in a line; None if nothing",
    ),
    Hook(METHOD, "skip", "`skip(images, n_classes)`: why it cannot take these images, in a line; None if it can"),
    Hook(
        METHOD,
        "work",
        "`work(images)` of a fitted one, for the probe `throughput`: a dict of `precision`, `threads`, `batch`, "
        "`train_stage` and `train_images_per_second`, and of one image `train_flops`, `train_bytes`, `predict_flops`, "
        "`predict_bytes`, beside the device's `peak_flops` and `peak_bytes` a second",
    ),
    Hook(
        METHOD,
        "passes",
        "`passes(n)`: how often `fit` goes over n training images, where that depends on n; `--dry-run` goes by it, "
        "and tries with fewer where there is a parameter `epochs`",
    ),
    Hook(
        METHOD,
        "predict_proba",
        "(n, n_classes) probabilities: the answer where there is no `decision_function`; beside one only asked how "
        "sure the first guess is, for calibration, which its costs leave out",
    ),
    Hook(
        AFTER_FIT,
        "input_gradient",
        "`input_gradient(pixels, labels)`: (n, H, W, 3) float32, how each image's loss grows with its values of 0 to "
        "255; for white-box attacks",
    ),
    Hook(
        AFTER_FIT,
        "patch_contributions",
        "`patch_contributions(image, label)`: (T, 4) float, of each patch x, y and side in pixels and what it adds to "
        "the score of that label",
    ),
    Hook(AFTER_FIT, "parts_of", "`parts_of(image)`: pictures by name, (H, W, 3) uint8, of what it is made of"),
    Hook(AFTER_FIT, "pipeline", "`pipeline()`: the steps from pixels to scores, in words, a list"),
    Hook(AFTER_FIT, "timings_", 'stage → seconds, of the whole fit: fills "Where the time went" in the report'),
    Hook(AFTER_FIT, "cached_timings_", "stage → seconds: the part of `timings_` that came from `cache_dir`"),
    Hook(AFTER_FIT, "cached_cpu_seconds_", "processor seconds of what came from `cache_dir`"),
    Hook(AFTER_FIT, "n_parameters_", "how many numbers were learned"),
    Hook(AFTER_FIT, "flops_per_image_", "arithmetic of one image's prediction; a multiply-add counts as two"),
    Hook(AFTER_FIT, "history_", "a list of dicts, one an epoch"),
    Hook(
        AFTER_FIT,
        "budget_",
        "a dict of what it was given, the same for every seed: pixels, epochs, test views, share of the training "
        "images used, what was tuned",
    ),
    Hook(
        AFTER_FIT,
        "converged_",
        'a dict `{"converged": bool, "why": sentence}`: whether it had stopped improving when its budget ended',
    ),
    Hook(
        AFTER_FIT,
        "energy_joules_",
        "what it used while it trained, where it can tell; else the run reads the machine's counters",
    ),
    Hook(AFTER_FIT, "peak_bytes_", "most GPU memory held, where it trained in processes of its own"),
)
FILLED = tuple(hook.name for hook in HOOKS if hook.where == ARGUMENT)


def table() -> str:
    """``HOOKS`` as the Markdown table of docs/contenders.md."""
    lines = ["| where | name | what it is |", "|---|---|---|"]
    last = ""
    for hook in HOOKS:
        lines.append(
            f"| {hook.where if hook.where != last else ''} | `{hook.name}` | {hook.what} |".replace("|  |", "| |")
        )
        last = hook.where
    lines.append(
        "| logger | below `topfive`, at INFO | what it says is the progress line; with `12 s left` or `1.5 min left` "
        "in it, the run's time left follows |"
    )
    return "\n".join(lines) + "\n"
