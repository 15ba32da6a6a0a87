"""Search along one parameter, on a geometric grid that grows until its best value lies inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def best_of(
    trial: Callable[[float], float], grid: Sequence[float], limits: tuple[float, float], *, held_out: int | None = None
) -> float:
    """The value of the lowest loss ``trial(value)``; of equals, the one that was tried first.

    ``grid``: two or more positive values in the order in which they are tried. While the best one is the smallest or
    the largest, the grid goes on at that end by its own ratio there, up to ``limits`` (smallest, largest): so a value
    that is returned has tried neighbours on both sides, or lies at a limit (``at_limit``). ``held_out``: of how many
    rows the losses are, in [0, 1]; then what lies beyond the grid must be better by a standard error, as the more
    values are tried on few rows, the more likely one of them is lucky.
    """
    tried = {value: trial(value) for value in grid}
    while True:
        best = min(tried, key=lambda value: tried[value])
        ordered = sorted(tried)
        low, high = ordered[0], ordered[-1]
        if best == low and not at_limit(low, limits):
            further = max(limits[0], low * low / ordered[1])
        elif best == high and not at_limit(high, limits):
            further = min(limits[1], high * high / ordered[-2])
        else:
            return best
        loss = trial(further)
        if loss >= tried[best] - standard_error(tried[best], held_out):
            return best
        tried[further] = loss


def standard_error(share: float, n: int | None) -> float:
    """Of a share of n rows; 0 without n."""
    return 0.0 if n is None else max(share * (1 - share) / n, 0.0) ** 0.5


def at_limit(value: float, limits: tuple[float, float]) -> bool:
    """Whether no value beyond this one may be tried."""
    return not limits[0] < value < limits[1]
