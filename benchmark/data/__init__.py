"""Images as they lie on the disk: layouts, decoding, the built-in photographs."""

from pathlib import Path

from topfive.common.sources import source_digest

from .dataset import Dataset, Problem, Split
from .opening import open_dataset

__all__ = ["Dataset", "Problem", "Split", "loader_version", "open_dataset"]


def loader_version() -> str:
    """A digest of this package's sources: another decoder, resize or layout gives other pixels or labels."""
    return source_digest(Path(__file__).parent)
