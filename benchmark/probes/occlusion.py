"""The probe ``occlusion``: where did a contender look? A grey patch over each place, and what the score loses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from topfive.common.parameters import number, whole_number

from .contract import Fitted, Images, Pixels, hook
from .search import margins, stacked
from .tables import BOOL, FLOAT, INT, TEXT, Rows

GREY = np.uint8(128)
ORDERS = ("map", "random", "centre")
CURVES = ("deletion", "insertion")


class Occlusion:
    """Occlusion maps: the loss of score under a grey patch, scored by deletion and insertion curves with controls.

    The map: Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014. A grey square is put
    on each place of a grid; the *loss* is by how much the margin of the class that the contender answers (its score
    less the highest other) falls. The square is ``patch`` × the short side, the grid has ``cells`` cells along that
    side, and a cell's loss is the mean over the squares that touch its middle.

    The curves: deletion and insertion of Petsiuk, Das and Saenko, "RISE", BMVC 2018. Deletion turns cells grey,
    insertion uncovers them from a blurred image (a Gaussian of standard deviation 5 px at 224 px, scaled to the short
    side); cells of the highest loss first, in ``steps`` equal steps. The two controls take the same cells in random
    order, and from the middle outwards: a map that is not better than those says nothing about its image. The area
    under a curve is by the trapezoid rule over the share of cells, from 0 to 1.

    Deviates: margins, not class probabilities, as an SVM has none and a network's logits mean nothing alone; RISE goes
    by pixels and takes as many steps as the side has pixels, this by cells of its map, and fewer steps.

    Beside the map, of a contender with ``patch_contributions``, what each patch added to the score of the answer: a
    patch's share is spread evenly over its square, and summed over each cell. It is exact where a map by occlusion is
    an experiment, and there is none for a network.

    ``ask`` returns four tables; ``image`` is a place in the sequence asked about:

    - ``maps``: image, label, answer, margin, height, width (pixels), rows, columns, loss (rows × columns values, row by
      row; the cells divide the image evenly, the first and last may differ by a pixel)
    - ``curves``: image, curve ("deletion" or "insertion"), order ("map", "random" or "centre"), share of the cells
      changed so far, margin of the answered class, kept (is it still the answer?), probability (softmax of the scores:
      of use where they are logits or log-probabilities)
    - ``patches``: image, rows, columns, added (rows × columns values), total: of all patches, the score without what
      an image without patches would get; empty for a contender that does not tell
    - ``areas``: image, curve, order, and the area under ``kept`` and under ``probability``; deletion: low is good

    Parameters
    ----------
    images: how many validation images are asked about.
    patch: side of the square, as a share of the short side.
    cells: cells of the map along the short side.
    steps: steps of each curve.
    batch: how many images are scored in one call.
    random_state: seed of the random order.
    """

    def __init__(
        self,
        images: int = 20,
        patch: float = 0.25,
        cells: int = 10,
        steps: int = 20,
        batch: int = 64,
        random_state: int = 0,
    ) -> None:
        self.images = images
        self.patch = patch
        self.cells = cells
        self.steps = steps
        self.batch = batch
        self.random_state = random_state
        whole_number("images", images, 1)
        number("patch", patch, above=0, most=1)
        whole_number("cells", cells, 1)
        whole_number("steps", steps, 1)
        whole_number("batch", batch, 1)
        whole_number("random_state", random_state, 0)

    def ask(self, contender: Fitted, images: Images, labels: NDArray[np.int64]) -> Mapping[str, pa.Table]:
        """Map and curves of each image; see the class."""
        maps = Rows(
            image=INT, label=INT, answer=INT, margin=FLOAT, height=INT, width=INT, rows=INT, columns=INT,
            loss=pa.list_(FLOAT),
        )  # fmt: skip
        curves = Rows(image=INT, curve=TEXT, order=TEXT, share=FLOAT, margin=FLOAT, kept=BOOL, probability=FLOAT)
        areas = Rows(image=INT, curve=TEXT, order=TEXT, kept=FLOAT, probability=FLOAT)
        patches = Rows(image=INT, rows=INT, columns=INT, added=pa.list_(FLOAT), total=FLOAT)
        contributions = hook(contender, "patch_contributions")
        for i in range(len(images)):
            image = images[i]
            grid = CellGrid.over(image, self.cells)
            plain = self._scores(contender, [image])
            answer = int(plain[0].argmax())
            margin = float(margins(plain, np.array([answer]))[0])
            loss = self._loss(contender, image, grid, answer, margin)
            maps.add(i, int(labels[i]), answer, margin, *image.shape[:2], grid.rows, grid.columns, loss.tolist())
            added = None if contributions is None else contributions(image, answer)
            if added is not None:
                spread = spread_over(grid, np.asarray(added, np.float64))
                patches.add(i, grid.rows, grid.columns, spread.ravel().tolist(), float(added[:, 3].sum()))
            rng = np.random.default_rng([self.random_state, i])
            orders = {
                "map": np.argsort(-loss, kind="stable"),
                "random": rng.permutation(grid.rows * grid.columns),
                "centre": np.argsort(grid.from_middle(), kind="stable"),
            }
            for curve in CURVES:
                start, end = (image, np.full_like(image, GREY)) if curve == "deletion" else (blurred(image), image)
                for name in ORDERS:
                    shares, states = replaced(start, end, grid, orders[name], self.steps)
                    scores = self._scores(contender, states)
                    each = np.full(len(states), answer)
                    probability = softmax(scores)[:, answer]
                    kept = scores.argmax(axis=1) == answer
                    for row in zip(shares, margins(scores, each), kept, probability, strict=True):
                        curves.add(i, curve, name, *row)
                    areas.add(
                        i, curve, name, np.trapezoid(kept.astype(float), shares), np.trapezoid(probability, shares)
                    )
        tables = {"maps": maps, "curves": curves, "areas": areas, "patches": patches}
        return {name: rows.table() for name, rows in tables.items()}

    def _loss(
        self, contender: Fitted, image: Pixels, grid: CellGrid, answer: int, margin: float
    ) -> NDArray[np.float64]:
        """(rows · columns,) mean fall of the margin over the squares that cover each cell's middle."""
        side = max(1, round(self.patch * min(image.shape[:2])))
        squares = [grid.square(row, column, side) for row in range(grid.rows) for column in range(grid.columns)]
        covered = []
        for square in squares:
            covered.append(image.copy())
            covered[-1][square] = GREY
        scores = self._scores(contender, covered)
        fall = margin - margins(scores, np.full(len(scores), answer))
        total, count = np.zeros((grid.rows, grid.columns)), np.zeros((grid.rows, grid.columns))
        middles = grid.middles()
        for (down, across), each in zip(squares, fall, strict=True):
            under = np.ix_(
                (middles[0] >= down.start) & (middles[0] < down.stop),
                (middles[1] >= across.start) & (middles[1] < across.stop),
            )
            total[under] += each
            count[under] += 1
        return np.asarray((total / np.maximum(count, 1)).ravel(), np.float64)

    def _scores(self, contender: Fitted, images: Sequence[Pixels]) -> NDArray[np.float64]:
        parts = [images[start : start + self.batch] for start in range(0, len(images), self.batch)]
        return np.concatenate([np.asarray(contender.scores(stacked(part)), np.float64) for part in parts])


