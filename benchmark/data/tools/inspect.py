"""What lies at a path: layout, counts, sizes, trouble and fingerprint, as a structure and as text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..assemble import assemble, left_out, split_parts
from ..dataset import Problem
from ..decode import size
from ..hub import fetched, is_address
from ..load import load
from ..near import near_pairs
from ..opening import named, open_dataset, whole_path
from ..storage.formats import HEAD, kind
from ..storage.found import Found
from ..storage.left_out import LeftOut
from ..storage.printing import printable
from ..storage.reader import Reader, Unreadable
from ..wordnet import known

_SAMPLE = 2000  # images whose sizes are read, spread evenly


@dataclass(frozen=True)
class SplitFacts:
    """One split. per_class: fewest, median, most images; height, width: 5 %, median, 95 % in pixels, of a sample.

    bytes: 0 where the images are not files.
    """

    images: int
    bytes: int
    per_class: tuple[int, float, int]
    height: tuple[float, float, float]
    width: tuple[float, float, float]
    formats: dict[str, int]


@dataclass(frozen=True)
class Inspection:
    """What ``inspect`` found. splits: "train" and "val", or "all".

    left_out: files that are there and not used, by reason. leaks: (validation id, training id) of the same bytes; near:
    of pictures that look alike. error: why the data cannot be used as it is, or None.
    """

    path: str
    layout: str
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    synsets: bool
    splits: dict[str, SplitFacts]
    left_out: tuple[LeftOut, ...]
    problems: tuple[Problem, ...]
    leaks: tuple[tuple[str, str], ...]
    near: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    fingerprint: str | None
    error: str | None

    def text(self, most: int = 10) -> str:
        """For a screen; at most so many problems and leaks one by one."""
        names = [
            name if name == word else f"{name} ({word})"
            for name, word in zip(self.classes[:3], self.class_names, strict=False)
        ]
        more = f"; … {len(self.classes) - 3:,} more" if len(self.classes) > 3 else ""
        lines = [
            printable(self.path),
            f"  layout       {self.layout}",
            f"  classes      {len(self.classes):,}: {'; '.join(names)}{more}",
            f"  hierarchy    {'WordNet synsets: the hierarchical error is given' if self.synsets else 'none'}",
        ]
        for name, facts in self.splits.items():
            lines += _split_lines(name, facts)
        others = [f"{one.count:,} {one.reason} (for instance {one.example})" for one in self.left_out]
        lines += _listed("  not used     ", others or ["nothing"])
        lines += _some("  unreadable   ", [f"{bad.split}: {bad.id}: {bad.reason}" for bad in self.problems], most)
        lines += _some("  leakage      ", [f"{val} (val) = {train} (train)" for val, train in self.leaks], most)
        lines += _some("  look alike   ", [f"{val} (val) ~ {train} (train)" for val, train in self.near], most)
        lines += [f"  note         {note}" for note in self.notes]
        lines.append(f"  fingerprint  {self.fingerprint or 'none'}")
        if self.error:
            lines.append(f"  cannot run   {self.error}")
        return "\n".join(lines)


def inspect(path: str, *, n_jobs: int = 2) -> Inspection:
    """Look at everything at ``path``, or in a data set that has a name: every image on the disk is decoded once.

    Raises InputError where no layout is recognised.

    The outcome is kept with the index, so that later runs leave out the unreadable images found here.
    """
    if path in named():
        return _named(path, n_jobs)
    place = fetched(path) if is_address(path) else whole_path(path)
    found = load(place, n_jobs=n_jobs, check=True)
    fingerprint, error, notes = None, None, found.notes
    cure = f'-d "{path}[allow_unreadable=true]" goes on without them'
    try:
        data = assemble(place, found, seed=0, limit=None, n_jobs=n_jobs, cure=cure, allow_unreadable=True)
        fingerprint, notes = data.fingerprint, data.notes
        assemble(place, found, seed=0, limit=None, n_jobs=n_jobs, cure=cure)
    except InputError as problem:
        error = str(problem)
        total = sum(len(part.labels) for part in found.parts.values())
        refused = left_out(sum(len(part.bad) for part in found.parts.values()), total)
        notes = tuple(note for note in notes if note != refused)  # nothing is left out of a run that is refused
    return Inspection(
        path,
        found.layout,
        found.classes,
        found.class_names,
        known(found.classes),
        {name: _facts(found, name) for name in found.parts},
        found.left_out,
        tuple(
            Problem(name, part.ids[i], reason)
            for name, part in found.parts.items()
            for i, reason in sorted(part.bad.items())
        ),
        tuple((found.parts["val"].ids[v], found.parts["train"].ids[t]) for v, t in found.leaks.tolist()),
        _near(found, n_jobs),
        tuple(map(printable, notes)),
        fingerprint,
        error,
    )


def _near(found: Found, n_jobs: int) -> tuple[tuple[str, str], ...]:
    """(validation id, training id) of pictures that look alike and are not the same bytes; of the split that is drawn
    by seed 0 where the data has none."""
    parts, _ = split_parts(found, 0, n_jobs)
    same = set(found.leaks[:, 0].tolist())
    pairs = near_pairs(parts["val"], parts["train"], n_jobs).tolist()
    return tuple((parts["val"].ids[v], parts["train"].ids[t]) for v, t in pairs if v not in same)


def _named(name: str, n_jobs: int) -> Inspection:
    """A data set that is opened by its name; the images are of no files that could be examined."""
    data = open_dataset(name, n_jobs=n_jobs)
    splits = {}
    for split, one in (("train", data.train), ("val", data.val)):
        some = np.unique(np.linspace(0, len(one) - 1, min(32, len(one))).astype(int)).tolist()
        sizes = [one.images[i].shape[:2] for i in some]
        splits[split] = _summed(one.labels, len(data.classes), 0, sizes, {"in memory": len(one)})
    return Inspection(
        name,
        data.layout,
        data.classes,
        data.class_names,
        known(data.classes),
        splits,
        data.left_out,
        data.problems,
        leaks=(),
        near=(),
        notes=data.notes,
        fingerprint=data.fingerprint,
        error=None,
    )


def _facts(found: Found, name: str) -> SplitFacts:
    part = found.parts[name]
    reader = Reader(part.stored)
    sizes, formats = [], Counter[str]()
    for i in np.unique(np.linspace(0, len(part.labels) - 1, min(_SAMPLE, len(part.labels))).astype(int)).tolist():
        if i in part.bad:
            continue
        try:
            data = reader.read(i)
            sizes.append(size(data))
        except Unreadable:
            continue
        formats[kind(data[:HEAD]) or "pixels"] += 1
    return _summed(part.labels, len(found.classes), int(part.stored.length.sum()), sizes, dict(formats))


def _summed(
    labels: NDArray[np.int64], n_classes: int, n_bytes: int, sizes: list[tuple[int, int]], formats: dict[str, int]
) -> SplitFacts:
    counts = np.bincount(labels, minlength=n_classes)
    # Of no image at all there is nothing to say but zeros.
    edges = np.percentile(np.array(sizes or [(0, 0)]), [5, 50, 95], axis=0)
    height, width = ((float(column[0]), float(column[1]), float(column[2])) for column in edges.T)
    per_class = int(counts.min()), float(np.median(counts)), int(counts.max())
    return SplitFacts(len(labels), n_bytes, per_class, height, width, formats)


def _split_lines(name: str, facts: SplitFacts) -> list[str]:
    few, middle, many = facts.per_class
    level = f"{few:,} each" if few == many else f"{few:,} to {many:,} each, median {middle:,.0f}"
    (h5, h50, h95), (w5, w50, w95) = facts.height, facts.width
    alike = h5 == h95 and w5 == w95
    spread = "" if alike else f" (5 % to 95 %: {w5:.0f} to {w95:.0f} × {h5:.0f} to {h95:.0f})"
    forms = ", ".join(sorted(facts.formats, key=lambda form: -facts.formats[form]))
    return [
        f"  {name:<12} {facts.images:,} images, {level}" + (f"; {facts.bytes / 1e6:,.1f} MB" if facts.bytes else ""),
        f"  {'':<12} {forms}, {w50:.0f} × {h50:.0f} pixels{spread}",
    ]


def _some(title: str, lines: list[str], most: int) -> list[str]:
    if not lines:
        return [title + "none"]
    more = [f"… and {len(lines) - most:,} more"] if len(lines) > most else []
    return _listed(title, [f"{len(lines):,}", *lines[:most], *more])


def _listed(title: str, lines: list[str]) -> list[str]:
    return [title + lines[0], *(" " * len(title) + line for line in lines[1:])]
