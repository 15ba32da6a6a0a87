"""Deep networks: AlexNet, its ancestors and its heirs, and one training loop for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .estimator import TorchClassifier

__all__ = ["TorchClassifier"]


def __getattr__(name: str) -> Any:
    """``TorchClassifier`` is imported when it is asked for: the package itself does not import torch."""
    if name == "TorchClassifier":
        from .estimator import TorchClassifier

        return TorchClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
