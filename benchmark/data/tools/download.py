"""``topfive data get``: fetch a public data set, resumed, checked by its published checksum, unpacked safely."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pooch
import requests

from ...errors import InputError
from ...specs import nearest
from ..sources import SOURCES
from ..storage.numbers import whole_number

_PIECE = 1 << 16  # what is lost at most when the connection breaks
Progress = Callable[[int, int | None], None]  # bytes so far, bytes in all where the server says


def get(name: str, folder: str, *, progress: Progress | None = None) -> Path:
    """Fetch ``tiny-imagenet``, ``imagenette`` or ``cifar-10`` into ``folder``; answers the data set's own folder.

    What is already there is not fetched again. Raises InputError with one line.
    """
    if name not in SOURCES:
        raise InputError(nearest(name, SOURCES, "data set to get"))
    source = SOURCES[name]
    root = Path(folder).expanduser()
    target = root / source.folder
    if target.is_dir():
        return target
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {root}: {error.strerror}") from None
    archive_name = source.url.rsplit("/", 1)[-1]
    part = root / (archive_name + ".part")
    pooch.get_logger().setLevel("WARNING")
    try:
        archive = Path(
            pooch.retrieve(source.url, source.checksum, archive_name, root, downloader=_Resuming(part, progress))
        )
    except requests.RequestException as error:
        raise InputError(f"{source.url} cannot be fetched ({_short(error)}); run it again to go on from here") from None
    except ValueError as error:  # pooch: the checksum is wrong
        part.unlink(missing_ok=True)
        raise InputError(f"{source.url}: what came does not have the published checksum; {_short(error)}") from None
    except OSError as error:
        raise InputError(f"{root / archive_name}: {error.strerror or error}") from None
    unpack(archive, target, source.unpacked)
    archive.unlink()
    return target


class _Resuming:
    """A downloader for pooch: what has come so far stays in ``part``, and the next call asks for the rest."""

    def __init__(self, part: Path, progress: Progress | None) -> None:
        self.part = part
        self.progress = progress

    def __call__(self, url: str, output_file: str, _: Any) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
            if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                pass  # all of it has come already; the checksum tells
            else:
                answer.raise_for_status()
                if answer.status_code != requests.codes.partial_content:
                    have = 0  # the server sends it all again
                self._receive(answer, have)
        shutil.copyfile(self.part, output_file)
        self.part.unlink()

    def _receive(self, answer: requests.Response, have: int) -> None:
        length = whole_number(answer.headers.get("Content-Length", ""))
        total = None if length is None else have + length
        with open(self.part, "ab" if have else "wb") as file:
            for piece in answer.iter_content(_PIECE):
                file.write(piece)
                have += len(piece)
                if self.progress:
                    self.progress(have, total)
        if total is not None and have < total:
            raise requests.ConnectionError(f"{have:,} of {total:,} bytes came")


def unpack(archive: Path, target: Path, most: int) -> None:
    """Unpack into the new folder ``target``, whole or not at all; a lone outer folder of the archive becomes it.

    Raises InputError where a member would leave the folder, is a link or a device, or all are more than ``most`` bytes.
    """
    waiting = Path(tempfile.mkdtemp(dir=target.parent, prefix=target.name + ".", suffix=".part"))
    try:
        total = 0
        for name, source in _members(archive):
            parts = PurePosixPath(name.replace("\\", "/")).parts
            if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
                raise InputError(f"{archive}: {name!r} would be written outside the folder; nothing was unpacked")
            place = waiting.joinpath(*parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            with source, open(place, "xb") as file:
                while piece := source.read(1 << 20):
                    total += len(piece)
                    if total > most:
                        raise InputError(f"{archive} holds more than {most:,} bytes; nothing was unpacked")
                    file.write(piece)
        inside = list(waiting.iterdir())
        # Python's temporary folders are for their owner alone.
        whole = inside[0] if len(inside) == 1 and inside[0].is_dir() else waiting
        whole.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        os.rename(whole, target)
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{archive} cannot be unpacked ({_short(error)})") from None
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise InputError(f"{archive}: {entry.filename!r} is a link; nothing was unpacked")
                if not entry.is_dir():
                    yield entry.filename, opened.open(entry)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isdir():
                continue
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise InputError(f"{archive}: {member.name!r} is a link or a device; nothing was unpacked")
            yield member.name, content


def _short(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]
