"""Images as they lie on the disk: layouts, decoding, the built-in photographs."""

from .dataset import Dataset, Problem, Split
from .opening import open_dataset

__all__ = ["Dataset", "Problem", "Split", "open_dataset"]
