"""What to do after the verdict: which of the two to take, by its error and by what it costs."""

from __future__ import annotations

from ..numbers import NBSP, named
from ..numbers import seconds as duration
from .contest import Contest

ALIKE = 1.5  # times as long is still about as long: timings on a busy machine differ by that much


def advice(contest: Contest) -> list[str]:
    """In one or two sentences, where it is known how long the two took to train."""
    if contest.headline_pair is None:
        return []
    ahead, behind = sorted(contest.headline_pair)
    pair = contest.pair(ahead, behind)
    fits = {i: contest.ranked[i].mean("fit_seconds") for i in (ahead, behind)}
    quick, slow = sorted((ahead, behind), key=lambda i: fits[i] or 0.0)
    name = {i: named(contest.titles[i]) for i in (ahead, behind)}
    least, most = fits[quick], fits[slow]
    if least is None or most is None:
        return []
    alike = most < ALIKE * least
    on = [contest.ranked[i].record.device for i in (quick, slow)]
    where = [f" on {'a CPU' if one == 'cpu' else one}" if on[0] != on[1] and one else "" for one in on]
    times = f"{seconds(least)} to train{where[0]} against {seconds(most)}{where[1]}"
    if all(on) and on[0] not in (on[1], "cpu"):  # what is quick on a GPU may be slow where the other was trained
        told = pair is not None and pair.told_apart
        take = f"Take {name[ahead]}: it errs less. " if told else ""
        return [f"{take}Who is cheaper is not known: {name[quick]} took {times}."]
    if pair is None or not pair.told_apart:
        said = (
            f"Both take about as long to train: {times}." if alike else f"{name[quick]} is the cheaper choice: {times}."
        )
    elif alike:
        said = f"Take {name[ahead]}: it errs less, and both take about as long to train."
    elif quick == ahead:
        said = f"Take {name[ahead]}: it errs less and is cheaper, {times}."
    else:
        trains = f"it trains in {seconds(least)}{where[0]}, {name[ahead]} in {seconds(most)}{where[1]}"
        said = f"Take {name[ahead]} for its error, {name[behind]} for its cost: {trains}."
    return [said, *_in_use(contest, quick, slow, alike, name)]


def seconds(value: float) -> str:
    """A duration that stays on one line."""
    return duration(value).replace(" ", NBSP)


def _in_use(contest: Contest, quick: int, slow: int, alike: bool, name: dict[int, str]) -> list[str]:
    """That the one that trains in less time is the slower one afterwards."""
    used = {i: contest.ranked[i].mean("images_per_second") for i in (quick, slow)}
    one, other = used[quick], used[slow]
    if not one or not other or alike or other < ALIKE * one:
        return []
    return [f"Once trained, {name[slow]} is the faster one: {seconds(1 / other)} an image against {seconds(1 / one)}."]
