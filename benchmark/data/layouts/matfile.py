"""Just enough of MATLAB's level 5 files to read the devkit's ``meta.mat``: a struct's numbers and texts.

SciPy's reader is not used because a damaged file can make it take gigabytes or crash the interpreter. Here nothing is
read that the bytes at hand do not hold. Format: MathWorks, "MAT-File Format", level 5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

_MOST = 64 * 2**20  # bytes of a variable once inflated
_COMPRESSED, _MATRIX = 15, 14
_STRUCT, _CHAR = 2, 4
# Type of an element → how struct reads one value of it.
_NUMBERS = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
_UTF8, _UTF16 = 16, 17


class MatError(ValueError):
    """The bytes are not such a file, or it lacks what is asked for."""


def read_struct(data: bytes, variable: str, fields: tuple[str, ...]) -> list[tuple[int | float | str, ...]]:
    """The asked fields of each entry of a struct array, in its order. Raises MatError."""
    try:
        order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
        if order is None or len(data) < 136:
            raise MatError("not a level 5 MAT file")
        for kind, content in _elements(data[128:], order):
            if kind == _COMPRESSED:
                inflated = zlib.decompressobj().decompress(content, _MOST)
                inner = next(_elements(inflated, order), None)
                if inner is None:
                    continue
                kind, content = inner
            if kind == _MATRIX:
                found = _struct(content, order, variable, fields)
                if found is not None:
                    return found
    except (struct.error, zlib.error, UnicodeDecodeError, IndexError, StopIteration) as error:
        raise MatError(f"damaged ({error})") from None
    raise MatError(f"there is no struct called {variable}")


def _struct(
    content: bytes, order: str, variable: str, fields: tuple[str, ...]
) -> list[tuple[int | float | str, ...]] | None:
    parts = _elements(content, order)
    flags, (_, dims), (_, name) = next(parts), next(parts), next(parts)
    if struct.unpack_from(order + "I", flags[1])[0] & 0xFF != _STRUCT or name.decode("ascii") != variable:
        return None
    (width,) = struct.unpack_from(order + "i", next(parts)[1])
    joined = next(parts)[1]
    if width < 1:
        raise MatError("damaged (field names of no length)")
    names = [joined[i : i + width].split(b"\0")[0].decode("ascii") for i in range(0, len(joined), width)]
    places = [names.index(field) if field in names else -1 for field in fields]
    if -1 in places:
        raise MatError(f"{variable} lacks the field {fields[places.index(-1)]}")
    entries = 1
    for (size,) in struct.iter_unpack(order + "i", dims):
        entries *= size
    found = []
    for _ in range(entries):
        values = [next(parts) for _ in names]  # ends with what the bytes hold, whatever the size claims
        found.append(tuple(_value(values[place][1], order) for place in places))
    return found


def _value(content: bytes, order: str) -> int | float | str:
    """A matrix of text, or of one number."""
    parts = _elements(content, order)
    flags = next(parts)
    _, _, (kind, data) = next(parts), next(parts), next(parts)
    if struct.unpack_from(order + "I", flags[1])[0] & 0xFF == _CHAR:
        if kind in (4, _UTF16):
            return data.decode("utf-16-le" if order == "<" else "utf-16-be")
        return data.decode("utf-8")
    if kind not in _NUMBERS:
        raise MatError("a value that is neither text nor a number")
    value: int | float = struct.unpack(order + _NUMBERS[kind], data)[0]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(type, content) one after the other; every element but a compressed one fills up to 8 bytes."""
    at = 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from(order + "II", data, at)
        start = at + 8
        if kind >> 16:  # the short form: both in four bytes, the content in the other four
            kind, length, start = kind & 0xFFFF, kind >> 16, at + 4
            if length > 4:
                raise MatError("damaged (a short element that is long)")
            at += 8
        else:
            at = start + (length if kind == _COMPRESSED else -(-length // 8) * 8)
        if start + length > len(data):
            raise MatError("cut short")
        yield kind, data[start : start + length]
