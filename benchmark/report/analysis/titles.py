"""Contenders' names as a person says them, what each is in a line, and what the terms in those lines mean.

The built-in ones have a title here and a line in their docstrings; a contender of somebody else goes by its name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache

from ...contenders.discovery import discover
from ...errors import InputError
from ...specs import Value, parse, written
from ..numbers import LONGEST, short, shortened

TITLES: Mapping[str, str] = {
    "alexnet": "AlexNet",
    "alexnet-2012": "AlexNet as published in 2012",
    "alexnet-owt-2014": "AlexNet with one tower",
    "alexnet-shuffled": "AlexNet taught shuffled labels",
    "best-of-2012": "Best features of 2012",
    "bovw": "Visual words",
    "chance": "Random guesses",
    "coates-ng-2011": "k-means features",
    "color-histogram": "Colour histogram",
    "dbn-2006": "Deep belief network",
    "fisher": "Fisher vectors",
    "hog": "HOG",
    "isi-2012": "ISI’s entry of 2012",
    "lenet-1998": "LeNet-5",
    "llc": "LLC",
    "mlp-1986": "Perceptron of 1986",
    "nec-uiuc-2010": "NEC–UIUC’s entry of 2010",
    "oxford-vgg-2012": "Oxford’s entry of 2012",
    "pixels-svm": "SVM on raw pixels",
    "random-forest": "Random forest",
    "sift-bovw": "SIFT with visual words",
    "sift-fisher": "SIFT with Fisher vectors",
    "supervector": "Super-vectors",
    "vit-2021": "Vision transformer",
    "vlad": "VLAD",
    "xrce-2011": "XRCE’s entry of 2011",
}
TERMS: tuple[tuple[str, str, str], ...] = (  # what it is called, the pattern that finds it, what it means
    ("SIFT", r"SIFT", "describes a small patch of an image by the directions of its edges"),
    ("HOG", r"HOG", "counts edge directions on a grid over the image"),
    ("Visual words", r"visual words", "count how often each of a set of typical patches occurs"),
    ("Fisher vector", r"Fisher vector", "sums up how an image’s patches differ from the typical ones"),
    ("Linear SVM", r"SVM", "weighs the features, one set of weights a class; the only step that sees the labels"),
    ("AlexNet, ResNet, …", r"AlexNet|ResNet|LeNet|transformer", "deep networks: every step is learned from pixels"),
)


def title(spec: str, leave_out: Container[tuple[str, Value]] = ()) -> str:
    """ "resnet-2015[epochs=28]" → "ResNet-18 (28 epochs)"; what no title is known of stays as it is.

    What follows the brackets, as in "hog (cpu)", is kept. ``leave_out``: parameters that are not said.
    """
    name, params, after = _read(spec)
    if not params:
        name, gap, after = spec.partition(" (")
        found = _base(name, {})
        return spec if found is None else found[0] + gap + after
    known = _base(name, params)
    if known is None:
        return spec
    base, used = known
    said = [_setting(key, value) for key, value in params.items() if key not in used and (key, value) not in leave_out]
    if more := re.fullmatch(r" \((.+)\)", after):
        said, after = [*said, more[1]], ""
    return (f"{base} ({', '.join(said)})" if said else base) + after


def titles(specs: Iterable[str]) -> dict[str, str]:
    """The title of each. Of several of one method what they have in common is left out: the specification says it.

    Those that would read alike keep their specifications, and what a sentence would cut to the same is cut so that it
    stays different.
    """
    specs = list(dict.fromkeys(specs))
    kin: dict[str, list[str]] = {}
    for spec in specs:
        kin.setdefault(spec.partition("[")[0], []).append(spec)
    common = {spec: _common(together) for together in kin.values() for spec in together}
    found = {spec: title(spec, common[spec]) for spec in specs}
    counts = Counter(found.values())
    kept = {spec: one if counts[one] == 1 else spec for spec, one in found.items()}
    cut = Counter(short(one, LONGEST) for one in kept.values())
    long = [spec for spec, one in kept.items() if cut[short(one, LONGEST)] > 1]
    return kept | dict(zip(long, shortened([kept[spec] for spec in long], LONGEST - 6), strict=True))


def _common(specs: Sequence[str]) -> set[tuple[str, Value]]:
    """The parameters that all of several have, with one value."""
    if len(specs) < 2:
        return set()
    return set.intersection(*({*_read(spec)[1].items()} for spec in specs))


def _read(spec: str) -> tuple[str, dict[str, Value], str]:
    """Method, parameters, and what follows the brackets; without brackets the method is all of it."""
    name, bracket, rest = spec.partition("[")
    inside, closed, after = rest.rpartition("]")
    try:
        return (name, dict(parse(f"{name}[{inside}]").params), after) if bracket and closed else (spec, {}, "")
    except InputError:
        return spec, {}, ""


def _base(name: str, params: Mapping[str, Value]) -> tuple[str, set[str]] | None:
    if name == "resnet-2015":
        return f"ResNet-{params.get('depth', 18)}", {"depth"}
    if name in ("timm", "onnx") and "model" in params:
        return f"Pre-trained {str(params['model']).rpartition('/')[2]}", {"model"}
    return (TITLES[name], set()) if name in TITLES else None


def _setting(key: str, value: Value) -> str:
    if key == "epochs":
        return f"{value} epoch{'' if value == 1 else 's'}"
    if isinstance(value, bool):
        said = {"lrn": "LRN", "batch_norm": "batch normalisation"}.get(key, key.replace("_", " "))
        return f"with {said}" if value else f"no {said}"
    if key == "n_jobs":
        return f"{value} thread{'' if value == 1 else 's'}"
    if key == "device":
        return f"on {value}"
    if key == "activation":
        return str(value)
    if key == "width" and value in (0.5, 0.25):
        return {0.5: "half width", 0.25: "quarter width"}[float(value)]
    return f"{key.replace('_', ' ')} {written(value)}"


def what_it_is(spec: str) -> str:
    """The first sentence of its docstring, as ``topfive list`` has it; empty where it is not installed here."""
    return _described().get(spec.split("[", 1)[0], "")


@cache
def _described() -> dict[str, str]:
    return {name: entry.summary() for name, entry in discover().items()}


def terms(texts: Iterable[str]) -> list[tuple[str, str]]:
    """(term, meaning) of the terms that the texts use."""
    text = " ".join(texts)
    return [(name, meaning) for name, pattern, meaning in TERMS if re.search(pattern, text)]
