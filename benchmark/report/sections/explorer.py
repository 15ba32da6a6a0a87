"""Where they disagree: images that one side gets and the other misses, with the guesses of each and their scores.

Counts are of all images: who has the truth is stored for every one of them. Guesses, scores and pictures take more
room, so where there are many images the page holds those of a sample, drawn for every pair of contenders that a reader
may choose, and says of how many it shows how many.
"""

from __future__ import annotations

import base64
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...families import FLOOR
from ..analysis.contest import Contest
from ..analysis.occluded import Occluded, occluded
from ..charts.confusion import CLASSES
from ..page.html import data, snippet
from .parts import Html, Section

CONTENDERS = 12
PICTURES = 2_700_000  # bytes of JPEG, all data sets of a page together; as text they take a third more
GUESSES = 1_200_000  # bytes of guesses and scores, likewise
SHOWN = 5  # guesses of an image


class Explorer:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where no two contenders can be set against each other."""
        explored = explore(contest, contest.pictures(), contest.share_of_page)
        if explored is None:
            return None
        has_truth = "as the first guess" if contest.k == 1 else f"among the best {contest.k} guesses"
        shown = "five best guesses" if contest.dataset.n_classes > 4 else "guesses"
        none = "" if any(explored["pictures"]) else " This run saved no pictures, so the images are named only."
        several = " Answers are those of the first seed." if any(c.seeds > 1 for c in contest.ranked) else ""
        looked = " Where a contender’s map is stored, it lies beside the picture: the stronger the colour, the more a"
        maps = f"{looked} grey square there costs its answer." if explored["maps"] else ""
        sentence = (
            f"Validation images by who has the truth {has_truth}. Each card shows the {shown} of both with their "
            f"scores; ✓ marks the truth.{maps}{several}{none}"
        )
        markup = snippet("explorer.html", explored=data(explored))
        more = "The images, with the answers of any two contenders"
        return Section("explorer", "Where they disagree", sentence, [Html(markup)], "Disagreements", lead=0, more=more)


def explore(contest: Contest, thumbnails: dict[str, bytes], share: float = 1.0) -> dict[str, Any] | None:
    """What the page's script needs, or None where there is nothing to explore. ``share``: of what a page may hold.

    Of all n images, in one order: "labels" (n uint16) and for each of "contenders" its "hits" (n bits), whether the
    truth is among its best k. Of the first "ids" of them what a card shows: id, picture ("" for none), and for each
    contender the best classes ("guesses", 5 uint16 an image, 65535 where there are fewer) and their "scores" (float32;
    probabilities where "probable"). Of few classes also the best class of all n images ("first", uint8), for the cells
    of confusion matrices. "maps": the places of images whose occlusion maps are stored, with a map for each of
    "contenders" or None: [rows, columns, uint8 shares of its strongest]. Arrays are base64, least byte and bit first.
    The first two contenders are the ones that the report sets against each other.
    """
    pair, labels = contest.headline_pair, contest.labels
    if pair is None or labels is None or contest.ids is None or not {*pair} <= {*contest.paired}:
        return None
    others = (i for i in contest.paired if contest.ranked[i].family != FLOOR)
    chosen = list(dict.fromkeys([*pair, *others]))[:CONTENDERS]
    hits = np.stack([contest.ranked[i].hits(contest.k)[0] for i in chosen])
    ids = contest.ids.to_pylist()
    looked = occluded(contest)
    mapped = {} if looked is None else {name: place for place, name in enumerate(looked.ids)}
    rank = np.array([(name in thumbnails) + (name in thumbnails and name in mapped) for name in ids])
    room = int(share * GUESSES / (6 * SHOWN * len(chosen) + 60))
    order, kept = arrange(hits, rank, room)
    names = [ids[i] for i in order[:kept]]
    return {
        "k": contest.k,
        "classes": contest.dataset.class_names,
        "labels": _packed(labels[order].astype("<u2")),
        "ids": names,
        "pictures": _pictures([thumbnails.get(name, b"") for name in names], int(share * PICTURES)),
        "maps": {
            str(i): [_map(looked, c, mapped[name]) for c in chosen]
            for i, name in enumerate(names)
            if looked is not None and name in mapped
        },
        "contenders": [
            {
                "name": contest.ranked[i].title,
                "tone": contest.ranked[i].tone,
                "hits": _packed(np.packbits(hits[place][order], bitorder="little")),
                **_answers(contest, i, order[:kept]),
                **_first(contest, i, order),
            }
            for place, i in enumerate(chosen)
        ],
    }


def arrange(hits: NDArray[np.bool_], rank: NDArray[Any], room: int, seed: int = 0) -> tuple[NDArray[np.int64], int]:
    """(order of all n images, how many of the first of them are shown).

    hits: (m, n). rank: (n,) those of the highest come first: with a picture and a map, with a picture. Where not all
    find ``room``, equally many are drawn of who of each pair gets them: one, the other, neither, both; the rest of the
    room goes to any.
    """
    n = hits.shape[1]
    shuffled = np.random.default_rng(seed).permutation(n)
    shuffled = shuffled[np.argsort(-rank[shuffled].astype(int), kind="stable")]
    if n <= room:
        return shuffled, n
    kinds = []
    for a, b in combinations(hits[:, shuffled], 2):
        kinds += [np.flatnonzero(kind) for kind in (a & ~b, b & ~a, ~a & ~b, a & b)]
    taken = np.zeros(n, dtype=bool)
    for place in range(n):  # the first of every kind, then the second of every kind, …
        fresh = np.unique([kind[place] for kind in kinds if place < len(kind)])
        fresh = fresh[~taken[fresh]][: room - int(taken.sum())]
        taken[fresh] = True
        if taken.sum() >= room:
            break
    return np.concatenate([shuffled[taken], shuffled[~taken]]), int(taken.sum())


def _answers(contest: Contest, i: int, rows: NDArray[np.int64]) -> dict[str, Any]:
    """The best classes of these images and their scores, of the first seed. Images are matched by their ids."""
    assert contest.ids is not None
    stored = contest.ranked[i].results[0].predictions()
    assert stored is not None
    ids, ranking = stored
    found = pc.index_in(contest.ids.take(rows), value_set=ids).to_numpy().astype(np.int64)
    best, scores = ranking.top_classes[found, :SHOWN], ranking.top_scores[found, :SHOWN].astype("<f4")
    kind = contest.ranked[i].record.confidence
    if kind == "log-probability":
        scores = np.exp(scores)
    missing = ((0, 0), (0, SHOWN - best.shape[1]))
    return {
        "guesses": _packed(np.pad(best.astype("<u2"), missing, constant_values=2**16 - 1)),
        "scores": _packed(np.pad(scores, missing)),
        "probable": kind is not None,
    }


def _first(contest: Contest, i: int, order: NDArray[np.int64]) -> dict[str, str]:
    """Nothing where there are more classes than a confusion matrix shows."""
    first = contest.ranked[i].first
    return {} if first is None or contest.dataset.n_classes > CLASSES else {"first": _packed(first[order].astype("u1"))}


def _map(looked: Occluded, contender: int, place: int) -> list[Any] | None:
    """[rows, columns, shares of the strongest loss], what is negative at 0; None where there is no map."""
    if contender not in looked.maps:
        return None
    loss = looked.maps[contender][place]
    shares = np.clip(loss / max(float(loss.max()), 1e-12), 0, 1)
    return [*loss.shape, _packed(np.rint(255 * shares).astype("u1"))]


def _pictures(jpegs: list[bytes], budget: int) -> list[str]:
    out = []
    for jpeg in jpegs:
        budget -= len(jpeg)
        out.append(base64.b64encode(jpeg).decode() if jpeg and budget >= 0 else "")
    return out


def _packed(array: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
