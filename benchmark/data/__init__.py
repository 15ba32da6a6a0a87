"""Images as they lie on the disk: layouts, decoding, the built-in photographs."""

from .dataset import Dataset, Problem, Split
from .opening import data_spec, located, open_dataset
from .storage.index import loader_version

__all__ = ["Dataset", "Problem", "Split", "data_spec", "loader_version", "located", "open_dataset"]
