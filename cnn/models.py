"""The built-in deep contenders, each a network with the hyperparameters that suit it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from topfive.common.parameters import number, one_of, true_or_false, whole_number
from torch import nn

from .alexnet import OWT_CHANNELS, alexnet, smallest_side
from .augment import Colour
from .dbn import DeepBeliefNetwork, pretrain
from .estimator import DeepClassifier, TorchClassifier
from .hyperparameters import SCHEDULES, Hyperparameters
from .lenet import LeNet5
from .mlp import mlp
from .resnet import resnet
from .train import Trainer
from .vit import HEAD, STEMS, vit

__all__ = [
    "AlexNet",
    "AlexNet2012",
    "AlexNetOwt2014",
    "Dbn2006",
    "LeNet1998",
    "Mlp1986",
    "ResNet2015",
    "TorchClassifier",
    "Vit2021",
]


@dataclass(kw_only=True, eq=False, repr=False)
class AlexNet(DeepClassifier):
    """The deep network that won in 2012, its first layer fitted to small images, trained by today's means.

    The paper's layer sequence. New: He initialisation, inputs of unit variance, label smoothing, AdamW, a one-cycle
    schedule. The stem: ``alexnet.stem_stride``. On a GPU the training is long and needs dropout of 1/2 and crops of
    random scale and aspect. On a CPU it is short and underfits: a narrow network is trained four times as long in the
    same time, with less of both, for three quarters of ``estimator.default_epochs``.

    activation    "relu", "tanh" or "sigmoid"
    dropout       of fc6 and fc7; None: 0.5 on a GPU, 0.2 on a CPU
    lrn           local response normalisation with the published constants, which suit inputs of 0 to 255: on these of
                  unit variance it is nearly the constant 2^-0.75
    batch_norm    batch normalisation of each convolution
    overlap       pooling 3/2, the paper's, or 2/2
    groups        2: the paper's two towers; 1
    init          "he", or "paper": N(0, 0.01)
    width         scales every hidden layer; None: 1 on a GPU, 1/2 on a CPU
    hidden        units of fc6 and fc7; None: 4096 · ``width``
    schedule      "one-cycle", or "plateau": as in 2012 (see :class:`.Hyperparameters`)
    """

    activation: str = "relu"
    dropout: float | None = None
    lrn: bool = True
    batch_norm: bool = False
    overlap: bool = True
    groups: int = 2
    init: str = "he"
    width: float | None = None
    hidden: int | None = None
    first_side: float = 1.0
    schedule: str = "one-cycle"

    cpu_epochs = 0.75
    quick_params: ClassVar[dict[str, Any]] = {**DeepClassifier.quick_params, "side": 32, "width": 0.25}

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return alexnet(n_classes, side, **self._ingredients(on_gpu))

    def _check(self) -> None:
        super()._check()
        number("width", self.width, above=0, optional=True)
        whole_number("hidden", self.hidden, 1, optional=True)
        number("dropout", self.dropout, least=0, below=1, optional=True)
        one_of("schedule", self.schedule, SCHEDULES)
        if self.schedule == "plateau" and not self.held_out:
            raise ValueError("held_out must be above 0 with the plateau schedule, which watches those images, not 0")
        for name in ("lrn", "batch_norm", "overlap"):
            true_or_false(name, getattr(self, name))

    def _needs_held_out(self) -> bool:
        return self.schedule == "plateau" or super()._needs_held_out()  # a plateau is one of their error

    def _width(self, on_gpu: bool) -> float:
        return (1.0 if on_gpu else 0.5) if self.width is None else self.width

    def _ingredients(self, on_gpu: bool) -> dict[str, Any]:
        return {
            "activation": self.activation,
            "dropout": (0.5 if on_gpu else 0.2) if self.dropout is None else self.dropout,
            "lrn": self.lrn,
            "batch_norm": self.batch_norm,
            "overlap": self.overlap,
            "groups": self.groups,
            "init": self.init,
            "width": self._width(on_gpu),
            "hidden": self.hidden,
        }

    def _hyperparameters(self, epochs: int, n_train: int, on_gpu: bool) -> Hyperparameters:
        least = smallest_side(self.side_)
        return replace(super()._hyperparameters(epochs, n_train, on_gpu), least_side=least, schedule=self.schedule)

    def _colour(self, pixels: torch.Tensor) -> tuple[Colour, float]:
        colour = Colour.of(pixels)
        return colour, 1.0 if self.init == "paper" else colour.std


@dataclass(kw_only=True, eq=False, repr=False)
class AlexNet2012(AlexNet):
    """Krizhevsky et al. 2012 as published: 256-pixel images, 224-pixel crops, full width, ten-crop test.

    The mean image is subtracted and the scale of 0 to 255 kept; weights N(0, 0.01); flips and colour noise; batch 128,
    momentum 0.9, weight decay 5e-4, rate 0.01, a tenth whenever the held-out error stands still, three times at most.
    Where paper and code differ the code is followed: LRN's α divided by its window, colour noise scaled by the square
    roots of the eigenvalues.

    Not followed: the code's doubled rate for biases. 5 % of the training images are held out for the plateau schedule,
    where the paper watched the validation images and learned from all of training; the epoch kept is the one whose
    held-out loss was lowest, not the last. Products are in bfloat16 where the device computes in it
    (``precision="f32"``: float32, as in 2012). Weight decay spares biases. Mean image and colours are those of a sample
    of 4,000 training images. Momentum is PyTorch's, whose velocity is not scaled by the rate as the paper's is: the
    same but for the steps after a drop, which here fall by ten at once. Epochs: 90 on a GPU.
    """

    batch: int | None = 128
    optimizer: str = "momentum"
    augment: str | None = "paper"
    dropout: float | None = 0.5
    init: str = "paper"
    width: float | None = 1.0
    schedule: str = "plateau"
    views: int = 10

    # The paper's initialisation needs more epochs before anything is learned.
    quick_params: ClassVar[dict[str, Any]] = {**AlexNet.quick_params, "init": "he"}

    def _epochs(self, n_train: int, on_gpu: bool) -> int:
        return 90 if on_gpu else super()._epochs(n_train, on_gpu)

    def _hyperparameters(self, epochs: int, n_train: int, on_gpu: bool) -> Hyperparameters:
        rate = 0.01 if self._rate is None else self._rate
        return replace(super()._hyperparameters(epochs, n_train, on_gpu), label_smoothing=0.0, lr=rate)

    def _sides(self, shortest: int, on_gpu: bool) -> tuple[int, int]:
        seen = 224 if self.side is None else self.side
        return seen * 8 // 7, seen

    def _colour(self, pixels: torch.Tensor) -> tuple[Colour, float]:
        colour = Colour.of(pixels, mean_image=True)
        return colour, 1.0 if self.init == "paper" else colour.std


@dataclass(kw_only=True, eq=False, repr=False)
class AlexNetOwt2014(AlexNet):
    """The one-tower variant of "One weird trick" (Krizhevsky 2014), as torchvision ships it: no LRN, no groups."""

    lrn: bool = False
    groups: int = 1

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return alexnet(n_classes, side, **self._ingredients(on_gpu), channels=OWT_CHANNELS, dropout_first=True)


@dataclass(kw_only=True, eq=False, repr=False)
class Mlp1986(DeepClassifier):
    """Back-propagation (Rumelhart, Hinton and Williams 1986): one hidden layer of sigmoids, gradient descent, momentum.

    On 32-pixel images. Not of 1986: cross-entropy over a softmax for the squared error, mini-batches, augmentation, and
    what ``estimator.DeepClassifier`` gives every network: label smoothing, a one-cycle schedule, weight decay, the best
    held-out epoch, two test views.
    """

    hidden: int = 512
    side: int | None = 32
    optimizer: str = "momentum"
    lr: float | None = 0.1
    first_side: float = 1.0

    def _check(self) -> None:
        super()._check()
        whole_number("hidden", self.hidden, 1)

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return mlp(n_classes, side, hidden=self.hidden)


@dataclass(kw_only=True, eq=False, repr=False)
class LeNet1998(DeepClassifier):
    """LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998) on 32-pixel images.

    What differs from the paper in the network: ``lenet.LeNet5``. In the training: what ``estimator.DeepClassifier``
    gives every network, label smoothing, a one-cycle schedule for the paper's falling steps, weight decay, crops and
    flips, the best held-out epoch, two test views.
    """

    side: int | None = 32
    optimizer: str = "momentum"
    lr: float | None = 0.02
    first_side: float = 1.0

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return LeNet5(n_classes, side)


@dataclass(kw_only=True, eq=False, repr=False)
class Dbn2006(DeepClassifier):
    """A deep belief network (Hinton, Osindero and Teh 2006): stacked restricted Boltzmann machines, then fine-tuned.

    On 32-pixel images. ``layers``: hidden units, separated by "-". ``pretrain_epochs``: of contrastive divergence for
    each layer. Fine-tuning is by back-propagation (Hinton and Salakhutdinov 2006), not by the up-down algorithm, with
    what ``estimator.DeepClassifier`` gives every network: label smoothing, a one-cycle schedule, weight decay, crops
    and flips, the best held-out epoch, two test views.
    """

    layers: str = "500-500-2000"
    pretrain_epochs: int = 10
    side: int | None = 32
    optimizer: str = "momentum"
    lr: float | None = 0.05
    first_side: float = 1.0

    quick_params: ClassVar[dict[str, Any]] = {
        **DeepClassifier.quick_params, "layers": "128", "pretrain_epochs": 2, "lr": 0.3
    }  # fmt: skip

    def _check(self) -> None:
        super()._check()
        whole_number("pretrain_epochs", self.pretrain_epochs, 0)
        if not all(n.isdecimal() and int(n) for n in str(self.layers).split("-")):
            raise ValueError(f"layers must be whole numbers of at least 1, joined by '-', not {self.layers!r}")

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return DeepBeliefNetwork(n_classes, 3 * side * side, [int(n) for n in str(self.layers).split("-")])

    def _pretrain(self, trainer: Trainer) -> None:
        pretrain(trainer, self.pretrain_epochs)


@dataclass(kw_only=True, eq=False, repr=False)
class ResNet2015(DeepClassifier):
    """ResNet (He, Zhang, Ren and Sun 2015) of ``depth`` 18 or 34, its stem fitted to the images.

    ``width`` None: 1 on a GPU, 1/2 on a CPU; epochs None: on a CPU half of ``default_epochs``, as a pass costs more
    than AlexNet's. The map behind the stem has at least the paper's 56 positions a side on a GPU and 32 on a CPU, where
    the image has as many. The network: ``resnet.resnet``.

    The recipe is not the paper's: Nesterov momentum and a one-cycle schedule of peak 0.04 for plain momentum and steps
    from 0.1; label smoothing of 0.1; the last γ of each block begins at 0 (Goyal et al. 2017); weight decay of 5e-4,
    not 1e-4, on weights but not on biases, γ and β; batches of 64 on a CPU and 128 on a GPU, not 256; training
    starts at half the side; on a CPU crops and flips, on a GPU also scales and aspects, for the paper's scales; two
    test views for its ten.
    """

    depth: int = 18
    width: float | None = None
    optimizer: str = "sgd"

    cpu_epochs = 0.5
    quick_params: ClassVar[dict[str, Any]] = {**DeepClassifier.quick_params, "side": 32, "width": 0.25}

    def _check(self) -> None:
        super()._check()
        number("width", self.width, above=0, optional=True)

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        return resnet(n_classes, side, depth=self.depth, width=self._width(on_gpu), positions=56 if on_gpu else 32)

    def _width(self, on_gpu: bool) -> float:
        return (1.0 if on_gpu else 0.5) if self.width is None else self.width


@dataclass(kw_only=True, eq=False, repr=False)
class Vit2021(DeepClassifier):
    """A small vision transformer (Dosovitskiy et al. 2021) from scratch, its tokens made by convolutions.

    ``depth`` None: 12 layers on a GPU, 6 on a CPU. ``width``: a token has so many times 192 numbers, DeiT-Ti's, in
    whole heads of 32; None: 1 on a GPU, 0.67 on a CPU. ``stem``: "convolutions" or, as in the paper, "patches". At most
    16 positions a side on a GPU, 8 on a CPU. What differs from the paper: ``vit.vit``; and the training is the loop's,
    without the mixtures of images, random augmentations, layers left out at random and teachers of later recipes for
    small sets.

    Chosen on 300 held-out training photographs (10 classes, 30 images each to learn from, seed 0, about equal time):
    convolutions 40.0 % top-1 error, patches 59.3 %; with ``first_side`` 1/2 and half as many epochs again 32.0 %; with
    twice the learning rate 37.3 %, which so few images do not tell from 40.0.
    """

    depth: int | None = None
    width: float | None = None
    stem: str = "convolutions"

    quick_params: ClassVar[dict[str, Any]] = {**DeepClassifier.quick_params, "side": 32, "width": 0.2, "depth": 2}

    def _check(self) -> None:
        super()._check()
        whole_number("depth", self.depth, 1, optional=True)
        number("width", self.width, above=0, optional=True)
        one_of("stem", self.stem, STEMS)

    def _network(self, n_classes: int, side: int, on_gpu: bool) -> nn.Module:
        depth = (12 if on_gpu else 6) if self.depth is None else self.depth
        dim = max(1, round(192 * self._width(on_gpu) / HEAD)) * HEAD
        return vit(n_classes, side, depth=depth, dim=dim, stem=self.stem, positions=16 if on_gpu else 8)

    def _width(self, on_gpu: bool) -> float:
        return (1.0 if on_gpu else 0.67) if self.width is None else self.width
