"""What lies in a folder beside the files that a layout reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..storage.left_out import Tally
from ..storage.location import Location
from ..storage.tree import Tree

BESIDE = "beside the files that hold the data set"


def beside(location: Location, used: Iterable[Path]) -> Tally:
    """Everything but ``used``, by reason; nothing where the location is no folder."""
    if not location.is_folder:
        return Tally()
    taken = {str(path.relative_to(location.path)) for path in used}
    kept = [i for i, name in enumerate(location.stored.paths) if name not in taken]
    tree = Tree(location.path, location.stored.take(np.array(kept, np.int64)), outer=True)
    others = Tally(tree.others)
    for i in tree.images:
        others.add(BESIDE, tree.names[i])
    return others
