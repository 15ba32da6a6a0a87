"""What each looked at: the answers to the probe ``occlusion``."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..analysis.asked import compared, unasked
from ..analysis.contest import Contest
from ..analysis.occluded import Occluded, correlations, mean, occluded, pointing
from ..analysis.robustness import between
from ..charts import occlusion
from ..charts.style import COLOURS
from ..labels import labels
from ..numbers import decimal, named, percent, points
from ..tables import Column, Table, number, who
from .parts import Charts, Numbers, Part, Section, Text
from .pictures import Picture, decoded, gallery, png

SHOWN, IN_SIGHT = 6, 3  # images; how many of them are not folded
SIDE = 128  # px of a picture
CONTROL = "shuffled"  # in the name of a contender that was taught nothing true


class Occlusion:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where the probe was not asked."""
        found = occluded(contest)
        if found is None:
            return None
        two = compared(contest, found.maps) or list(found.maps)[:1]
        in_sight, others = pictures(contest, found, two)
        parts: list[Part] = [Charts(occlusion.curves(contest, found, two)), *in_sight]
        lead = len(parts)
        parts += [*others, Numbers(by_contender(contest, found))]
        matrix = occlusion.alike(contest, found)
        if matrix is not None:
            parts += [Text([same_place(contest, found, two)], "lede"), Charts([matrix])]
        parts.append(
            Text([*sanity(contest, found), objects(contest, found), PROTOCOL, *unasked(contest, found.maps)], "small")
        )
        return Section("occlusion", "What each looked at", sentence(contest, found, two), parts, "Looked at", lead=lead)


MAP = "A map marks the places that cost the answer most when they are hidden."
PROTOCOL = (
    "Maps: how much the score of the answer, less the highest other, falls when a grey square hides a place (Zeiler "
    "and Fergus 2014). Curves after RISE (Petsiuk et al. 2018), of answers kept instead of class probabilities, as an "
    "SVM has none. A map that is no better than the controls says nothing about its image."
)


def sentence(contest: Contest, found: Occluded, two: Sequence[int]) -> str:
    """Whose map finds better what its contender needs, and whether that is more than chance."""
    names = [named(contest.ranked[i].title) for i in two]
    told = "; ".join(
        f"hidden in the order of its map, {name} loses its answer after {_share(found, i, 'map')} of the image, in "
        f"random order after {_share(found, i, 'random')}"
        for i, name in zip(two, names, strict=True)
    )
    if len(two) < 2:
        return f"{told[0].upper()}{told[1:]}."
    gap = mean(found.gain(two[0]) - found.gain(two[1]))
    size = f"{points(abs(gap.value))} points"
    low, high = (gap.low, gap.high) if gap.value >= 0 else (-gap.high, -gap.low)
    bounds = f"(95 % interval {points(low)} to {points(high)})"
    if gap.low <= 0 <= gap.high:
        tell = f"as far as {len(found.ids):,} images tell"
        said = f"Neither map points better than the other, {tell}: {told}; they differ by {size} {bounds}."
    else:
        better, worse = names if gap.value > 0 else names[::-1]
        said = f"The maps of {better} point better than those of {worse}, by {size} {bounds}: {told}."
    weak = [_no_better(found, i, name) for i, name in zip(two, names, strict=True)]
    return " ".join(part for part in [said, *weak, MAP] if part)


def _no_better(found: Occluded, i: int, name: str) -> str:
    """That a map cannot be told from a random order; empty where it can."""
    gain = mean(found.gain(i))
    return f"Those of {name} cannot be told from a random order." if gain.low <= 0 <= gain.high else ""


def _share(found: Occluded, i: int, order: str) -> str:
    return percent(float(found.areas[i, "deletion", order].mean()), 0)


def by_contender(contest: Contest, found: Occluded) -> Table:
    """Areas under the curves of answers kept, with the controls; the pointing game where there are boxes."""
    columns = [Column("contender")]
    for curve, good in (("deletion", "low is good"), ("insertion", "high is good")):
        for said in occlusion.ORDERS.values():
            columns += [Column(f"{curve}: {said}", True, f"area under the answers kept; {good}")]
    columns += [Column("sooner than random", True, "points of the image; deletion"), Column("95 %", True)]
    columns += [Column("sooner than from the middle", True, "points of the image; deletion"), Column("95 %", True)]
    pointed = any(found.boxes)
    columns += [Column("hits the object", True, "pointing game"), Column("95 %", True)] if pointed else []
    rows = []
    for i in found.maps:
        row = [who(contest.ranked[i])]
        for curve in occlusion.TITLES:
            for order in occlusion.ORDERS:
                area = float(found.areas[i, curve, order].mean())
                row.append(number(percent(area), area))
        for order in ("random", "centre"):
            e = mean(found.gain(i, order))
            row += [number(points(e.value), e.value), number(f"{points(e.low)} to {points(e.high)}", e.high)]
        game = pointing(found, i)
        if pointed and game is not None:
            e = mean(game[0])
            row += [number(percent(e.value), e.value), between(e)]
        rows.append(row)
    return Table("occlusion", "How well each map points", columns, rows)


