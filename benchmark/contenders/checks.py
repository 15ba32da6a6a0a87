"""``topfive check``: does a contender keep the contract? Small built-in photographs, each finding with its cure.

A contender is fitted three times, with its ``quick_params`` where it has them (see ``methods``): what is checked is
the contract, not how good the answers are, and that takes no full training.
"""

from __future__ import annotations

import inspect
import pickle
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ..data import Dataset, Split, open_dataset
from ..data.images import LazyImages
from ..scoring.ranking import ScoreError, align, confidence_of
from ..specs import Spec
from .contract import scores_of
from .discovery import Entry, check_params, parameters

CLASSES = "brick+chelsea+gravel+page+retina+text"
PER_CLASS = 8
SIDE = 32  # pixels: what takes longest grows with their number
NEEDED = ("constructor", "missing", "skip", "fit", "scores")  # none of the others can follow where one of these fails
SLOW_IMPORT_SECONDS = 10.0
SLOW_FIT_SECONDS = 15.0  # two more fits follow


@dataclass(frozen=True)
class Finding:
    """One check: passed, or what is wrong and how to mend it."""

    name: str
    passed: bool
    message: str


class _Wrong(Exception):
    """A check that failed; the message says what is wrong and how to mend it."""


def check(spec: Spec, entry: Entry, n_jobs: int = 1) -> Iterator[Finding]:
    """Run every check, in the order that a beginner would want to mend them; stops where none can follow.

    Raises InputError for a parameter that the contender does not take.
    """
    start = time.process_time()  # a machine that does something else beside makes no import slow
    try:
        factory = entry.load()
    except (Exception, SystemExit) as error:  # a plugin may raise anything while it is imported
        yield Finding("import", False, f"{type(error).__name__}: {error}; install what it needs, or mend the module")
        return
    check_params(spec, factory)
    seconds = time.process_time() - start
    slow = f"importing took {seconds:.1f} s; import heavy libraries inside the methods that use them"
    yield Finding(
        "import", seconds < SLOW_IMPORT_SECONDS, slow if seconds >= SLOW_IMPORT_SECONDS else f"{seconds:.1f} s"
    )

    data = open_dataset("photos", per_class=PER_CLASS, classes=CLASSES, n_jobs=n_jobs)
    data = replace(data, train=_small(data.train, n_jobs), val=_small(data.val, n_jobs))
    trial = _Trial(spec, factory, data, n_jobs)
    for name, attempt in trial.checks():
        try:
            yield Finding(name, True, attempt() or "")
        except _Wrong as wrong:
            yield Finding(name, False, str(wrong))
            if name in NEEDED:
                return
        except (Exception, SystemExit) as error:  # the contender's own error is the finding
            yield Finding(name, False, f"raised {type(error).__name__}: {error}")
            if name in NEEDED:
                return


def _small(split: Split, n_jobs: int) -> Split:
    """The same, its images shrunk to ``SIDE``."""
    (pixels,) = split.images.batches(len(split), side=SIDE)
    return replace(split, images=LazyImages.from_array(pixels, n_jobs=n_jobs, fingerprint=None))


