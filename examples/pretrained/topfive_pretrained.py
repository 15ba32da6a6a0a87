"""A contender for topfive: a pre-trained network of timm, frozen, and a linear classifier on what it sees.

It has learned from other people's images and labels, most often ImageNet's: on your images that is the point; on
ImageNet and its slices its error says nothing, for it has seen the answers.
"""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

# timm and torch take seconds to import, so the methods do it: `topfive list` and the other contenders need neither.


class Pretrained:
    """A network of timm, trained on other images and frozen; a logistic regression on its features.

    ``model``: timm's name of network and weights. ``weights``: their file; else the one in Hugging Face's cache.
    """

    family = "pre-trained"

    def __init__(
        self, model: str = "resnet50.a1_in1k", weights: str = "", batch: int = 64, device: str = "cpu"
    ) -> None:
        self.model = model
        self.weights = weights
        self.batch = batch
        self.device = device

    def skip(self, images: Any, n_classes: int) -> str | None:
        """Why it cannot run on this machine, or None. Nothing is downloaded: a run must not depend on the network."""
        if find_spec("timm") is None:
            return "timm is not installed: pip install timm"
        if self._file() is None:
            return (
                f"the weights of {self.model} are not on this machine: give weights=FILE, or fetch them once with "
                f"python -c \"import timm; timm.create_model('{self.model}', pretrained=True)\""
            )
        return None

    def fit(self, images: Any, labels: NDArray[np.int64]) -> Self:
        """Learn from n training images and their (n,) labels. Only the classifier learns."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        began = time.perf_counter()
        features = self._features(images)
        seen = time.perf_counter()
        self.linear_ = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
        self.linear_.fit(features, labels)
        self.classes_ = self.linear_.classes_
        self.timings_ = {"features": seen - began, "classifier": time.perf_counter() - seen}
        return self

    def decision_function(self, images: Any) -> NDArray[np.float64]:
        """(n, n_classes) scores in the order of ``classes_``; (n,) for two classes, as scikit-learn has it."""
        scores: NDArray[np.float64] = self.linear_.decision_function(self._features(images))
        return scores

    def _features(self, images: Any) -> NDArray[np.float32]:
        """(n, n_features): the network's last layer but one. The network is frozen, so nothing of it is kept."""
        import timm
        import torch

        overlay = {"file": self._file()}
        network = timm.create_model(self.model, pretrained=True, num_classes=0, pretrained_cfg_overlay=overlay)
        network = network.to(self.device).eval()
        expects = network.pretrained_cfg  # what the network was trained on: size, mean and deviation of its pixels
        mean, std = (torch.tensor(expects[key], device=self.device).view(3, 1, 1) for key in ("mean", "std"))
        rows = []
        with torch.inference_mode():
            for batch in images.batches(self.batch, side=expects["input_size"][-1]):
                pixels = torch.from_numpy(batch).to(self.device).permute(0, 3, 1, 2) / 255
                rows.append(network((pixels - mean) / std).cpu().numpy())
        return np.concatenate(rows)

    def _file(self) -> str | None:
        """The file of weights on this machine, or None."""
        if self.weights:
            return self.weights if Path(self.weights).is_file() else None
        from huggingface_hub import try_to_load_from_cache
        from timm.models import get_pretrained_cfg_value

        repository = get_pretrained_cfg_value(self.model, "hf_hub_id")  # raises for an unknown name
        found = repository and try_to_load_from_cache(repository, "model.safetensors")
        return found if isinstance(found, str) else None
