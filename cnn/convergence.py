"""Whether a training had stopped improving when it ended: a rule on its history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

LAST_PART = 0.25  # of the epochs
STILL_FALLING = 0.03  # of the loss before it
FEWEST = 4  # epochs that say anything
SHORT = 0.5  # of a long training's epochs


def converged(history: Sequence[Mapping[str, Any]], planned: int, long: int = 0) -> dict[str, Any]:
    """``{"converged": bool, "why": one sentence}`` for the records of a training's epochs.

    A training has *not* converged if its lowest held-out loss fell by more than 3 % during the last quarter of the
    epochs, or if it had fewer than four, or fewer than half of what a ``long`` training of as many images has and was
    at its best in the last quarter of them. It has if the plateau schedule ended it before its ``planned`` epochs.
    Without held-out images the training loss takes the place of the held-out one.

    A schedule that anneals the learning rate always lowers the loss at its end, by 2 to 3 % where a network is
    otherwise done (AlexNet after 62 epochs of Tiny ImageNet: 2.1 %), and by little more where it is not (after 10
    epochs on a fifth of it: 2.4 and 3.5 %, on two machines), which is why their number counts too. The rule compares
    lowest losses, so that noise between epochs does not matter. It cannot say whether another schedule or a larger
    network would do better.
    """
    n = len(history)
    epochs = f"{n} epoch{'s' * (n != 1)}"
    if n < FEWEST:
        return {"converged": False, "why": f"it trained for {epochs} only, too few to tell"}
    if n < planned:
        return {"converged": True, "why": f"the held-out error no longer fell: stopped after {n} of {planned} epochs"}
    held_out = all(math.isfinite(record["held_out_loss"]) for record in history)
    name = "held-out" if held_out else "training"
    losses = [float(record["held_out_loss" if held_out else "loss"]) for record in history]
    last = math.ceil(LAST_PART * n)
    before, lowest = min(losses[:-last]), min(losses)
    best = losses.index(lowest) + 1
    fall = max(0.0, 1 - lowest / before) if before > 0 else 0.0
    where = f"{100 * fall:.1f} % over the last {last} of {epochs}; it was lowest after epoch {best}"
    if fall > STILL_FALLING:
        return {"converged": False, "why": f"the {name} loss still fell by {where}"}
    if n < SHORT * long and best > n - last:
        return {"converged": False, "why": f"it was at its best after epoch {best} of {n}; a long training has {long}"}
    return {"converged": True, "why": f"the {name} loss fell by only {where}"}