def _close(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> bool:
    """Equal up to rounding: batches of another size may add in another order."""
    return bool(np.allclose(one, other, rtol=1e-3, atol=1e-4 * max(1e-12, float(np.abs(other).max()))))


class _Trial:
    """One contender on one small data set; what a check finds out is kept for those after it."""

    def __init__(self, spec: Spec, factory: Any, data: Dataset, n_jobs: int) -> None:
        self.spec, self.factory, self.data, self.n_jobs = spec, factory, data, n_jobs
        order = np.random.default_rng(5).permutation(len(data.train))  # classes do not arrive in their order
        self.train = data.train.images.take(order, None)
        self.labels = data.train.labels[order]
        self.n_classes = len(data.classes)
        self.quick = {k: v for k, v in getattr(factory, "quick_params", {}).items() if k not in spec.params}

    def checks(self) -> list[tuple[str, Callable[[], str | None]]]:
        return [
            ("constructor", self.constructor),
            *([("missing", self.lacks)] if callable(getattr(self.factory, "missing", None)) else []),
            *([("skip", self.skips)] if callable(getattr(self.factory, "skip", None)) else []),
            ("fit", self.fits),
            ("scores", self.scores),
            ("class order", self.class_order),
            ("order and batches", self.order),
            ("determinism", self.determinism),
            ("pickling", self.pickling),
            ("two classes", self.two_classes),
            ("odd images", self.odd_images),
            ("speed and memory", self.cost),
        ]

    def make(self) -> Any:
        known = parameters(self.factory) or set()
        filled = {"random_state": 0, "n_jobs": self.n_jobs, "device": "cpu"}
        filled = {key: value for key, value in filled.items() if key in known}
        return self.factory(**{**filled, **self.quick, **self.spec.params})

    def constructor(self) -> str | None:
        unknown = set(self.quick) - (parameters(self.factory) or set(self.quick))
        if unknown:
            raise _Wrong(f"quick_params has {min(unknown)!r}, which the constructor does not take; correct the name")
        method = self.make()
        # A function that makes a pipeline has its arguments for itself; a class keeps them, to be set and cloned.
        signature = inspect.signature(self.factory) if inspect.isclass(self.factory) else inspect.Signature()
        for name, parameter in signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise _Wrong(f"the constructor takes *{name}; name every parameter, so that it can be set and cloned")
            if not hasattr(method, name):
                raise _Wrong(f"the constructor does not store {name!r}; write self.{name} = {name} and nothing else")
        if hasattr(method, "get_params"):
            given = method.get_params(deep=False)
            again = type(method)(**given).get_params(deep=False)
            changed = [name for name in given if given[name] is not again[name] and given[name] != again[name]]
            if changed:
                raise _Wrong(f"a clone differs in {changed[0]!r}; store constructor arguments unchanged")
        return "with " + ", ".join(f"{key}={value}" for key, value in self.quick.items()) if self.quick else None

    def lacks(self) -> str | None:
        lacks = self.make().missing()
        if lacks:
            raise _Wrong(
                f"this machine lacks what the contender needs ({lacks}); until it is there no more can be checked"
            )
        return None

    def skips(self) -> str | None:
        reason = self.make().skip(self.train, self.n_classes)
        if reason:
            raise _Wrong(f"the contender skips these images ({reason}); until it takes them no more can be checked")
        return None

    def fits(self) -> str | None:
        before = self.labels.copy()
        self.method = self.make()
        start = time.perf_counter()
        answer = self.method.fit(self.train, self.labels)
        self.fit_seconds = time.perf_counter() - start
        if answer is not self.method:
            raise _Wrong(f"fit returned {type(answer).__name__}; end it with return self")
        if not np.array_equal(before, self.labels):
            raise _Wrong("fit changed the labels it was given; work on a copy")
        if not hasattr(self.method, "classes_"):
            raise _Wrong("fit did not set classes_; write self.classes_ = np.unique(labels)")
        if self.fit_seconds > SLOW_FIT_SECONDS:
            return f"{self.fit_seconds:.0f} s; give it quick_params that make a check quicker (docs/contenders.md)"
        return None

    def answer(self, method: Any, images: LazyImages, n_classes: int | None = None) -> NDArray[np.floating[Any]]:
        try:
            return align(scores_of(method, images), method.classes_, len(images), n_classes or self.n_classes)
        except ScoreError as error:
            raise _Wrong(str(error)) from None

    def scores(self) -> str | None:
        start = time.perf_counter()
        self.before = self.answer(self.method, self.data.val.images)
        self.predict_seconds = time.perf_counter() - start
        if hasattr(self.method, "decision_function") and hasattr(self.method, "predict_proba"):
            try:
                given = align(
                    self.method.predict_proba(self.data.val.images),
                    self.method.classes_,
                    len(self.before),
                    self.n_classes,
                )
            except ScoreError as error:
                raise _Wrong(f"predict_proba: {error}") from None
            if confidence_of(given) != "probability":
                raise _Wrong("predict_proba answers no probabilities; let each image's sum to one, or leave it out")
        return None

    def class_order(self) -> str | None:
        """On its own training images a contender that learned something beats chance, unless columns are exchanged."""
        guess = self.answer(self.method, self.train).argmax(axis=1)
        confusion = np.zeros((self.n_classes, self.n_classes))
        np.add.at(confusion, (self.labels, guess), 1)
        best = confusion[linear_sum_assignment(confusion, maximize=True)].sum() / len(self.labels)
        right = np.trace(confusion) / len(self.labels)
        chance = 1 / self.n_classes
        if best > 3 * chance and right < best / 2:
            raise _Wrong(
                f"{100 * right:.0f} % right on its own training images, {100 * best:.0f} % with the columns exchanged; "
                "put the columns in the order of classes_"
            )
        return f"{100 * right:.0f} % right on its own training images"

    def order(self) -> str | None:
        """Each validation image's scores depend on that image alone."""
        backwards = np.arange(len(self.data.val))[::-1]
        turned = self.answer(self.method, self.data.val.images.take(backwards, None))[::-1]
        few = self.answer(self.method, self.data.val.images.take(np.arange(3), None))
        for other, what in ((turned, "their order"), (few, "how many there are")):
            if not _close(other, self.before[: len(other)]):
                raise _Wrong(
                    f"scores of validation images change with {what}; score each image by itself: no statistics over "
                    "the images to be scored, and evaluation mode where there is batch normalisation or dropout"
                )
        return None

    def determinism(self) -> str | None:
        """Twice the same seed, with the global random state disturbed in between."""
        torch = sys.modules.get("torch")
        state = np.random.get_state()  # noqa: NPY002 (the global state is what is checked)
        np.random.seed(12345)  # noqa: NPY002
        if torch is not None:
            torch.manual_seed(12345)
        again = self.answer(self.make().fit(self.train, self.labels), self.data.val.images)
        np.random.set_state(state)  # noqa: NPY002
        if not _close(again, self.before):
            raise _Wrong(
                "two fits with the same random_state differ; draw from np.random.default_rng(random_state) or a "
                "generator of your own, never from the global state"
            )
        return None

    def pickling(self) -> str | None:
        try:
            copy = pickle.loads(pickle.dumps(self.method))
        except Exception as error:  # pickle raises many kinds
            raise _Wrong(
                f"cannot be pickled ({type(error).__name__}: {error}); keep no lambdas or open files"
            ) from None
        if not _close(self.answer(copy, self.data.val.images), self.before):
            raise _Wrong("a pickled copy scores differently; keep all fitted state in attributes")
        return None

    def two_classes(self) -> str | None:
        chosen = np.flatnonzero(self.labels < 2)
        method = self.make().fit(self.train.take(chosen, None), self.labels[chosen])
        self.answer(method, self.data.val.images, 2)
        if not _close(self.answer(self.method, self.data.val.images), self.before):
            raise _Wrong(
                "a fitted contender's scores change when another is fitted; keep what fit learns in self, not in the "
                "class or the module"
            )
        return None

    def odd_images(self) -> str | None:
        """Black, constant, tiny, very wide and noise: finite scores, or the contender is no use on real folders."""
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        shapes = [(64, 64), (8, 8), (1, 64), (40, 300), (129, 65)]
        odd = [np.zeros((*shape, 3), np.uint8) for shape in shapes] + [np.full((64, 64, 3), 255, np.uint8), noise]
        self.answer(self.method, LazyImages(lambda i: odd[i], len(odd)))
        return None

    def cost(self) -> str | None:
        unit = 1 if sys.platform == "darwin" else 1024
        memory = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        fit, predict = len(self.train) / self.fit_seconds, len(self.data.val) / self.predict_seconds
        return f"fit {fit:,.0f} images/s, predict {predict:,.0f} images/s on one core, peak memory {memory:,.0f} MiB"
