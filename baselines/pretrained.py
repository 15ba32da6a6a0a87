"""``timm`` and ``onnx``: networks that learned from other images, frozen, with the linear SVM that all features share.

The values behind the network's last layer but one, scaled to unit length, and a linear SVM: Sharif Razavian, Azizpour,
Sullivan and Carlsson 2014, "CNN features off-the-shelf: an astounding baseline for recognition". Deviates: one centre
crop of an image, in training, and in the test its mirror image too. On ImageNet and its slices such an error says
nothing where the network was trained on ImageNet: it has seen the answers. Nothing is ever downloaded during a run.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from topfive.common.machine import torch_threads
from topfive.common.parameters import one_of, whole_number

from . import costs
from .costs import Cost
from .extraction import extract
from .features_svm import FeaturesSVM
from .frozen import SCALES, Frozen, OnnxNetwork, TimmNetwork
from .stages import Key, Stages
from .views import VIEWS


class Pretrained(FeaturesSVM):
    """A frozen network and a linear SVM on its features. A contender says which in ``open`` and ``missing``.

    ``cache_dir``: the features of the training images are kept there, under a digest of the network's weights.
    """

    family = "pre-trained"
    quick_params: ClassVar[dict[str, Any]] = {}

    model: str
    cache_dir: str | None

    def missing(self) -> str | None:
        """What this machine lacks, a package or the weights, in a line; None where all is there."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it needs")

    def weights_file(self) -> Path | None:
        """The file of weights on this machine; None where there is none."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its weights are")

    def open(self) -> Frozen:
        """The network, read from its file."""
        raise NotImplementedError(f"{type(self).__name__} does not say which network it has")

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from n images and (n,) labels; of the network nothing is changed. FileNotFoundError: no weights;
        ValueError: ``views`` other than 1 or 2."""
        one_of("views", self.views, VIEWS)
        lacks = self.missing()
        if lacks:
            raise FileNotFoundError(lacks)
        labels = np.asarray(labels)
        order = np.random.default_rng(self.random_state).permutation(len(images))
        begin = costs.now()
        with torch_threads(self.n_jobs):
            self.network_ = self.open()
            features, cached = self._stored(self._key(images), images, order, 1)
            seen = costs.now()
            self._fit_svm(features, labels[order])
        self.timings_ = {
            "features": (seen - begin).seconds + cached.seconds,
            "svm": (costs.now() - seen).seconds,
        }
        self.cached_timings_ = {} if cached == Cost() else {"features": cached.seconds}
        self.cached_cpu_seconds_ = cached.cpu_seconds
        self.budget_ = self._budget(side=self.network_.side)
        return self

    def _features(self, images: Any, order: NDArray[np.int64], views: int) -> NDArray[np.float16]:
        return self._stored(None, images, order, views)[0]

    def _stored(
        self, key: Key | None, images: Any, order: NDArray[np.int64], views: int
    ) -> tuple[NDArray[np.float16], Cost]:
        network = self.network_  # all that a cluster is sent

        def fill(out: Any) -> None:
            extract(network.encode, images, order, out, device=self.device, side=network.side, mirrored=views == 2)

        return Stages(self.cache_dir).features(key, (views * len(order), self.network_.dim), fill)

    def _key(self, images: Any) -> Key | None:
        """All that the features depend on; None where the images have no fingerprint."""
        file = self.weights_file()
        fingerprint = getattr(images, "fingerprint", None)
        if fingerprint is None or file is None:
            return None
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "blake2b").hexdigest()
        ignored = ("n_jobs", "cache_dir", "device", "views")
        settings = {name: value for name, value in self.get_params().items() if name not in ignored}
        return {"features": type(self).__name__, "images": fingerprint, "weights": digest, "settings": settings}


class Timm(Pretrained):
    """A pre-trained network of the package timm, frozen, and a linear SVM on its features: it has seen other images.

    ``model``: timm's name of network and weights. ``weights``: their file; else the one in Hugging Face's cache, where
    ``timm.create_model(model, pretrained=True)`` leaves it. Needs timm, and so torchvision; ``onnx`` needs neither.
    """

    def __init__(
        self,
        model: str = "resnet50.a1_in1k",
        weights: str = "",
        views: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.model = model
        self.weights = weights
        self.views = views
        self.random_state = random_state
        self.device = device
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    def missing(self) -> str | None:
        """As the base says."""
        if find_spec("timm") is None:
            return "timm is not installed: pip install timm (or take onnx[model=FILE], which needs less)"
        try:
            import_module("timm")
        except Exception as error:  # a torchvision for another build of torch raises whatever it meets first
            said = (str(error).splitlines() or [""])[0]
            return f"timm cannot be imported ({type(error).__name__}: {said}): its torchvision must fit this torch"
        if self.weights_file() is None:
            where = self.weights or f"the weights of {self.model}"
            return (
                f"{where} {'is' if self.weights else 'are'} not on this machine: give weights=FILE, or fetch them once "
                f"with python -c \"import timm; timm.create_model('{self.model}', pretrained=True)\""
            )
        return None

    def weights_file(self) -> Path | None:
        """As the base says. RuntimeError: a name that timm does not know."""
        if self.weights:
            return Path(self.weights) if Path(self.weights).is_file() else None
        from huggingface_hub import try_to_load_from_cache
        from timm.models import get_pretrained_cfg_value

        repository = get_pretrained_cfg_value(self.model, "hf_hub_id")
        found = repository and try_to_load_from_cache(repository, "model.safetensors")
        return Path(found) if isinstance(found, str) else None

    def open(self) -> Frozen:
        """As the base says."""
        return TimmNetwork(self.model, str(self.weights_file()), self.device)


class Onnx(Pretrained):
    """A pre-trained network in an ONNX file, frozen, and a linear SVM on its features: it has seen other images.

    ``model``: the file. ``output``: the name of the features in it, an output or any value inside; none: the first
    output. ``side``: px of its images, where the file leaves that open; none: 224. ``pixels``: what it takes,
    "imagenet" (less ImageNet's mean, over its deviation), "half" (-1 … 1), "unit" (0 … 1) or "bytes" (0 … 255). Runs on
    the processor, by the package onnxruntime.
    """

    def __init__(
        self,
        model: str = "",
        output: str = "",
        side: int | None = None,
        pixels: str = "imagenet",
        views: int = 2,
        random_state: int = 0,
        n_jobs: int | None = None,
        cache_dir: str | None = None,
    ) -> None:
        self.model = model
        self.output = output
        self.side = side
        self.pixels = pixels
        self.views = views
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir

    device = "cpu"

    def missing(self) -> str | None:
        """As the base says."""
        if not self.model:
            return "no network was given: onnx[model=FILE.onnx]"
        if find_spec("onnxruntime") is None:
            return "onnxruntime is not installed: pip install 'topfive[pretrained]'"
        if self.weights_file() is None:
            return f"there is no file {self.model}"
        return None

    def weights_file(self) -> Path | None:
        """As the base says."""
        return Path(self.model) if Path(self.model).is_file() else None

    def open(self) -> Frozen:
        """As the base says. ValueError: a parameter that makes no sense."""
        one_of("pixels", self.pixels, SCALES)
        whole_number("side", self.side, 1, optional=True)
        return OnnxNetwork(self.model, self.output, self.side, self.pixels)
