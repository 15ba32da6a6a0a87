"""Formats of image files, told by their first bytes: those that are read, and those that are only named."""

from __future__ import annotations

import functools
import importlib.util
import re

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
HEAD = 144  # bytes that tell a format
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"8BPS\0", "Photoshop"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"SIMPLE  =", "FITS"),
)
_PNM = re.compile(rb"P[1-6]\s+[#\d]")
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE[^>]*>\s*)?<svg[\s>]", re.DOTALL)
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc"), "HEIC")
_RAW = (
    *(".cr2", ".cr3", ".nef", ".nrw", ".arw", ".dng", ".orf", ".rw2", ".raf"),
    *(".pef", ".srw", ".3fr", ".iiq", ".erf", ".mef", ".mrw", ".x3f"),
)
# Told by the ending alone, because the first bytes do not, or are damaged.
_ENDINGS = dict.fromkeys(_RAW, "camera raw") | {
    ".heic": "HEIC",
    ".heif": "HEIC",
    ".avif": "AVIF",
    ".jxl": "JPEG XL",
    ".psd": "Photoshop",
    ".exr": "OpenEXR",
    ".hdr": "Radiance HDR",
    ".svg": "SVG",
    ".tga": "TGA",
    ".ico": "ICO",
    ".dcm": "DICOM",
    ".xcf": "GIMP",
}
_ALWAYS = {"JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PNM", "JPEG 2000"}


def kind(head: bytes) -> str | None:
    """The format that the first bytes announce, read or not; None where they are those of no image."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if _PNM.match(head):
        return "PNM"
    if head[4:8] == b"ftyp":
        end = min(int.from_bytes(head[:4], "big"), HEAD)
        brands = [head[8:12], *(head[i : i + 4] for i in range(16, end, 4))]
        return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), None)
    if head[128:132] == b"DICM":
        return "DICOM"
    return "SVG" if _SVG.match(head) else None


def kind_of(name: str, head: bytes) -> str | None:
    """The format of a file that is not called like an image. Where the bytes say too little, its ending decides."""
    ending = "." + name.rpartition(".")[2].lower()
    if ending in _RAW:
        return "camera raw"  # its first bytes are those of a TIFF
    told = kind(head)
    if told == "BMP" and int.from_bytes(head[14:18], "little") not in (12, 40, 52, 56, 64, 108, 124):
        told = None  # a text that begins with BM
    return told or _ENDINGS.get(ending)


@functools.cache
def reads(form: str) -> bool:
    """Whether images of a format are decoded here."""
    if form == "AVIF":
        from PIL import features

        return bool(features.check("avif"))
    if form == "HEIC":
        return importlib.util.find_spec("pillow_heif") is not None
    return form in _ALWAYS


def not_read(form: str) -> str:
    """What to say of a format that is not read."""
    cures = {"AVIF": "needs Pillow 11.3 or newer", "HEIC": "needs pip install 'topfive[heic]'"}
    return f"{form}, which {cures.get(form, 'is not read; convert it to PNG or JPEG')}"


def is_image(name: str) -> bool:
    """Whether the name ends like one of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)