class CellGrid:
    """An image divided into cells, as square as may be: ``rows`` × ``columns`` with these edges in pixels."""

    def __init__(self, height: int, width: int, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self.down = np.rint(np.linspace(0, height, rows + 1)).astype(int)
        self.across = np.rint(np.linspace(0, width, columns + 1)).astype(int)

    @classmethod
    def over(cls, image: Pixels, cells: int) -> CellGrid:
        """``cells`` along the short side, as many as fit in proportion along the other; no cell without a pixel."""
        height, width = image.shape[:2]
        short = min(height, width)
        cells = min(cells, short)
        return cls(height, width, round(cells * height / short), round(cells * width / short))

    def cell(self, place: int) -> tuple[slice, slice]:
        """The pixels of a cell; cells count row by row."""
        row, column = divmod(place, self.columns)
        return slice(self.down[row], self.down[row + 1]), slice(self.across[column], self.across[column + 1])

    def middles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of the rows and of the columns, in pixels: a pixel's own middle is at its number."""
        down, across = ((edges[:-1] + edges[1:] - 1) / 2 for edges in (self.down, self.across))
        return down, across

    def square(self, row: int, column: int, side: int) -> tuple[slice, slice]:
        """The ``side`` × ``side`` pixels about a cell's middle, cut off at the border."""
        middles = self.middles()[0][row], self.middles()[1][column]
        first = [math.ceil(middle - side / 2) for middle in middles]
        down, across = (slice(max(start, 0), start + side) for start in first)
        return down, across

    def from_middle(self) -> NDArray[np.float64]:
        """(rows · columns,) each cell's distance from the middle of the image, in pixels."""
        down, across = self.middles()
        down, across = down - (self.down[-1] - 1) / 2, across - (self.across[-1] - 1) / 2
        return np.asarray(np.hypot(down[:, None], across).ravel(), np.float64)


def spread_over(grid: CellGrid, patches: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 4) patches (x and y of the middle, side, value) → (rows, columns): each value shared out evenly by area.

    What of a patch lies beyond the border counts for the cells at the border; the sum stays what it is.
    """
    out = np.zeros((grid.rows, grid.columns))
    for x, y, side, value in patches:
        down, across = (
            _covered(edges.astype(float), middle - side / 2, middle + side / 2)
            for edges, middle in ((grid.down, y), (grid.across, x))
        )
        out += value * np.outer(down, across)
    return out


def _covered(edges: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """The share of a stretch from low to high that lies in each cell."""
    inner = edges.copy()
    inner[0], inner[-1] = min(low, edges[0]), max(high, edges[-1])
    return np.asarray(np.diff(np.clip(inner, low, high)) / (high - low), np.float64)


def replaced(
    start: Pixels, end: Pixels, grid: CellGrid, order: NDArray[np.int64], steps: int
) -> tuple[NDArray[np.float64], list[Pixels]]:
    """``start`` turned into ``end`` cell by cell in that order: the share of cells done and the image, 0 to 1."""
    steps = min(steps, len(order))
    done = np.rint(np.linspace(0, len(order), steps + 1)).astype(int)
    states = [start]
    for first, last in pairwise(done):
        image = states[-1].copy()
        for place in order[first:last]:
            image[grid.cell(int(place))] = end[grid.cell(int(place))]
        states.append(image)
    return done / len(order), states


def blurred(image: Pixels) -> Pixels:
    """A Gaussian of standard deviation 5 px at a short side of 224 px, cut off at RISE's 11 × 11 pixels there."""
    scale = min(image.shape[:2]) / 224
    size = 2 * round(5 * scale) + 1
    return np.asarray(cv2.GaussianBlur(image, (size, size), max(5 * scale, 1e-3)), np.uint8)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis."""
    exponents: Any = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True), np.float64)
