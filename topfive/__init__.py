"""topfive: hand-engineered features against deep networks, on your images."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

# In a checkout the packages lie beside this one: it then finds them without an installation, and never another copy's.
_beside = Path(__file__).resolve().parents[1]
if (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))


def open_dataset(images: Any, labels: Any = None, **options: Any) -> Any:
    """A data set by its name or path; or of images and labels held in Python: arrays, lists of paths, a DataFrame.

    Options are those of ``benchmark.data.open_dataset`` and, for images held in Python, of
    ``benchmark.data.tools.given.open_images``. Raises InputError in one line.
    """
    if isinstance(images, str | Path) and labels is None:
        return importlib.import_module("topfive.benchmark.data").open_dataset(str(images), **options)
    return importlib.import_module("topfive.benchmark.data.tools.given").open_images(images, labels, **options)
