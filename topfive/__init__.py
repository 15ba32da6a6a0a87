"""topfive: hand-engineered features against deep networks, on your images.

``run`` the benchmark, ``load`` a finished run, ``open_dataset`` to look at images as contenders see them, ``check`` a
contender of your own; bad input raises ``InputError``. docs/python.md shows them all.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from topfive.benchmark.errors import InputError as InputError
    from topfive.benchmark.interface import check as check
    from topfive.benchmark.interface import load as load
    from topfive.benchmark.interface import open_dataset as open_dataset
    from topfive.benchmark.interface import run as run
    from topfive.benchmark.loaded import LoadedRun as LoadedRun

# In a checkout the packages lie beside this one: it then finds them without an installation, and never another copy's.
_beside = Path(__file__).resolve().parents[1]
if (_beside / "setup.cfg").is_file():
    __path__.append(str(_beside))

__all__ = ["InputError", "LoadedRun", "check", "load", "open_dataset", "run"]

# Found when first used, so that `import topfive` imports nothing else.
_PLACES = {"InputError": "errors", "LoadedRun": "loaded"}


if not TYPE_CHECKING:  # where types are checked, a name that is not there stays an error

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"topfive.benchmark.{_PLACES.get(name, 'interface')}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