def same_place(contest: Contest, found: Occluded, two: Sequence[int]) -> str:
    """Whether the two sides look at the same place."""
    if len(two) < 2:
        return ""
    a, b = two
    same, crossed = correlations(found.maps[a], found.maps[b])
    e = mean(same)
    return (
        f"The maps of {named(contest.ranked[a].title)} and {named(contest.ranked[b].title)} of the same image have a "
        f"rank correlation of {decimal(e.value)} (95 % interval {decimal(e.low)} to {decimal(e.high)}); maps of "
        f"different images, {decimal(crossed)}."
    )


def sanity(contest: Contest, found: Occluded) -> list[str]:
    """The same network taught nothing true: how alike its maps are (Adebayo et al. 2018). And the patches' shares."""
    out = []
    for i in found.maps:
        control = contest.ranked[i]
        taught = next(
            (j for j in found.maps if contest.ranked[j].method == control.method.replace(f"-{CONTROL}", "")), i
        )
        if CONTROL in control.method and taught != i:
            e = mean(correlations(found.maps[taught], found.maps[i])[0])
            gain = mean(found.gain(i))
            out.append(
                f"Sanity check (Adebayo et al. 2018): the maps of {named(contest.ranked[taught].title)} and of the "
                f"same network taught shuffled labels have a rank correlation of {decimal(e.value)} "
                f"({decimal(e.low)} to {decimal(e.high)}); near 1 they would explain the image and not what was "
                "learned. The latter's point to its own answers, which are guesses, "
                f"{points(gain.value)} points better than random."
            )
    for i, grids in found.patches.items():
        if len(grids) == len(found.maps[i]):
            e = mean(correlations(found.maps[i], grids)[0])
            out.append(
                f"What each patch adds to the score of {named(contest.ranked[i].title)} is known exactly; its rank "
                f"correlation with the map by occlusion is {decimal(e.value)} ({decimal(e.low)} to {decimal(e.high)})."
            )
    return out


def objects(contest: Contest, found: Occluded) -> str:
    """The pointing game, or that it cannot be played."""
    if not any(found.boxes):
        return "No pointing game: where the objects are is not published for these images."
    game = pointing(found, next(iter(found.maps)))
    assert game is not None
    classes = int(np.isfinite(game[1]).sum())
    return (
        f"Pointing game on {classes:,} images with a box: the middle of the image hits the object in "
        f"{percent(mean(game[1]).value)}, a random place in {percent(mean(game[2]).value)}."
    )


def pictures(contest: Contest, found: Occluded, two: Sequence[int]) -> tuple[list[Part], list[Part]]:
    """The image beside the maps of both sides, and what patches added: what stays in sight of them, and the others.
    None where pictures may not be shown."""
    stored = contest.pictures()
    kept = [n for n, name in enumerate(found.ids) if name in stored]
    of_its_class = {n: sum(found.labels[m] == found.labels[n] for m in kept if m < n) for n in kept}
    those = sorted(kept, key=lambda n: (of_its_class[n], n))[:SHOWN]  # of different classes as far as it goes
    if not those:
        return [], []
    rows: list[list[Picture]] = []
    added = [i for i in two if len(found.patches.get(i, ())) == len(found.ids)]
    for n in those:
        image = decoded(stored[found.ids[n]])
        pixels = np.asarray(cv2.resize(image, _fitted(image.shape), interpolation=cv2.INTER_CUBIC), np.uint8)
        row = [Picture(png(pixels), labels(contest.dataset)[found.labels[n]])]
        for i, grids, what in [
            *((i, found.maps[i], "") for i in two),
            *((i, found.patches[i], "what patches added") for i in added),
        ]:
            contender = contest.ranked[i]
            drawn = png(overlaid(pixels, grids[n], COLOURS[contender.tone]))
            row.append(Picture(drawn, named(contender.title), what, contender.tone))
        rows.append(row)

    def together(some: list[list[Picture]], heading: str) -> list[Part]:
        return [gallery(heading, [one for row in some for one in row], across=len(rows[0]))] if some else []

    heading = "Where a grey square costs the answer most"
    return together(rows[:IN_SIGHT], heading), together(rows[IN_SIGHT:], "")


def overlaid(pixels: NDArray[np.uint8], loss: NDArray[np.float64], colour: str) -> NDArray[np.uint8]:
    """(H, W, 3) BGR in grey, and ``colour`` (#rrggbb) the more, the more a place matters; what is negative is grey."""
    size = pixels.shape[1], pixels.shape[0]
    share = np.clip(cv2.resize(loss, size, interpolation=cv2.INTER_LINEAR) / max(float(loss.max()), 1e-12), 0, 1)
    grey = 0.75 * cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(float) + 50
    bgr = np.array([int(colour[i : i + 2], 16) for i in (5, 3, 1)], float)
    alpha = 0.85 * share[..., None]
    return np.asarray(np.rint(grey[..., None] * (1 - alpha) + bgr * alpha).clip(0, 255), np.uint8)


def _fitted(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = SIDE / max(shape[:2])
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
