"""ILSVRC-2012's official archives. The training images are a tar of 1,000 tars; they are read where they lie."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from ..storage.formats import is_image
from ..storage.found import Found
from ..storage.left_out import Tally
from ..storage.location import Location
from ..storage.stored import join
from ..storage.tar import list_tar
from ..storage.tree import Tree
from .folder_per_class import read_tree

TRAIN, VAL = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"


def matches(location: Location) -> bool:
    """Whether a folder holds the archive of training images."""
    return location.is_folder and (location.path / TRAIN).is_file()


def read(location: Location) -> Found:
    """The archives, opened in place, with names as if extracted; the devkit labels the validation images."""
    root, listed = location.path, location.stored
    if not (root / VAL).is_file():
        raise InputError(f"{root} has {TRAIN} but not {VAL}; both are needed")
    train, val = list_tar(root / TRAIN, nested=True), list_tar(root / VAL)
    # Images beside the archives were extracted from them.
    extracted = [name for name in listed.paths if is_image(name)]
    others = Tally(train.left_out, val.left_out)
    if extracted:
        others.add("beside the archives, which are read instead", extracted[0], len(extracted), told=False)
    kept = [i for i, name in enumerate(listed.paths) if not is_image(name) and name not in (TRAIN, VAL)]
    listed = listed.take(np.array(kept, np.int64))
    names = [
        *listed.paths,
        *(f"train/{name}" for name in train.paths),
        # Some copies of the validation archive hold a folder, the official one does not.
        *(f"val/{name.removeprefix('val/')}" for name in val.paths),
    ]
    tree = Tree(root, join([listed, train, val]), names)
    return read_tree(tree, "ILSVRC-2012, official archives", left_out=others.all())
