"""The arithmetic of a fitted network's training and prediction, and what its device could do: for a roofline."""

from __future__ import annotations

import statistics
from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from topfive.common import energy
from topfive.common.work import count, peaks, work_of

from . import device as hardware
from .hyperparameters import Hyperparameters, make_optimizer


class HasWork:
    """What ``estimator.DeepClassifier`` says of its work."""

    def work(self: Any, images: Any) -> dict[str, Any]:
        """Of a fitted network, as the probe ``throughput`` asks for it; see ``contenders.contract``.

        Training is a whole step: forward, backward, update. All is counted on the CPU, operation by operation, in the
        precision that it was trained in; the peaks are measured on the device.
        """
        names = hardware.device_names(self.device)
        device = hardware.choose(names[0])
        dtype = hardware.precision(device, self.precision)
        network = deepcopy(self.model_)
        side, views = self.side_, self.budget_["views"]
        optimizer = make_optimizer(network, Hyperparameters(epochs=1, optimizer=self.optimizer))

        def predict(n: int) -> torch.Tensor:
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                scores: torch.Tensor = network(torch.zeros(n, 3, side, side))
            return scores.float()

        def train(n: int) -> None:
            optimizer.zero_grad()
            F.cross_entropy(predict(n), torch.zeros(n, dtype=torch.int64)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        is_sequential = isinstance(network, torch.nn.Sequential)
        network.train()
        trained = work_of(train)
        network.eval()
        with torch.inference_mode():
            predicted = work_of(predict)
            first = count(lambda: network[:1](torch.zeros(1, 3, side, side)))[0] if is_sequential else 0.0
        rates = [r["images_per_second"] for r in self.history_ if r["side"] == self.history_[-1]["side"]]
        peak_flops, peak_bytes = peaks(device, dtype, self.n_jobs)
        return {
            "precision": str(dtype).removeprefix("torch."),
            "threads": self.n_jobs if device.type == "cpu" else None,
            "batch": self.batch_,
            "train_stage": "steps",
            "train_images_per_second": statistics.median(rates[1:] or rates),  # the first epoch warms up
            # Twice a forward pass for the gradients, but that nobody asks for those of the images.
            "train_flops": 3 * predicted.flops - first,
            "train_bytes": trained.bytes_in(self.batch_),
            "predict_flops": views * predicted.flops,
            "predict_bytes": views * predicted.bytes_in(256),
            "peak_flops": len(names) * peak_flops,
            "peak_bytes": len(names) * peak_bytes,
            "counter": energy.counter(device),
        }
