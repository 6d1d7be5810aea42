"""The picture formats srkit reads and writes: how to tell them, and what each can keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PictureFormat:
    """One file format.

    Attributes:
        name: as people write it, `WebP`.
        suffixes: the ends of file names, lower case; the usual one first.
        signature: matches the first `SIGNATURE_BYTES` bytes of a file.
        keeps_alpha: whether we write transparency.
        keeps_16_bits: whether it holds 16 bits a sample.
    """

    name: str
    suffixes: tuple[str, ...]
    signature: re.Pattern[bytes]
    keeps_alpha: bool
    keeps_16_bits: bool


PNG = PictureFormat("PNG", (".png",), re.compile(rb"\x89PNG\r\n\x1a\n"), True, True)
JPEG = PictureFormat("JPEG", (".jpg", ".jpeg"), re.compile(rb"\xff\xd8\xff"), False, False)
WEBP = PictureFormat("WebP", (".webp",), re.compile(rb"RIFF.{4}WEBP", re.DOTALL), True, False)
TIFF = PictureFormat("TIFF", (".tif", ".tiff"), re.compile(rb"II[*+]\0|MM\0[*+]"), True, True)
# "BM" alone begins many a text, so the length of the second header, one of seven, has to follow.
BMP_SIGNATURE = re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)
BMP = PictureFormat("BMP", (".bmp",), BMP_SIGNATURE, False, False)

FORMATS = (PNG, JPEG, WEBP, TIFF, BMP)
FORMAT_NAMES = "PNG, JPEG, WebP, TIFF or BMP"
SUFFIXES = tuple(suffix for picture_format in FORMATS for suffix in picture_format.suffixes)
SIGNATURE_BYTES = 18


def format_of_content(beginning: bytes) -> PictureFormat | None:
    """The format whose signature a file's first `SIGNATURE_BYTES` bytes bear, or None."""
    return next((each for each in FORMATS if each.signature.match(beginning)), None)


def format_of_name(path: Path) -> PictureFormat | None:
    """The format that the suffix of `path` stands for, in upper or lower case, or None.

    >>> format_of_name(Path("IMG_1234.JPG")).name
    'JPEG'
    """
    return next((each for each in FORMATS if path.suffix.lower() in each.suffixes), None)
