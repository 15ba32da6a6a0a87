"""From the bytes of an image file to (H, W, 3) uint8 RGB; and what makes a file unreadable.

JPEGs of one or three components go through libjpeg-turbo alone (simplejpeg), everything else, and every JPEG that it
would warn of, through OpenCV, which gives the same pixels and takes a little longer.

Grey becomes three equal channels, CMYK is converted, 16 bits keep their upper 8, palettes are looked up, alpha is
dropped. The EXIF orientation is obeyed: pixels are turned as a viewer shows them. The format is told by the content,
never by the name. Sizes are read from the header first, so that a decompression bomb is refused before it is decoded.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np
import simplejpeg

from ..errors import InputError
from .images import Pixels
from .storage.containers import LFS_POINTER
from .storage.formats import HEAD, kind, not_read, reads
from .storage.reader import Reader, Unreadable
from .storage.stored import Stored

if TYPE_CHECKING:
    from PIL.Image import Image

LFS_REASON = "a Git LFS pointer, not the file; `git lfs pull` in its folder fetches it"
MAX_PIXELS = 89_478_485  # Pillow's own line for a decompression bomb
_COLOUR = cv2.IMREAD_COLOR_RGB
# IMREAD_REDUCED_COLOR_n is IMREAD_REDUCED_GRAYSCALE_n | IMREAD_COLOR_BGR; with the RGB flag in BGR's place it is RGB.
_REDUCED = {
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2 | _COLOUR,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4 | _COLOUR,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8 | _COLOUR,
}
_ORIENTATION = (b"\x01\x12\x00\x03", b"\x12\x01\x03\x00")  # the EXIF tag and its type, in either byte order


def size(data: bytes) -> tuple[int, int]:
    """(H, W) as the header says, before any orientation. Raises Unreadable."""
    form = _readable(data)
    try:
        found = _jpeg_frame(data)[1:] if form == "JPEG" else _png_size(data) if form == "PNG" else _other_size(data)
    except (struct.error, IndexError, ValueError):
        raise Unreadable(_float_tiff(data) or f"a {form} whose header is damaged") from None
    if found[0] * found[1] > MAX_PIXELS:
        raise Unreadable(f"{found[1]} × {found[0]} pixels are more than {MAX_PIXELS:,}: refused before decoding")
    if min(found) < 1:
        raise Unreadable(f"{found[1]} × {found[0]} pixels")
    return found


def decode(data: bytes, side: int | None = None, max_pixels: int | None = None) -> Pixels:
    """(H, W, 3) uint8 RGB. Raises Unreadable.

    With ``side`` or ``max_pixels`` a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size: as small as it can be with the
    short side still at least ``side``, or the area still at least ``max_pixels``.
    """
    height, width = size(data)
    flags = _COLOUR
    if data[4:8] == b"ftyp":
        return _with_pillow(data)
    if data[:2] == b"\xff\xd8":
        denominator = reduction(height, width, side, max_pixels)
        flags = _REDUCED.get(denominator, _COLOUR)
        if not _may_be_turned(data):
            try:
                return _jpeg(data, -(-height // denominator), -(-width // denominator))
            except ValueError:
                pass  # four components, or something to warn of: OpenCV decides
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise Unreadable(f"OpenCV cannot decode it: {error.err}") from None
    if image is None:
        raise Unreadable(_float_tiff(data) or "truncated or damaged")
    return np.asarray(image, dtype=np.uint8)


def _readable(data: bytes) -> str:
    """The format. Raises Unreadable where it is none that is read."""
    form = kind(data[:HEAD])
    if form is not None and reads(form):
        return form
    if form is not None:
        raise Unreadable(not_read(form))
    if data.startswith(LFS_POINTER):
        raise Unreadable(LFS_REASON)
    raise Unreadable("not an image" if data else "empty file")


def _with_pillow(data: bytes) -> Pixels:
    """AVIF and HEIC, turned as a viewer shows them."""
    from PIL import ImageOps

    try:
        with _pillow(data) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        raise Unreadable(f"truncated or damaged ({str(error)[:80]})") from None


def _pillow(data: bytes) -> Image:
    from PIL import Image

    if kind(data[:HEAD]) == "HEIC":
        import pillow_heif

        pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(data))


def _float_tiff(data: bytes) -> str | None:
    """A reason, where it is a TIFF of numbers with a decimal point: whole and undamaged, but of no known range."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None:
        return None
    try:
        (at,) = struct.unpack_from(order + "I", data, 4)
        (entries,) = struct.unpack_from(order + "H", data, at)
        for i in range(entries):
            tag, _, count, value = struct.unpack_from(order + "HHIH", data, at + 2 + 12 * i)
            if tag == 339:  # SampleFormat
                if count * 2 > 4:
                    (place,) = struct.unpack_from(order + "I", data, at + 10 + 12 * i)
                    (value,) = struct.unpack_from(order + "H", data, place)
                if value == 3:
                    return "a TIFF of floating-point numbers, whose range is not known; convert it to 8 or 16 bits"
    except struct.error:
        return None
    return None


