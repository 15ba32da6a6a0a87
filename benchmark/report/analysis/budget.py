"""What each contender was given to work with, and whether it had stopped improving when that ended."""

from __future__ import annotations

from ...families import FLOOR, PRETRAINED
from ...results.schema import DatasetRecord, Record
from ..numbers import counted, listed, named, percent
from .contender import Contender
from .contest import Contest

MUCH = 2.0  # times as many pixels as the other: worth a word on the first screen
MOST = 3  # that were still learning are told of one by one
KNOWN = ("side", "pixels", "width", "epochs", "views", "train_share", "tuned", "parameters")


def pixels(record: Record, dataset: DatasetRecord) -> int | None:
    """How many pixels of a typical image it sees; None where it does not say."""
    side, most = record.budget.get("side"), record.budget.get("pixels")
    if isinstance(side, int | float):
        return int(side) ** 2
    if not isinstance(most, int | float):
        return None
    height, width = dataset.image_size or (1 << 15, 1 << 15)
    return min(int(most), height * width)


def share(record: Record) -> float | None:
    """Of the training images, how many it learned from; the rest chose an epoch, a step, a weight."""
    value = record.budget.get("train_share")
    return float(value) if isinstance(value, int | float) else None


def further(record: Record) -> str:
    """What else it says of its budget, as it says it."""
    return ", ".join(f"{name} {value}" for name, value in record.budget.items() if name not in KNOWN and value)


def in_words(contender: Contender) -> str:
    """ "10 epochs at half its width on a CPU"; what is not known is left out."""
    record = contender.record
    epochs, width = record.budget.get("epochs"), record.budget.get("width")
    said = [counted(int(epochs), "epoch")] if isinstance(epochs, int | float) else []
    if isinstance(width, int | float) and width != 1:
        said.append(
            {0.5: "at half its width", 0.25: "at a quarter of its width"}.get(width, f"at {width:g} of its width")
        )
    if record.device:
        said.append("on a CPU" if record.device == "cpu" else f"on {record.device}")
    return " ".join(said)


def still_learning(contest: Contest) -> list[str]:
    """Who could turn the verdict by being trained further: on the side that is behind, or on both where it is open."""
    pair = contest.headline_pair
    if pair is None:
        return []
    leader = min(pair)
    found = contest.pair(*pair)
    aside = {FLOOR, PRETRAINED} - {contest.ranked[i].family for i in pair}
    behind = [i for i, c in enumerate(contest.ranked) if c.family not in aside and i != leader]
    if contest.both_sides:
        behind = [i for i in behind if contest.ranked[i].family == contest.ranked[max(pair)].family]
    if found is None or not found.told_apart:
        behind = sorted({*behind, leader, *(i for side in contest.rivals for i in side)})
    unfinished = [i for i in behind if contest.ranked[i].record.converged is False]
    if len(unfinished) > MOST:
        first = named(contest.titles[unfinished[0]])
        return [
            f"{first} and {len(unfinished) - 1} more were still learning when their budgets ended (see Training). More "
            "training could turn the verdict."
        ]
    return [_said(contest.titles[i], contest.ranked[i]) for i in unfinished]


def _said(name: str, contender: Contender) -> str:
    how = in_words(contender)
    why = contender.record.convergence
    said = f"{named(name)} was still learning when its budget ended"
    return (
        said + (f" ({how})" if how else "") + (f": {why}." if why else ".") + " More training could turn the verdict."
    )


def fewer_pixels(contest: Contest) -> list[str]:
    """That one of the two sides sees many fewer pixels of an image than the other."""
    pair = contest.headline_pair
    if pair is None:
        return []
    both = [(pixels(contest.ranked[i].record, contest.dataset), contest.titles[i]) for i in pair]
    seen = sorted(((n, c) for n, c in both if n), key=lambda found: found[0])
    if len(seen) < 2 or seen[1][0] < MUCH * seen[0][0]:
        return []
    (few, one), (many, other) = seen
    times = f"{many / few:.0f} times as many"
    return [f"{named(one)} sees {few:,} pixels of an image, {named(other)} {many:,}: {times}."]


def unlike(contest: Contest) -> list[str]:
    """In what else the two sides were not given the same: test views, and training images that they learned from."""
    pair = contest.headline_pair
    if pair is None or not contest.both_sides:
        return []
    out = []
    two = [(contest.titles[i], contest.ranked[i]) for i in pair]
    views = [(name, v) for name, c in two if isinstance(v := c.record.budget.get("views"), int)]
    if len(views) == 2 and views[0][1] != views[1][1]:
        said = [f"{named(name)} averages {counted(number, 'view')}" for name, number in views]
        out.append(f"Of a test image {listed(said)}.")
    shares = [(share(c.record), name) for name, c in two]
    less = [(value, name) for value, name in shares if value is not None and value < 1]
    if less and any(value == 1 for value, _ in shares):
        value, name = less[0]
        out.append(
            f"{named(name)} learned from {percent(value, 0)} of the training images and chose its epoch on the rest."
        )
    return out


def has_budget(contest: Contest) -> bool:
    """Whether anybody says what it was given."""
    return any(c.record.budget or c.record.converged is not None for c in contest.ranked)
