"""Folders, tars (tars inside tars too), gzipped tars and zips, listed as columns; nothing is extracted.

A tar is walked from header to header. A ``.tar.gz`` cannot be read by offset, so it is unpacked once into the user's
cache folder, as the plain tar that it is.
"""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from topfive.common.files import atomic

from ...errors import InputError
from . import cache
from .numbers import whole_number
from .stored import DEFLATED, FILE, RAW, Listing, Stored

TARS, GZIPPED, ZIPS = (".tar",), (".tar.gz", ".tgz"), (".zip",)
_BLOCK = 512
_MAX_UNPACKED = 400 * 2**30
_MAX_NAME = 64 * 1024


def listing(path: Path) -> Stored:
    """Every regular file in a folder or archive, hidden and system files left out, in the order they lie there."""
    if path.is_dir():
        return list_folder(path)
    name = path.name.lower()
    if name.endswith(ZIPS):
        return list_zip(path)
    if name.endswith(GZIPPED):
        return list_tar(unpacked(path))
    if name.endswith(TARS):
        return list_tar(path)
    raise InputError(f"{path} is neither a folder nor a .tar, .tar.gz or .zip")


def list_folder(root: Path) -> Stored:
    """All files below ``root``; symbolic links are followed, each folder visited once."""
    found = Listing()
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            here = os.stat(root / below)
            if (here.st_dev, here.st_ino) in seen:
                continue
            seen.add((here.st_dev, here.st_ino))
            with os.scandir(root / below) as entries:
                for entry in entries:
                    name = below + entry.name
                    if hidden(name):
                        continue
                    try:
                        status = entry.stat()
                    except FileNotFoundError:  # a link to nowhere: an unreadable file, told so when it is read
                        found.add(name, 0, 0, 0, FILE)
                        continue
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append(name + "/")
                    elif stat.S_ISREG(status.st_mode):
                        found.add(name, 0, status.st_size, status.st_mtime_ns, FILE)
        except OSError as error:
            raise InputError(f"cannot read the folder {root / below}: {error.strerror}") from None
    stored = found.stored(str(root))
    return stored.take(np.array(sorted(range(len(found.names)), key=found.names.__getitem__), np.int64))


def list_tar(path: Path, *, nested: bool = False) -> Stored:
    """All files of a tar. ``nested``: those of the tars within it too, under the inner tar's name without ``.tar``."""
    found = Listing()
    try:
        with open(path, "rb", buffering=0) as file:
            _walk_tar(path, file.fileno(), 0, os.fstat(file.fileno()).st_size, "", nested, found)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    return found.stored(str(path))


