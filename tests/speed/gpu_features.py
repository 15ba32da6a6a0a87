"""Images a second that a hand-engineered contender answers about on a GPU, features and classifier together.

    python tests/speed/gpu_features.py sift-fisher [--images 8192] [--json FILE]

On random images of 64 pixels, smoothed so that they have edges; fitted to 2,000 of them. A first pass over a part is
left out. Needs nothing but the package.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from topfive.baselines.presets import OxfordVgg, SiftFisher
from topfive.benchmark.data.images import LazyImages

CONTENDERS = {"sift-fisher": SiftFisher, "oxford-vgg-2012": OxfordVgg}


def pictures(n: int, side: int, seed: int) -> LazyImages:
    """n images of blurred noise."""
    random = np.random.default_rng(seed)
    coarse = torch.from_numpy(random.random((n, 3, side // 4, side // 4), dtype=np.float32))
    fine = torch.from_numpy(random.random((n, 3, side, side), dtype=np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").add_(fine, alpha=0.2)
    array = smooth.clamp_(0, 1).mul_(255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return LazyImages(lambda i: array[i], n, fingerprint=f"noise-{n}-{side}-{seed}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("--images", type=int, default=8192)
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    hardware = torch.cuda.get_device_name() if given.device.startswith("cuda") else "CPU"
    started = time.perf_counter()
    model = CONTENDERS[given.contender](device=given.device)
    model.fit(pictures(given.train, 64, 0), np.arange(given.train) % 20)
    fitted = time.perf_counter() - started
    model.decision_function(pictures(min(1024, given.images), 64, 1))
    asked = pictures(given.images, 64, 2)
    started = time.perf_counter()
    model.decision_function(asked)
    rate = given.images / (time.perf_counter() - started)
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in model.timings_.items())
    print(f"{given.contender} at 64, {hardware}: {rate:.0f} images/s; fitted in {fitted:.1f} s ({stages})")
    if given.json is not None:
        with given.json.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"part": given.contender, "hardware": hardware, "images_per_second": rate}) + "\n")


if __name__ == "__main__":
    main()
