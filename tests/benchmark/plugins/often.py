"""A small network that writes its checkpoint after every epoch, however quick, for tests that cut it short."""

from __future__ import annotations

from topfive.cnn import train
from topfive.cnn.models import LeNet1998

train.SAVE_EVERY = train.SAVE_SHARE = 0.0


class LeNet(LeNet1998):
    """``lenet-1998``."""
