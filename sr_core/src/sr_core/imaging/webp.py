"""WebP, read by imagecodecs: Pillow refuses pictures larger than its own limit, though WebP may hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sr_core.imaging.decoding import SEVERAL_FRAMES, Decoded, check_pixels
from sr_core.imaging.metadata import Metadata

_FIRST_CHUNK = 12
_SIDE_MASK = 2**14 - 1


def decode_webp(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a WebP picture; it has no gray, so C is 3 or 4."""
    import imagecodecs

    content = stream.read()
    chunks = list(_chunks(content))
    check_pixels(*_size(*chunks[0]), max_pixels)
    found = dict(reversed(chunks))  # the first of a name counts
    frames = sum(name == b"ANMF" for name, _ in chunks)
    return Decoded(
        imagecodecs.webp_decode(content),
        Metadata(found.get(b"ICCP"), found.get(b"EXIF")),
        remarks=(SEVERAL_FRAMES,) if frames > 1 else (),
    )


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and data of each part of the file; the last one may end early."""
    position = _FIRST_CHUNK
    while position < len(content):
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        yield content[position : position + 4], content[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _size(name: bytes, data: bytes) -> tuple[int, int]:
    """(width, height) as the first part of the file says."""
    if name == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if name == b"VP8L":
        both = int.from_bytes(data[1:5], "little")
        return (both & _SIDE_MASK) + 1, (both >> 14 & _SIDE_MASK) + 1
    if name == b"VP8 ":
        return int.from_bytes(data[6:8], "little") & _SIDE_MASK, int.from_bytes(data[8:10], "little") & _SIDE_MASK
    raise ValueError("does not begin with a picture")
