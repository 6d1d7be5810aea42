"""PNG: decoded from its essential parts alone, so that no damaged note can lose the picture.

Pillow decodes 8 bits; it cuts 16-bit colour down and misses a transparent gray level of less, so those go to
imagecodecs.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import BinaryIO, NamedTuple

from PIL import PngImagePlugin

from sr_core.imaging.decoding import SEVERAL_FRAMES, Decoded, check_pixels
from sr_core.imaging.formats import DPI, EXIF, ICC
from sr_core.imaging.metadata import Metadata
from sr_core.imaging.samples import samples_of

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = len(_SIGNATURE) + 25
_OPTIONAL = {b"tRNS": "transparency", b"iCCP": ICC, b"eXIf": EXIF, b"pHYs": DPI, b"acTL": "animation"}
_LONGEST_PROFILE = 2**24
_PER_METRE, _METRES_AN_INCH = 1, 0.0254
_PALETTE = 3
_TRANSPARENCY_BYTES = {0: 2, 2: 6}
"""Of gray and RGB, which declare one level or colour transparent."""


class Chunk(NamedTuple):
    """A part of a PNG file: its name, its data, and its bytes with length and checksum."""

    name: bytes
    data: memoryview
    whole: memoryview

    @property
    def is_sound(self) -> bool:
        """Whether the checksum is right."""
        return int.from_bytes(self.whole[-4:], "big") == zlib.crc32(self.whole[4:-4])


def decode_png(stream: BinaryIO, max_pixels: int) -> Decoded:
    """Decode a PNG picture of 1 to 16 bits."""
    header, *chunks = _chunks(stream.read())
    if header.name != b"IHDR":
        raise ValueError("does not begin with its header")
    width, height, depth, color_type = struct.unpack_from(">IIBB", header.data)
    check_pixels(width, height, max_pixels)
    optional = {chunk.name: chunk for chunk in chunks if chunk.name in _OPTIONAL}
    found = {name: chunk.data for name, chunk in optional.items() if chunk.is_sound}
    remarks = tuple(f"its {_OPTIONAL[name]} is damaged and was ignored" for name in optional if name not in found)
    metadata, further_remarks = _metadata(found)
    palette = [chunk for chunk in chunks if chunk.name == b"PLTE" and color_type == _PALETTE]
    clear = [optional[b"tRNS"]] if _transparency_fits(found, color_type, palette) else []
    pixels = [chunk for chunk in chunks if chunk.name in (b"IDAT", b"IEND")]
    essential = _SIGNATURE + b"".join(chunk.whole for chunk in (header, *palette[:1], *clear, *pixels))
    if depth == 8:
        with PngImagePlugin.PngImageFile(BytesIO(essential)) as image:
            samples, _ = samples_of(image)
    else:
        import imagecodecs

        samples = imagecodecs.png_decode(essential)
    return Decoded(samples, metadata, remarks=remarks + further_remarks)


def with_metadata(content: bytes, metadata: Metadata) -> bytes:
    """A PNG file with `metadata` put behind its header."""
    chunks = b""
    if metadata.icc is not None:
        chunks += _chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(metadata.icc))
    if metadata.dpi is not None:
        across, down = (round(each / _METRES_AN_INCH) for each in metadata.dpi)
        chunks += _chunk(b"pHYs", struct.pack(">IIB", across, down, _PER_METRE))
    if metadata.exif is not None:
        chunks += _chunk(b"eXIf", metadata.exif)
    return content[:_HEADER_END] + chunks + content[_HEADER_END:]


def _chunks(content: bytes) -> Iterator[Chunk]:
    """The parts of a PNG file; the last one may end early."""
    view, position = memoryview(content), len(_SIGNATURE)
    while position < len(view):
        length = int.from_bytes(view[position : position + 4], "big")
        begin, end = position + 8, position + 12 + length
        yield Chunk(bytes(view[position + 4 : begin]), view[begin : end - 4], view[position:end])
        position = end


def _transparency_fits(found: Mapping[bytes, memoryview], color_type: int, palette: list[Chunk]) -> bool:
    length = len(found.get(b"tRNS", b""))
    if palette:
        return 0 < length <= len(palette[0].data) // 3
    return length == _TRANSPARENCY_BYTES.get(color_type)


def _metadata(found: Mapping[bytes, memoryview]) -> tuple[Metadata, tuple[str, ...]]:
    remarks = []
    if int.from_bytes(found.get(b"acTL", b"")[:4], "big") > 1:
        remarks.append(SEVERAL_FRAMES)
    icc = None
    if b"iCCP" in found:
        try:
            icc = _profile(bytes(found[b"iCCP"]))
        except (ValueError, zlib.error):
            remarks.append("its ICC profile is damaged and was ignored")
    exif = bytes(found[b"eXIf"]) if b"eXIf" in found else None
    return Metadata(icc, exif, _dpi(found.get(b"pHYs", b""))), tuple(remarks)


def _profile(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    profile = unpacker.decompress(data[data.index(b"\0") + 2 :], _LONGEST_PROFILE)
    if not unpacker.eof:
        raise ValueError("cut short, or longer than any profile")
    return profile


def _dpi(data: bytes | memoryview) -> tuple[float, float] | None:
    if len(data) != 9 or data[8] != _PER_METRE:
        return None
    across, down = struct.unpack_from(">II", data)
    return (across * _METRES_AN_INCH, down * _METRES_AN_INCH) if across and down else None


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