def _walk_tar(path: Path, file: int, at: int, end: int, prefix: str, nested: bool, found: Listing) -> None:
    first = at
    long_name: str | None = None
    pax: dict[str, str] = {}
    while at + _BLOCK <= end:
        header = os.pread(file, _BLOCK, at)
        if header.count(0) == _BLOCK:
            return
        size = _checked_size(header)
        if size is None:
            what = "is not a tar" if at == first else f"is damaged at byte {at:,}"
            raise InputError(f"{path} {what}; download or pack it again")
        told = whole_number(pax.get("size", ""))  # a pax header's, for 8 GiB and more
        size = size if told is None else told
        start, at = at + _BLOCK, at + _BLOCK + -(-size // _BLOCK) * _BLOCK
        if start + size > end:
            raise InputError(f"{path} ends in the middle of a file (byte {end:,}): download it again")
        form = header[156:157]
        if form in b"Lx" and form:
            text = os.pread(file, min(size, _MAX_NAME), start)
            if form == b"L":
                long_name = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            else:
                pax = _read_pax(text)
            continue
        name = pax.get("path") or long_name or _name(header)
        long_name, pax = None, {}
        if form not in (b"0", b"\0", b"7"):
            continue  # folders, links, devices
        clean = _clean(name)
        if clean is None:
            continue
        if nested and clean.lower().endswith(".tar"):
            _walk_tar(path, file, start, start + size, prefix + clean[:-4] + "/", False, found)
        else:
            found.add(prefix + clean, start, size, size, RAW)
    if at == first:
        raise InputError(f"{path} is not a tar; download or pack it again")
    if not prefix:  # a tar ends with empty blocks; one inside another has its length from outside
        raise InputError(f"{path} ends without a tar's end mark (byte {end:,}): it is cut short, download it again")


def _checked_size(header: bytes) -> int | None:
    """The size field, None where the header's checksum is wrong."""
    try:
        wanted = int(header[148:156].split(b"\0")[0].strip() or b"x", 8)
        if sum(header) - sum(header[148:156]) + 256 != wanted:
            return None
        if header[124] & 0x80:  # sizes from 8 GiB on, in binary
            return int.from_bytes(header[125:136], "big")
        return int(header[124:136].split(b"\0")[0].strip() or b"0", 8)
    except ValueError:
        return None


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and header[345]:
        name = header[345:500].split(b"\0", 1)[0] + b"/" + name
    return name.decode("utf-8", "surrogateescape")


def _read_pax(text: bytes) -> dict[str, str]:
    records: dict[str, str] = {}
    while text:
        length, _, _ = text.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(text):
            break
        record = text[len(length) + 1 : int(length)].rstrip(b"\n")
        word, _, value = record.partition(b"=")
        records[word.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        text = text[int(length) :]
    return records


def list_zip(path: Path) -> Stored:
    """All files of a zip that are stored or deflated, the two ways in use for images."""
    found = Listing()
    try:
        with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
            for entry in archive.infolist():
                name = _clean(entry.filename)
                if name is None or entry.is_dir():
                    continue
                if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise InputError(f"{path}: {name} is encrypted or packed in an unusual way; unpack the zip first")
                local = os.pread(file.fileno(), 30, entry.header_offset)
                if len(local) < 30 or local[:4] != b"PK\3\4":
                    raise InputError(f"{path} is damaged at byte {entry.header_offset:,}; download or pack it again")
                start = entry.header_offset + 30 + sum(struct.unpack("<HH", local[26:30]))
                form = RAW if entry.compress_type == zipfile.ZIP_STORED else DEFLATED
                found.add(name, start, entry.file_size, entry.CRC, form)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, struct.error, UnicodeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read as a zip ({error}); download or pack it again") from None
    return found.stored(str(path))


def unpacked(path: Path) -> Path:
    """The plain tar inside a ``.tar.gz``, in the cache folder; made on the first call."""
    target = cache.folder("unpacked") / (cache.key(cache.stamp(path)) + ".tar")
    if target.exists():
        return target
    free = shutil.disk_usage(target.parent).free
    try:
        with gzip.open(path, "rb") as source, atomic(target) as file:
            while piece := source.read(4 * 2**20):
                file.write(piece)
                if file.tell() > min(_MAX_UNPACKED, free * 0.95):
                    raise InputError(f"{path} does not fit unpacked into the cache folder {target.parent}")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be unpacked ({error}); download or pack it again") from None
    return target


def hidden(name: str) -> bool:
    """Whether a path belongs to what systems leave behind: dot files, ``__MACOSX``, thumbnails of the shell."""
    if name[:1] != "." and "/." not in name and "__MACOSX" not in name:
        return name.endswith(("Thumbs.db", "desktop.ini"))
    parts = name.split("/")
    return any(part.startswith(".") or part == "__MACOSX" for part in parts) or parts[-1] in (
        "Thumbs.db",
        "desktop.ini",
    )


def _clean(name: str) -> str | None:
    """A member's name with ``./`` taken off; None where it is hidden or would leave the folder."""
    if "/" not in name and "\\" not in name and name[:1] not in ("", "."):
        return None if hidden(name) else name
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    clean = "/".join(parts)
    return None if not parts or ".." in parts or hidden(clean) else clean
