"""Where they disagree: images that one side gets and the other misses, with the five guesses of each."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...families import FLOOR, tone_of
from ..analysis.contest import Contest
from ..page.html import data, snippet
from .parts import Html, Section

PER_KIND = {"a": 120, "b": 120, "neither": 60, "both": 30}  # images kept, by who gets them
CONTENDERS = 12
BYTES = 5_000_000  # of pictures, all data sets of a page together


class Explorer:
    """See the module."""

    def build(self, contest: Contest) -> Section | None:
        """None where no two contenders can be set against each other."""
        explored = explore(contest, contest.pictures(), int(BYTES * contest.share_of_page))
        if explored is None:
            return None
        has_truth = "as the first guess" if contest.k == 1 else f"among the best {contest.k} guesses"
        shown = "five best guesses" if contest.dataset.n_classes > 4 else "guesses"
        pictures = any(image["jpeg"] for image in explored["images"])
        none = "" if pictures else " This run saved no pictures, so the images are named only."
        sentence = (
            f"Validation images by who has the truth {has_truth}. Each card shows the {shown} of both; ✓ marks the "
            f"truth.{none}"
        )
        markup = snippet("explorer.html", explored=data(explored))
        return Section("explorer", "Where they disagree", sentence, [Html(markup)], "Disagreements")


def explore(contest: Contest, thumbnails: dict[str, bytes], budget: int = BYTES) -> dict[str, Any] | None:
    """What the page's script needs, or None where there is nothing to explore.

    {"k", "classes": {index: name}, "contenders": [{name, tone}], "images": [{id, label, jpeg, guesses, hits}]} with
    guesses[c] the best five classes of contender c and hits[c] whether the truth is among its best k. The first two
    contenders are the ones the report sets against each other.
    """
    pair, labels = contest.headline_pair, contest.labels
    if pair is None or labels is None or contest.ids is None or not {*pair} <= {*contest.paired}:
        return None
    others = (i for i in contest.paired if contest.ranked[i].family != FLOOR)
    chosen = list(dict.fromkeys([*pair, *others]))[:CONTENDERS]
    rows = _choose(contest, pair, thumbnails)
    if not len(rows):
        return None
    ids = contest.ids.take(rows).to_pylist()
    pictures = []
    for name in ids:
        jpeg = thumbnails.get(name, b"")
        budget -= len(jpeg)
        pictures.append(base64.b64encode(jpeg).decode() if jpeg and budget > 0 else "")
    hits = [contest.ranked[i].hits(contest.k)[0][rows] for i in chosen]
    guesses = [_guesses(contest, i, rows) for i in chosen]
    used = sorted({int(labels[r]) for r in rows} | {int(g) for block in guesses for g in block.flat if g >= 0})
    names = contest.dataset.class_names
    return {
        "k": contest.k,
        "classes": {c: names[c] for c in used},
        "contenders": [{"name": contest.ranked[i].name, "tone": tone_of(contest.ranked[i].family)} for i in chosen],
        "images": [
            {
                "id": ids[j],
                "label": int(labels[row]),
                "jpeg": pictures[j],
                "guesses": [block[j].tolist() for block in guesses],
                "hits": [int(h[j]) for h in hits],
            }
            for j, row in enumerate(rows)
        ],
    }


def _choose(contest: Contest, pair: tuple[int, int], thumbnails: dict[str, bytes]) -> NDArray[np.int64]:
    """Rows of every kind, spread over the classes; only images with a picture where the run saved any."""
    assert contest.ids is not None
    a, b = (contest.ranked[i].hits(contest.k)[0] for i in pair)
    usable = np.ones(len(a), dtype=bool)
    if thumbnails:
        usable = np.array([name in thumbnails for name in contest.ids.to_pylist()])
    shuffled = np.random.default_rng(0).permutation(np.flatnonzero(usable))
    kinds = {"a": a & ~b, "b": b & ~a, "neither": ~a & ~b, "both": a & b}
    return np.concatenate([shuffled[mask[shuffled]][: PER_KIND[kind]] for kind, mask in kinds.items()])


def _guesses(contest: Contest, i: int, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    """(len(rows), 5) classes, of the first seed; -1 where there are fewer. Images are matched by their ids."""
    assert contest.ids is not None
    stored = contest.ranked[i].results[0].predictions()
    assert stored is not None
    ids, ranking = stored
    best = ranking.top_classes[pc.index_in(contest.ids.take(rows), value_set=ids).to_numpy().astype(np.int64), :5]
    return np.pad(best, ((0, 0), (0, 5 - best.shape[1])), constant_values=-1)
