"""The former name of :mod:`topfive.cnn.models`, for plugins that import from it."""

from .models import AlexNet, AlexNet2012, AlexNetOwt2014, Dbn2006, LeNet1998, Mlp1986, ResNet2015, TorchClassifier

__all__ = [
    "AlexNet",
    "AlexNet2012",
    "AlexNetOwt2014",
    "Dbn2006",
    "LeNet1998",
    "Mlp1986",
    "ResNet2015",
    "TorchClassifier",
]
