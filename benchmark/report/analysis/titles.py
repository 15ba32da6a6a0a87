"""Contenders' names as a person says them, what each is in a line, and what the terms in those lines mean.

The built-in ones have a title here and a line in their docstrings; a contender of somebody else goes by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from ...contenders.discovery import discover
from ...errors import InputError
from ...specs import Value, parse, written

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


def title(spec: str) -> str:
    """ "resnet-2015[epochs=28]" → "ResNet-18, 28 epochs"; what no title is known of stays as it is.

    What follows the brackets, as in "hog (cpu)", is kept.
    """
    name, bracket, rest = spec.partition("[")
    inside, closed, after = rest.rpartition("]")
    if not bracket or not closed:
        name, gap, after = spec.partition(" (")
        found = _base(name, {})
        return spec if found is None else found[0] + gap + after
    try:
        read = parse(f"{name}[{inside}]")
    except InputError:
        return spec
    params = dict(read.params)
    known = _base(read.name, params)
    if known is None or not params:
        return spec
    base, used = known
    return ", ".join([base, *(_setting(key, value) for key, value in params.items() if key not in used)]) + after


def titles(specs: Iterable[str]) -> list[str]:
    """The title of each; two that would read alike keep their specifications."""
    specs = list(specs)
    found = [title(spec) for spec in specs]
    return [one if found.count(one) == 1 else spec for one, spec in zip(found, specs, strict=True)]


def _base(name: str, params: Mapping[str, Value]) -> tuple[str, set[str]] | None:
    if name == "resnet-2015":
        return f"ResNet-{params.get('depth', 18)}", {"depth"}
    if name in ("timm", "onnx") and "model" in params:
        return f"{str(params['model']).rpartition('/')[2]}, pre-trained", {"model"}
    return (TITLES[name], set()) if name in TITLES else None


def _setting(key: str, value: Value) -> str:
    if key == "epochs":
        return f"{value} epoch{'' if value == 1 else 's'}"
    if isinstance(value, bool):
        return f"with {key}" if value else f"no {key}"
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
