"""Energy counters of this machine: of the CPU packages (RAPL, where the kernel lets it be read) and of the GPUs (NVML).

They count the whole package, or the whole card: what others do on it at the time counts too.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RAPL = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Reading:
    """Joules since some time in the past; ``range``: at which the counter begins anew at 0, or infinity."""

    joules: float
    range: float


def read(folder: Path = RAPL) -> dict[str, Reading]:
    """By name: "cpu:0" and so on, and each GPU's "GPU-<uuid>". Empty where nothing can be read."""
    return _packages(folder) | _gpus()


def spent(before: Mapping[str, Reading], after: Mapping[str, Reading], name: str) -> float | None:
    """Joules between two readings of all counters whose name begins with ``name``; None where there are none, or none
    has moved: a card's counts ten times a second, and what takes less cannot be told from nothing.

    A counter may have begun anew once in between.
    """
    found = [name_ for name_ in before if name_.startswith(name) and name_ in after]
    total = 0.0
    for one in found:
        difference = after[one].joules - before[one].joules
        total += difference if difference >= 0 else difference + before[one].range
    return total or None


def counter(device: object) -> str:
    """The name that ``spent`` takes for what works on ``device``: "cpu", "cuda:1", a ``torch.device``.

    Of a process that has not imported torch it is the CPU's.
    """
    torch = sys.modules.get("torch")
    if torch is None or not str(device).startswith("cuda"):
        return "cpu:"
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def _packages(folder: Path) -> dict[str, Reading]:
    found = {}
    for zone in sorted(folder.glob("intel-rapl:*")):
        try:
            if not (zone / "name").read_text(encoding="ascii").startswith("package"):
                continue  # a part of a package, or the whole board
            joules, most = (
                float((zone / name).read_text(encoding="ascii")) / 1e6 for name in ("energy_uj", "max_energy_range_uj")
            )
        except (OSError, ValueError):  # since 2020 most kernels let only root read it
            continue
        found[f"cpu:{zone.name.partition(':')[2]}"] = Reading(joules, most)
    return found


def _gpus() -> dict[str, Reading]:
    try:
        import pynvml
    except ImportError:
        return {}
    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return {
            str(pynvml.nvmlDeviceGetUUID(handle)): Reading(
                float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000, float("inf")
            )
            for handle in handles
        }
    except pynvml.NVMLError:  # no driver, or a card that does not count
        return {}
