"""Data sets of Hugging Face's hub by their address, ``hf://OWNER/NAME``: fetched once into the cache folder.

Needs ``datasets`` (pip install 'topfive[hub]'), which fetches what the hub holds in any of its forms.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import shutil
import tempfile
from pathlib import Path

from ..errors import InputError
from .storage import cache

SCHEME = "hf://"
_ADDRESS = re.compile(r"hf://(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def is_address(name: str) -> bool:
    """Whether a data set's name is an address on the hub."""
    return name.startswith(SCHEME)


def fetched(address: str, config: str | None = None) -> Path:
    """The folder of a data set on the hub, as ``datasets`` saves it; fetched on the first call. Raises InputError.

    address: ``hf://OWNER/NAME`` or ``hf://OWNER/NAME@REVISION``. config: one of its configurations.
    """
    told = _ADDRESS.fullmatch(address)
    if told is None:
        raise InputError(f"{address}: write hf://OWNER/NAME, or hf://OWNER/NAME@REVISION")
    place = cache.folder("hub") / cache.key(address, config or "")
    target = place / told["name"].replace("/", "-")
    if target.is_dir():
        return target
    if importlib.util.find_spec("datasets") is None:
        raise InputError(f"{address} needs the package datasets: pip install 'topfive[hub]'")
    place.mkdir(exist_ok=True)
    waiting = Path(tempfile.mkdtemp(dir=place, suffix=".part"))
    try:
        datasets = importlib.import_module("datasets")
        found = datasets.load_dataset(told["name"], config, revision=told["revision"])
        found.save_to_disk(str(waiting / "set"))
        (waiting / "set").rename(target)
    except Exception as error:  # whatever the network, the hub or the data set's own builder raise
        lines = str(error).splitlines() or [type(error).__name__]
        raise InputError(f"{address} cannot be fetched: {lines[0][:200]}") from None
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    return target
