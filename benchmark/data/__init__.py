"""Images as they lie on the disk: layouts, decoding, the built-in photographs."""

from .dataset import Dataset, Problem, Split
from .opening import open_dataset
from .storage.index import loader_version

__all__ = ["Dataset", "Problem", "Split", "loader_version", "open_dataset"]