def _jpeg(data: bytes, height: int, width: int) -> Pixels:
    """Decoded at the smallest scale of TurboJPEG that leaves at least this size."""
    return np.asarray(simplejpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width), np.uint8)


def _may_be_turned(data: bytes) -> bool:
    header = data[: _jpeg_frame(data)[0]]
    return b"Exif\0\0" in header and any(tag in header for tag in _ORIENTATION)


def reduction(height: int, width: int, side: int | None, max_pixels: int | None) -> int:
    """1, 2, 4 or 8: by how much a JPEG may be shrunk while it is decoded."""
    for denominator in (8, 4, 2):
        h, w = -(-height // denominator), -(-width // denominator)
        if (side is not None and min(h, w) >= side) or (max_pixels is not None and h * w >= max_pixels):
            return denominator
    return 1


def outline(head: bytes, tail: bytes) -> str | None:
    """What the first and last bytes of a file already give away: a reason to leave it out, or None."""
    try:
        form = _readable(head)
    except Unreadable as error:
        return str(error)
    try:
        size(head)
    except Unreadable as error:
        # Metadata may push a JPEG's size out of the first bytes; only what is certain counts here.
        if "refused" in str(error):
            return str(error)
    ended = tail.rstrip(b"\0").endswith(b"\xff\xd9") if form == "JPEG" else b"IEND" in tail
    return None if ended or form not in ("JPEG", "PNG") else "truncated or damaged"


class ImageReader(Reader):
    """Loads images for ``LazyImages``: stored files, read and decoded."""

    def __init__(self, stored: Stored) -> None:
        # What cannot be read is told by name, once; OpenCV would print a line of its own for each.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        super().__init__(stored)

    def __call__(self, i: int, side: int | None = None, max_pixels: int | None = None) -> Pixels:
        """See ``decode``; an InputError that names the file where that fails."""
        try:
            return decode(self.read(i), side, max_pixels)
        except Unreadable as error:
            raise InputError(
                f"{self.stored.where(i)}: {error}; `topfive data inspect` finds such files, later runs leave them out"
            ) from None


def _jpeg_frame(data: bytes) -> tuple[int, int, int]:
    """Where the frame's header begins, and the (H, W) that it states."""
    at = 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker in (0x01, *range(0xD0, 0xD8)):
            at += 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return at, int(height), int(width)
        if marker in (0xD9, 0xDA):
            raise ValueError("no frame")
        at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return int(height), int(width)


def _other_size(data: bytes) -> tuple[int, int]:
    from PIL import Image, UnidentifiedImageError

    try:
        with _pillow(data) as image:
            return image.height, image.width
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return MAX_PIXELS, 2
    except (UnidentifiedImageError, OSError, SyntaxError, OverflowError):
        raise ValueError("no header") from None
