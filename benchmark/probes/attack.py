"""The probe ``attack``: how little must pixels change until a contender is wrong?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from topfive.common.parameters import number, whole_number

from .choices import numbers
from .contract import Fitted, Images, Pixels, hook
from .pgd import pgd
from .search import Searched, Squares, UniformNoise, checkpoints, margins, search, stacked
from .tables import BOOL, BYTES, FLOAT, INT, TEXT, Rows, png


class Attack:
    """Square attack: pixels changed by at most ε of 255, from scores alone, beside uniform noise of the same ε.

    Andriushchenko, Croce, Flammarion and Hein 2020 (``search.Squares``): L∞, margin loss, no gradients, so that a
    linear SVM on Fisher vectors and a network are asked in the same way, with the same budget of queries. Only images
    that are answered right are attacked. On uint8: what is scored is an image that could be stored.

    Deviates: the schedule of square sizes is rescaled to the budget (as the authors' code does), and the budget is
    ``queries``, 300 unless told, where the paper has 10,000 and AutoAttack 5,000: errors under attack are lower bounds.
    The noise is drawn up to ``draws`` times an image; a single draw is what it had after one query.

    Beside it, where the contender has ``input_gradient``, a white-box attack that sees the weights: ``pgd.pgd``. No
    contender without a gradient can be asked so, and the two sides are never compared by it.

    ``ask`` returns five tables; ``image`` is a place in the sequence asked about, scores are float64:

    - ``clean``: image, label, answer, margin (score of the true class less the highest other), right
    - ``attack``: attack ("square", "noise" or "pgd"), epsilon, image, queries used, broken, margin at the end
    - ``trajectory``: attack, epsilon, image, queries, margin: the least margin after 1, 2, 5, 10, … queries
      (0: the plain image; once broken, it stays as it is)
    - ``examples``: image, label, epsilon, queries, answer (to the perturbed image), clean, perturbed (PNG): of the
      first images that were broken, each at the smallest epsilon that broke it
    - ``perturbed``: image, label, epsilon, perturbed (PNG): every image that the Square attack broke at the largest
      epsilon, for the probe ``transfer``

    Parameters
    ----------
    epsilons: largest change of a value, of 255, joined by "+".
    queries: budget of the attack, an image and epsilon.
    draws: budget of the noise.
    share: p, the share of pixels in the first squares: 0.05 for plain contenders, 0.8 for those trained to resist.
    images: how many validation images are asked about.
    steps: of the white-box attack; 0 for none.
    examples: how many perturbed images are kept.
    random_state: seed of all random numbers.
    """

    def __init__(
        self,
        epsilons: str | int | Sequence[int] = "1+2+4+8",
        queries: int = 300,
        draws: int = 10,
        share: float = 0.05,
        images: int = 50,
        steps: int = 20,
        examples: int = 4,
        random_state: int = 0,
    ) -> None:
        self.epsilons = epsilons
        self.queries = queries
        self.draws = draws
        self.share = share
        self.images = images
        self.steps = steps
        self.examples = examples
        self.random_state = random_state
        self._epsilons = numbers("epsilons", epsilons, 0)
        whole_number("queries", queries, 1)
        whole_number("draws", draws, 1)
        number("share", share, above=0, most=1)
        whole_number("images", images, 1)
        whole_number("steps", steps, 0)
        whole_number("examples", examples, 0)
        whole_number("random_state", random_state, 0)

    def ask(self, contender: Fitted, images: Images, labels: NDArray[np.int64]) -> Mapping[str, pa.Table]:
        """Attack each image that ``contender`` answers right; see the class."""
        pixels = [images[i] for i in range(len(images))]
        labels = np.asarray(labels, np.int64)
        plain = np.asarray(contender.scores(stacked(pixels)), np.float64)
        margin = margins(plain, labels)
        right = np.flatnonzero(margin > 0)
        victims = [pixels[i] for i in right]
        clean = Rows(image=INT, label=INT, answer=INT, margin=FLOAT, right=BOOL)
        for row in zip(range(len(pixels)), labels, plain.argmax(axis=1), margin, margin > 0, strict=True):
            clean.add(*row)
        attacks = Rows(attack=TEXT, epsilon=INT, image=INT, queries=INT, broken=BOOL, margin=FLOAT)
        trajectory = Rows(attack=TEXT, epsilon=INT, image=INT, queries=INT, margin=FLOAT)
        broken: dict[int, tuple[int, int, Pixels]] = {}
        perturbed = Rows(image=INT, label=INT, epsilon=INT, perturbed=BYTES)
        for name, budget, epsilon, found in self._searched(contender, victims, labels[right], margin[right], right):
            for k, i in enumerate(right):
                attacks.add(name, epsilon, i, found.queries[k], found.broken[k], found.margins[-1, k])
                trajectory.add(name, epsilon, i, 0, margin[i])
                for query, least in zip(checkpoints(budget), found.margins[:, k], strict=True):
                    trajectory.add(name, epsilon, i, query, least)
                if name == "square" and found.broken[k]:
                    broken.setdefault(int(i), (epsilon, int(found.queries[k]), found.images[k]))
                    if epsilon == self._epsilons[-1]:
                        perturbed.add(i, labels[i], epsilon, png(found.images[k]))
        return {
            "clean": clean.table(),
            "attack": attacks.table(),
            "trajectory": trajectory.table(),
            "examples": self._examples(contender, pixels, labels, broken),
            "perturbed": perturbed.table(),
        }

    def _searched(
        self,
        contender: Fitted,
        victims: list[Pixels],
        labels: NDArray[np.int64],
        margin: NDArray[np.float64],
        places: NDArray[np.int64],
    ) -> Iterator[tuple[str, int, int, Searched]]:
        """(name, budget, epsilon, what came of it) of each attack on the ``victims``, which stand at these ``places``.

        All epsilons are searched at once, as many images in a call make each of them cheaper.
        """
        gradient = hook(contender, "input_gradient")
        white = 0 if gradient is None else self.steps
        n, within = len(victims), [epsilon for epsilon in self._epsilons if epsilon > 0]
        images, truth, each = victims * len(within), np.tile(labels, len(within)), np.repeat(within, n).tolist()
        for place, (name, budget) in enumerate((("square", self.queries), ("noise", self.draws), ("pgd", white))):
            if not budget:
                continue
            if 0 in self._epsilons:
                yield name, budget, 0, _untouched(victims, margin, budget)
            seeds = [np.random.default_rng([self.random_state, place, e, int(i)]) for e in within for i in places]
            if name == "pgd" and gradient is not None:
                found = pgd(contender.scores, gradient, images, truth, seeds, each, budget)
            elif name == "square":
                squares = Squares(images, seeds, each, budget, self.share)
                found = search(contender.scores, images, truth, squares, budget)
            else:
                found = search(contender.scores, images, truth, UniformNoise(images, seeds, each), budget)
            for nth, epsilon in enumerate(within):
                yield name, budget, epsilon, found.part(slice(nth * n, (nth + 1) * n))

    def _examples(
        self,
        contender: Fitted,
        pixels: Sequence[Pixels],
        labels: NDArray[np.int64],
        broken: Mapping[int, tuple[int, int, Pixels]],
    ) -> pa.Table:
        rows = Rows(image=INT, label=INT, epsilon=INT, queries=INT, answer=INT, clean=BYTES, perturbed=BYTES)
        chosen = sorted(broken)[: self.examples]
        if chosen:
            answers = np.asarray(contender.scores(stacked([broken[i][2] for i in chosen]))).argmax(axis=1)
            for i, answer in zip(chosen, answers, strict=True):
                epsilon, queries, perturbed = broken[i]
                rows.add(i, labels[i], epsilon, queries, answer, png(pixels[i]), png(perturbed))
        return rows.table()


def _untouched(images: Sequence[Pixels], margin: NDArray[np.float64], budget: int) -> Searched:
    """What a search within ε = 0 comes to: nothing, without a query."""
    none = np.zeros(len(images), np.int64)
    return Searched(none, np.tile(margin, (len(checkpoints(budget)), 1)), list(images))
