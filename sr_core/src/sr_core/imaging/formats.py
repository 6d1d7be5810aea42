"""The picture formats srkit reads and writes: how to tell them, and what each can keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ICC, EXIF, DPI = "ICC profile", "EXIF", "resolution (DPI)"
_EVERYTHING = frozenset({ICC, EXIF, DPI})


@dataclass(frozen=True)
class PictureFormat:
    """One file format.

    Attributes:
        name: as people write it, `WebP`.
        suffixes: the ends of file names, lower case; the usual one first.
        signature: matches the first `SIGNATURE_BYTES` bytes of a file.
        depths: bits a sample that we write, ascending; 32 is floating point; none for what is only read.
        keeps_alpha: whether we write transparency.
        keeps_bands: whether we write any number of planes, not only gray and RGB.
        metadata: which of `ICC`, `EXIF` and `DPI` we write.
        longest_exif: how many bytes of EXIF it takes.
        has_quality: whether the caller may choose one.
    """

    name: str
    suffixes: tuple[str, ...]
    signature: re.Pattern[bytes]
    depths: tuple[int, ...] = ()
    keeps_alpha: bool = False
    keeps_bands: bool = False
    metadata: frozenset[str] = frozenset()
    longest_exif: int = 2**31
    has_quality: bool = False


PNG = PictureFormat(
    "PNG",
    (".png",),
    re.compile(rb"\x89PNG\r\n\x1a\n"),
    depths=(8, 16),
    keeps_alpha=True,
    metadata=_EVERYTHING,
)
JPEG = PictureFormat(
    "JPEG",
    (".jpg", ".jpeg"),
    re.compile(rb"\xff\xd8\xff"),
    depths=(8,),
    metadata=_EVERYTHING,
    longest_exif=65533 - len("Exif\0\0"),  # one segment
    has_quality=True,
)
WEBP = PictureFormat(
    "WebP",
    (".webp",),
    re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    depths=(8,),
    keeps_alpha=True,
    metadata=frozenset({ICC, EXIF}),
    has_quality=True,
)
TIFF = PictureFormat(
    "TIFF",
    (".tif", ".tiff"),
    re.compile(rb"II[*+]\0|MM\0[*+]"),
    depths=(8, 16, 32),
    keeps_alpha=True,
    keeps_bands=True,
    metadata=_EVERYTHING,
)
# "BM" alone begins many a text, so the length of the second header, one of seven, has to follow.
BMP_SIGNATURE = re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL)
BMP = PictureFormat("BMP", (".bmp",), BMP_SIGNATURE, depths=(8,), metadata=frozenset({DPI}))
GIF = PictureFormat("GIF", (".gif",), re.compile(rb"GIF8[79]a"))
NUMPY = PictureFormat(
    "NumPy", (".npy",), re.compile(rb"\x93NUMPY"), depths=(8, 16, 32), keeps_alpha=True, keeps_bands=True
)

FORMATS = (PNG, JPEG, WEBP, TIFF, BMP, GIF, NUMPY)
FORMAT_NAMES = "PNG, JPEG, WebP, TIFF, BMP, GIF or NumPy"
SUFFIXES = tuple(suffix for picture_format in FORMATS for suffix in picture_format.suffixes)
WRITTEN_SUFFIXES = tuple(suffix for each in FORMATS if each.depths for suffix in each.suffixes)
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


def suffix_to_write(source: Path) -> str:
    """The suffix of what is made of `source`: its own, or `.png` where we cannot write its format.

    >>> suffix_to_write(Path("party.gif"))
    '.png'
    """
    return source.suffix if source.suffix.lower() in WRITTEN_SUFFIXES else PNG.suffixes[0]


def format_to_write(path: Path, quality: int | None = None) -> PictureFormat:
    """The format in which a picture called `path` is written.

    Raises:
        ValueError: its suffix is none of those we write, or the format has no `quality`, or no such one.
    """
    picture_format = format_of_name(path)
    if picture_format is None or not picture_format.depths:
        fault = f"{picture_format.name} is read only" if picture_format else "cannot tell the format to write"
        raise ValueError(f"{fault}; the name must end in {' '.join(WRITTEN_SUFFIXES)}")
    if quality is not None and not picture_format.has_quality:
        names = " and ".join(each.name for each in FORMATS if each.has_quality)
        raise ValueError(f"{picture_format.name} has no quality to choose; {names} have")
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"quality: expected 1 to 100, got {quality}")
    return picture_format
