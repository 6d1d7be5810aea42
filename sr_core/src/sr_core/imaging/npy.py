"""NumPy's own files: H×W or H×W×C arrays of uint8, uint16 or floating point.

Their header is the text of a Python dictionary. Three values are picked out of it; nothing is evaluated.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from sr_core.errors import PictureError
from sr_core.imaging.decoding import Decoded, check_pixels
from sr_core.imaging.samples import Samples

_SIGNATURE_BYTES = 6
_BYTES_OF_LENGTH = {1: 2, 2: 4, 3: 4}
_LONGEST_HEADER = 10_000
_KIND = re.compile(rb"""['"]descr['"]\s*:\s*['"]([^'"]*)['"]""")
_ORDER = re.compile(rb"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(rb"""['"]shape['"]\s*:\s*\(([\d\s,]*)\)""")
_ANY_KIND = re.compile(rb"[<>=|]?[a-zA-Z]\d{0,3}")
_SUPPORTED_KIND = re.compile(rb"[<>=|]?(u[12]|f[248])")


class Header(NamedTuple):
    """What a file says of its array."""

    kind: np.dtype
    by_columns: bool
    shape: tuple[int, ...]


def decode_npy(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Read an array that numpy saved; C of 2 and 4 is taken to have opacity, as in `Picture.from_array`.

    Raises:
        PictureError: another shape or type.
        ValueError: damaged.
    """
    kind, by_columns, shape = _header(stream)
    planes = shape[2] if len(shape) == 3 else 1
    check_pixels(shape[1], shape[0], max_pixels, planes)
    length = shape[0] * shape[1] * planes * kind.itemsize
    content = stream.read(length)
    if len(content) < length:
        raise ValueError("it lacks a part of its samples")
    samples = np.frombuffer(content, kind).reshape(shape, order="F" if by_columns else "C")
    return Decoded(samples, remarks=_remarks(shape))


def encode_npy(samples: Samples, path: Path) -> None:
    """Save an array as it is."""
    np.save(path, samples, allow_pickle=False)


def _header(stream: BinaryIO) -> Header:
    stream.seek(_SIGNATURE_BYTES)
    version, _ = stream.read(2)
    length = int.from_bytes(stream.read(_BYTES_OF_LENGTH[version]), "little")
    if length > _LONGEST_HEADER:
        raise ValueError("its header is too long")
    text = stream.read(length)
    kind, order, shape = (pattern.search(text) for pattern in (_KIND, _ORDER, _SHAPE))
    if kind is None or not _SUPPORTED_KIND.fullmatch(kind[1]):
        shown = kind[1].decode() if kind and _ANY_KIND.fullmatch(kind[1]) else "another kind"
        raise PictureError(f"holds samples of {shown}; supported are uint8, uint16 and floating point")
    if order is None or shape is None:
        raise ValueError("its header is damaged")
    sides = tuple(int(side) for side in shape[1].split(b",") if side.strip())
    if len(sides) not in (2, 3) or 0 in sides:
        raise PictureError(f"holds an array of shape {sides}; a picture is H x W or H x W x C")
    return Header(np.dtype(kind[1].decode()), order[1] == b"True", sides)


def _remarks(shape: tuple[int, ...]) -> tuple[str, ...]:
    planes = shape[2] if len(shape) == 3 else 1
    if planes in (2, 4):
        return (f"its {planes} planes are taken as {'gray' if planes == 2 else 'RGB'} and opacity",)
    if planes > shape[0]:
        return (f"its shape {shape} is taken as H x W x C: {planes} planes",)
    return ()
