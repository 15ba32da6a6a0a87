"""Zips whose members are stored or deflated, the two ways in use for images."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from ...errors import InputError
from .links import Link
from .names import clean
from .stored import DEFLATED, RAW, Listing, Stored

_UNIX, _UTF8 = 3, 0x800


def list_zip(path: Path) -> Stored:
    """All files of a zip."""
    found = Listing()
    try:
        with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
            for entry in archive.infolist():
                name = clean(_name(entry))
                if name is None:
                    continue
                if entry.is_dir():
                    found.folders.append(name)
                    continue
                if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise InputError(f"{path}: {name} is encrypted or packed in an unusual way; unpack the zip first")
                local = os.pread(file.fileno(), 30, entry.header_offset)
                if len(local) < 30 or local[:4] != b"PK\3\4":
                    raise InputError(f"{path} is damaged at byte {entry.header_offset:,}; download or pack it again")
                if stat.S_ISLNK(entry.external_attr >> 16):
                    target = archive.read(entry).decode("utf-8", "surrogateescape")
                    found.links.append(Link(len(found.names), name, target, hard=False))
                    continue
                start = entry.header_offset + 30 + sum(struct.unpack("<HH", local[26:30]))
                form = RAW if entry.compress_type == zipfile.ZIP_STORED else DEFLATED
                found.add(name, start, entry.file_size, entry.CRC, form)
        return found.extracted(str(path))
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, struct.error, zlib.error) as error:
        raise InputError(f"{path} cannot be read as a zip ({error}); download or pack it again") from None


def _name(entry: zipfile.ZipInfo) -> str:
    """Programs on Unix write a name's bytes as they are, without saying how they are meant."""
    if entry.flag_bits & _UTF8 or entry.create_system != _UNIX or entry.filename.isascii():
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # told in an extra field
        return entry.filename
