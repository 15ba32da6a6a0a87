"""An independent recount of a report's first screen from the predictions that its run stored.

It imports nothing of this project: ranks, errors, intervals, tests, the correction for the choice of the pair, tie
groups and numbers of images are computed here a second time. Then every line of the first screen that holds a number
must be one that the recount knows, with the same names and the same numbers in the same order, and the ranking must be
drawn where its numbers say (``__main__``). For runs of one data set, both sides, and one seed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from statsmodels.stats.multitest import multipletests

from .papers import images_needed, mid_p, runs_not_told_apart, tango, wilson
from .screen import duration, number, p_value, rounded, tokens

# What the page calls contenders, written down a second time.
TITLES = {
    "alexnet": "AlexNet",
    "chance": "Random guesses",
    "color-histogram": "Colour histogram",
    "hog": "HOG",
    "lenet-1998": "LeNet-5",
    "mlp-1986": "Perceptron of 1986",
    "pixels-svm": "SVM on raw pixels",
    "random-forest": "Random forest",
    "resnet-2015": "ResNet-18",
    "sift-bovw": "SIFT with visual words",
    "sift-fisher": "SIFT with Fisher vectors",
    "vit-2021": "Vision transformer",
}
HAND, DEEP, FLOOR, PRETRAINED = "hand-engineered", "deep", "floor", "pre-trained"
ALPHA = 0.05

Line = tuple[
    str, list[list[str]]
]  # a pattern that it matches; its names and numbers, several where rounding may differ


@dataclass
class Contender:
    """One of a run: its hits at each k on the same images, in the same order."""

    spec: str
    record: dict[str, Any]
    n_classes: int
    ids: pd.Series
    label: np.ndarray[Any, Any]
    hits: dict[int, np.ndarray[Any, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return TITLES.get(self.spec, self.spec)

    @property
    def family(self) -> str:
        return str(self.record["family"])

    def cost(self, name: str) -> float | None:
        """Of the first schema or of a later one."""
        value = self.record.get("costs", self.record).get(name)
        return None if value is None else float(value)


def read(run: Path) -> tuple[dict[str, Any], list[Contender], int]:
    """(the data set's record, contenders, cells that did not finish) of a run of one data set and one seed."""
    stored = json.loads((run / "results.json").read_text(encoding="utf-8"))
    records = stored.get("records", stored.get("cells"))
    (dataset,) = stored["datasets"].values()
    done = [record for record in records if record["status"] == "done" and record.get("probe") is None]
    contenders = [contender(run, record) for record in done]
    undone = sum(record["status"] != "done" for record in records)
    return dataset, contenders, undone


def contender(run: Path, record: dict[str, Any]) -> Contender:
    """Its ranks are counted from the scores stored, where the truth is among them, and must be those stored too."""
    file = pq.ParquetFile(run / record["predictions"])
    n_classes = int(file.schema_arrow.metadata[b"n_classes"])
    rows = file.read().to_pandas()
    classes, scores = np.stack(rows["top_classes"]), np.stack(rows["top_scores"])
    label = rows["label"].to_numpy()
    above, tied = rows["above"].to_numpy(), rows["tied"].to_numpy()
    listed = (classes == label[:, None]).any(axis=1)
    truth = np.where(classes == label[:, None], scores, -np.inf).max(axis=1)[:, None]
    # Float32 may tie where the contender's own numbers did not, so the place of the truth lies within that tie.
    least, most = (scores > truth).sum(axis=1), (scores >= truth).sum(axis=1)
    ended = (most < classes.shape[1]) | (classes.shape[1] == n_classes)
    good = np.where(listed, (least <= above) & (~ended | (above + tied <= most)), above + tied > classes.shape[1])
    if not good.all():
        raise SystemExit(f"{record['method']}: the rank of image {rows['image_id'][int(np.argmin(good))]} is another")
    found = Contender(record["method"], record, n_classes, rows["image_id"], label)
    found.hits = {k: above + tied <= k for k in (1, 5)}
    return found


@dataclass(frozen=True)
class Pair:
    only_a: int
    only_b: int
    p: float


class Recount:
    """All that the first screen may say of a run, as lines: names and numbers in their order."""

    def __init__(self, run: Path) -> None:
        self.dataset, found, self.undone = read(run)
        self.pictured = (run / "thumbnails").is_dir()
        first = found[0]
        if any(not c.ids.equals(first.ids) or not np.array_equal(c.label, first.label) for c in found):
            raise SystemExit("the contenders answered for other images")
        if len({c.spec for c in found}) < len(found):
            raise SystemExit("several seeds or sizes: this recount is for one")
        self.n, self.n_classes = len(first.label), first.n_classes
        self.k = 5 if self.n_classes > 10 else 1
        self.chance = 1 - self.k / self.n_classes
        self.ranked = sorted(found, key=lambda c: (*((~c.hits[k]).mean() for k in (self.k, 1)), c.spec))
        self.hits = [c.hits[self.k] for c in self.ranked]
        self.errors = [int((~hit).sum()) for hit in self.hits]
        self.ranges = [wilson(errors, self.n) for errors in self.errors]
        self.pairs = {(i, j): self._pair(i, j) for i, j in combinations(range(len(found)), 2)}
        best = [next((i for i, c in enumerate(self.ranked) if c.family == f), None) for f in (HAND, DEEP)]
        if None in best:
            raise SystemExit("this recount is for runs of both sides")
        self.hand, self.deep = int(best[0] or 0), int(best[1] or 0)
        self.chosen = (min(self.hand, self.deep), max(self.hand, self.deep))
        self.rivals = [i for side in (self.hand, self.deep) for i in self._rivals(side)]
        self.candidates = 2 + len(self.rivals)
        self.level = 2 * ALPHA / self.candidates
        self.apart = self._told_apart()

    def _pair(self, i: int, j: int) -> Pair:
        a, b = self.hits[i], self.hits[j]
        only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
        return Pair(only_a, only_b, mid_p(only_a, only_b))

    def _rivals(self, chosen: int) -> list[int]:
        """Of the same family, and not told from the one that stands in the verdict when looked at alone."""
        same = [i for i, c in enumerate(self.ranked) if c.family == self.ranked[chosen].family and i != chosen]
        return [i for i in same if self.pairs[min(i, chosen), max(i, chosen)].p >= ALPHA]

    def _told_apart(self) -> set[tuple[int, int]]:
        others = [key for key in self.pairs if key != self.chosen]
        rejected = multipletests([self.pairs[key].p for key in others], ALPHA, method="holm")[0] if others else []
        apart = {key for key, yes in zip(others, rejected, strict=True) if yes}
        return apart | ({self.chosen} if self.pairs[self.chosen].p < self.level else set())

    def holm_level(self, key: tuple[int, int]) -> float:
        """What Holm (1979) leaves to a pair: of m tests alpha / m to the smallest p, and so on up to the first kept."""
        others = sorted((pair.p, key) for key, pair in self.pairs.items() if key != self.chosen)
        for rank, (p, other) in enumerate(others):
            level = ALPHA / (len(others) - rank)
            if other == key or p >= level:
                return level
        raise KeyError(key)

    # Lines: words that tell a line, then its names and numbers.

    @cached_property
    def lines(self) -> list[Line]:
        """What the page must say, each line once or more; what has no tokens it must not say."""
        return list(self._lines())

    @cached_property
    def budgets(self) -> list[Line]:
        """What the page may say of what contenders were given, as the run's records have it."""
        return list(self._budgets())

    def _lines(self) -> Iterator[Line]:
        d, n, k, top = self.dataset, self.n, str(self.k), self.ranked
        height, width = d.get("image_size") or (0, 0)
        sizes = [f"{self.n_classes:,}", f"{d['n_train']:,}", f"{n:,}"]
        yield r"training and .* validation images", [sizes + [str(width), str(height)] * bool(height)]
        yield rf"^Top-{k} error, with", [[k, "95"]]
        yield from self._verdict()
        for name, i in (("Best hand-engineered", self.hand), ("Best deep network", self.deep)):
            alone = [] if k == "1" else [number(100 * float((~top[i].hits[1]).mean()))]
            yield rf"^{name} \|", [[self.percent(i), top[i].name, *self.interval(i), *alone]]
        gap, low, high = self.gap()
        yield r"points between them", [[gap, low, high]]
        yield r"^Paired difference ", [[gap, "95", low, high, "0"]]
        yield r"^difference ", [[gap, "95", low, high]]
        yield r"^One image of \d+ of the classes$", [["20"]] if self.n_classes > 20 and self.pictured else []
        for i, c in enumerate(top):
            own = [c.name, self.percent(i), *self.interval(i)]
            known = [c.name] if c.name == c.spec else [c.name, c.spec]
            yield rf"^{re.escape(c.name)}( \([^)]+\))?: .* interval", [[*known, own[1], "95", *own[2:]]]
            yield rf"^row \| {re.escape(c.spec)} \|", [[c.spec, *own[1:]]]
        listed = [t for i, c in enumerate(top) for t in (c.name, self.percent(i), "95", *self.interval(i))]
        yield r"best first: .* Chance level", [[k, *listed, number(100 * self.chance)]]
        named = ["chance"] if "chance" in [c.spec for c in top] else []
        yield r"^((CSV|Markdown|LaTeX) of: )?Top-\d error on", [[k]]
        yield from self._claim()
        yield r"^chance [\d.]+", [[*named, number(100 * self.chance)]]
        yield r"^row \| contender \|", [[k]]
        yield r"error, further left is better(; brackets: not told apart)?$", [[k]]
        yield from self._ties()
        yield from self._caveats()

    def _claim(self) -> Iterator[Line]:
        """The title of the ranking, in whole points where there are ten or more."""
        one, other = (self.ranked[i].name for i in self.chosen)
        gap = 100 * abs(self.difference()[0])
        if self.chosen in self.apart:
            yield r" errs .* points? less than ", [[one, f"{gap:.0f}" if gap >= 9.5 else number(gap), other]]

    def _verdict(self) -> Iterator[Line]:
        a, b = self.chosen
        pair, names = self.pairs[self.chosen], [self.ranked[i].name for i in self.chosen]
        sizes = {c.record["n_train_per_class"] for c in self.ranked}
        where = [f"{self.n_classes:,}", f"{max(sizes):,.0f}"]
        p, corrected = p_value(pair.p), p_value(min(1.0, pair.p * self.candidates / 2))
        tail = [p] if p == corrected else [p, corrected, str(self.candidates)]
        k, gap = str(self.k), self.gap()
        luck = "luck does not explain the difference" if self.chosen in self.apart else "luck alone could make that"
        both = [self.percent(a), self.percent(b)]
        yield (
            rf"^On these .* misses the right class .*; {luck}",
            [[*where, names[0], both[0], f"{self.n:,}", k, names[1], both[1]]],
        )
        yield r" is ahead by .*, McNemar", [[names[0], gap[0], k, "95", *gap[1:], *tail]]
        yield from self._advice(names)
        if self.chosen not in self.apart:
            needed = images_needed(pair.only_a, pair.only_b, self.n, self.level)
            if needed is not None:
                yield r"^If the difference seen is the true one", [[size, f"{self.n:,}"] for size in rounded(needed)]
        if 0 not in self.chosen:
            yield r"^Best of all is", [[self.ranked[0].name, self.percent(0)]]
        seen = [c.name for c in self.ranked if c.family == PRETRAINED]
        yield r"seen other images as well", [seen] if seen else []
        others = [self.ranked[i].name for i in self.rivals]
        yield (
            r"might as well have stood here",
            [[*(others if len(others) <= 4 else [str(len(others))]), str(self.candidates)]] if others else [],
        )
        hand, deep = self.hits[self.hand], self.hits[self.deep]
        shares = [number(100 * float(x.mean())) for x in (hand & ~deep, deep & ~hand, ~hand & ~deep)]
        yield (
            r"^The two see differently",
            [[shares[0], self.ranked[self.hand].name, shares[1], self.ranked[self.deep].name, shares[2]]],
        )

    def _advice(self, names: list[str]) -> Iterator[Line]:
        """Who costs less, by the seconds that the run recorded; of alike ones the error decides."""
        fits = [self.ranked[i].cost("fit_seconds") for i in self.chosen]
        if None in fits:
            return
        told, (ahead, behind) = self.chosen in self.apart, [float(fit or 0) for fit in fits]
        quick, slow = (0, 1) if ahead <= behind else (1, 0)
        times = [*duration(min(ahead, behind)), *duration(max(ahead, behind))]
        rates = [self.ranked[self.chosen[i]].cost("images_per_second") or 0 for i in (quick, slow)]
        in_use = []
        if max(ahead, behind) >= 1.5 * min(ahead, behind) and rates[1] >= 1.5 * rates[0] > 0:
            in_use = [names[slow], *duration(1 / rates[1]), *duration(1 / rates[0])]
        if max(ahead, behind) < 1.5 * min(ahead, behind):
            if not told:
                yield r"^Both take about as long to train", [times]
        elif not told:
            yield r" is the cheaper choice", [[names[quick], *times, *in_use]]
        elif quick == 0:
            yield r"it errs less and is cheaper", [[names[0], *times, *in_use]]
        else:
            slower = duration(max(ahead, behind))
            yield r"^Take .* for its error", [[*names, *duration(min(ahead, behind)), names[0], *slower, *in_use]]

    def headline(self) -> str:
        """What the page must say first."""
        a = self.chosen[0]
        if self.chosen not in self.apart:
            return "Too close to call."
        deep = self.ranked[a].family == DEEP
        loser = "beats hand-engineered features here" if deep else "still beats deep learning here"
        behind = [i for i, c in enumerate(self.ranked) if c.family == self.ranked[self.chosen[1]].family and i != a]
        learning = any(self.ranked[i].record.get("converged") is False for i in behind)
        return f"{self.ranked[a].name} {loser}{', for now' if learning else ''}."

    def _ties(self) -> Iterator[Line]:
        groups = runs_not_told_apart(len(self.ranked), self.apart)
        for first, last in groups if len(groups) <= 4 else groups[:3]:
            names = [c.name for c in self.ranked[first : last + 1]]
            said = names if len(names) <= 6 else [names[0], names[-1]]
            key = (first, last)
            level = self.level if key == self.chosen else self.holm_level(key)
            needed = images_needed(self.pairs[key].only_a, self.pairs[key].only_b, self.n, level)
            base = [f"{self.n:,}", *said]
            compared = key == self.chosen  # of them the verdict says it
            shown = [] if needed is None or compared else [[*base, size] for size in rounded(needed)]
            if needed is None or compared or needed[0] <= self.n:  # it does not say fewer than there are
                shown.append(base)
            yield rf"^These .* cannot be told apart on .*: (from )?{re.escape(names[0])}\b", shown
        yield r"^Every pair of contenders can be told apart", [["<0.05"]] if not groups else []
        yield r"more groups overlap", [[str(len(groups) - 3)]] if len(groups) > 4 else []

    def _caveats(self) -> Iterator[Line]:
        widest = max(high - low for low, high in self.ranges)
        few = [[f"{self.n:,}", number(50 * widest)]] if self.n < 1000 else []
        yield r"validation images are few", few
        yield r"a top-5 error says little", [[str(self.n_classes), "5", "1"]] if self.k == 1 else []
        floor = [c.name for c, (_, high) in zip(self.ranked, self.ranges, strict=True) if high >= self.chance]
        floor = [c.name for c in self.ranked if c.name in floor and c.family != FLOOR]
        yield r"^Not clear of chance", [[number(100 * self.chance), *floor]] if floor else []
        cells = len(self.ranked) + self.undone
        yield r"cells did not finish", [[str(self.undone), str(cells)]] if self.undone else []
        for note in self.dataset.get("notes", []):
            if note.startswith("Leakage:"):
                yield re.escape(note), [tokens(note, self.names)]

    def _budgets(self) -> Iterator[Line]:
        given = [(c.name, c.record.get("budget") or {}, c.record) for c in self.ranked]
        names = self.names
        for name, budget, record in given:
            if record.get("converged") is False:
                own = tokens(record.get("convergence") or "", names)
                epochs = [str(budget["epochs"])] if "epochs" in budget else []
                width = budget.get("width", 1)
                odd = [f"{width:g}"] if width not in (1, 0.5, 0.25) else []
                yield rf"^{re.escape(name)} was still learning", [[name, *epochs, *odd, *own]]
        pair = [given[i] for i in self.chosen]
        seen = sorted((self._pixels(budget), name) for name, budget, _ in pair if self._pixels(budget))
        if len(seen) == 2:
            (few, one), (many, other) = seen
            yield r"pixels of an image", [[one, f"{few:,}", other, f"{many:,}", f"{many / few:.0f}"]]
        views = [t for name, budget, _ in pair for t in (name, str(budget.get("views")))]
        yield r"^Of a test image", [views]
        for name, budget, _ in pair:
            share = 100 * budget.get("train_share", 1)
            yield rf"^{re.escape(name)} learned from", [[name, f"{share:.0f}"]]

    def _pixels(self, budget: dict[str, Any]) -> int:
        height, width = self.dataset.get("image_size") or (1 << 15, 1 << 15)
        return int(budget["side"]) ** 2 if "side" in budget else min(int(budget.get("pixels", 0)), height * width)

    @property
    def names(self) -> list[str]:
        """All that may stand for a contender in a line."""
        return list(dict.fromkeys(name for c in self.ranked for name in (c.name, c.spec)))

    def percent(self, i: int) -> str:
        return number(100 * self.errors[i] / self.n)

    def interval(self, i: int) -> list[str]:
        return [number(100 * end) for end in self.ranges[i]]

    def gap(self) -> list[str]:
        return [number(100 * x) for x in self.difference()]

    def difference(self) -> tuple[float, float, float]:
        """Of the two that are compared, and the ends of its interval."""
        pair = self.pairs[self.chosen]
        low, high = tango(pair.only_a, pair.only_b, self.n, self.level)
        if (self.chosen in self.apart) == (low <= 0 <= high):  # the test decides: the end moves to its side of 0
            low = 0.0
        return (pair.only_a - pair.only_b) / self.n, low, high
