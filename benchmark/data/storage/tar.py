"""Tars, and tars inside tars, walked from header to header; nothing is extracted."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import InputError
from .links import Link
from .names import clean
from .numbers import whole_number
from .stored import RAW, Listing, Stored

_BLOCK = 512
_MAX_NAME = 64 * 1024
_FILES = (b"0", b"\0", b"7")
_HARD, _SYMBOLIC, _FOLDER, _SPARSE = b"1", b"2", b"5", b"S"


def list_tar(path: Path, *, nested: bool = False) -> Stored:
    """All files of a tar. ``nested``: those of the tars within it too, under the inner tar's name without ``.tar``."""
    found = Listing()
    try:
        with open(path, "rb", buffering=0) as file:
            _walk_tar(path, file.fileno(), 0, os.fstat(file.fileno()).st_size, "", nested, found)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    return found.extracted(str(path))


def _walk_tar(path: Path, file: int, at: int, end: int, prefix: str, nested: bool, found: Listing) -> None:
    first = at
    long_name: str | None = None
    long_link: str | None = None
    pax: dict[str, str] = {}
    while at + _BLOCK <= end:
        header = os.pread(file, _BLOCK, at)
        if header.count(0) == _BLOCK:
            return
        size = _checked_size(header)
        if size is None:
            what = "is not a tar" if at == first else f"is damaged at byte {at:,}"
            raise InputError(f"{path} {what}; download or pack it again")
        told = whole_number(pax.get("size", "")) if pax else None  # for 8 GiB and more
        size = size if told is None else told
        start, at = at + _BLOCK, at + _BLOCK + -(-size // _BLOCK) * _BLOCK
        if start + size > end:
            raise InputError(f"{path} ends in the middle of a file (byte {end:,}): download it again")
        form = header[156:157]
        if form in b"LKxg" and form:
            text = os.pread(file, min(size, _MAX_NAME), start)
            if form == b"L":
                long_name = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif form == b"K":
                long_link = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif form == b"x":
                pax = _read_pax(text)
            continue
        name = clean(pax.get("path") or long_name or _name(header))
        if name is not None:
            if form in _FILES:
                if nested and name.lower().endswith(".tar"):
                    _walk_tar(path, file, start, start + size, prefix + name[:-4] + "/", False, found)
                else:
                    found.add(prefix + name, start, size, size, RAW)
            elif form in (_HARD, _SYMBOLIC):
                target = pax.get("linkpath") or long_link or _field(header, 157, 257)
                found.links.append(Link(len(found.names), prefix + name, target, form == _HARD, prefix))
            elif form == _FOLDER:
                found.folders.append(prefix + name)
            else:
                found.left_out.add("no regular file", prefix + name, told=form == _SPARSE)
        long_name, long_link, pax = None, None, {}
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
    name = _field(header, 0, 100)
    return f"{_field(header, 345, 500)}/{name}" if header[257:263] == b"ustar\0" and header[345] else name


def _field(header: bytes, start: int, end: int) -> str:
    return header[start:end].split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


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
