"""Picture files for tests: made, saved and read again by programs that take no part in what is tested.

What we write, by Pillow, tifffile and imagecodecs, is read by a program that did not write it, and the pictures
we read are told by such a program or by the specification too: no test compares our output with itself alone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[Any]

SHAPES = {"gray": (7, 5), "gray with alpha": (7, 5, 2), "RGB": (7, 5, 3), "RGB with alpha": (7, 5, 4)}
PILLOW_NAMES = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".bmp": "BMP"}


def noise(shape: tuple[int, ...], bits: int = 8, seed: int = 0) -> Samples:
    kind = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**bits, shape, dtype=kind)


def read_by_another(path: Path) -> Samples:
    """Decode with a program that took no part in writing the file."""
    data = path.read_bytes()
    if path.suffix == ".png" and data[24] == 16:
        return decode_png_by_hand(data)
    decoders = {
        ".png": imagecodecs.png_decode,
        ".jpg": imagecodecs.jpeg_decode,
        ".webp": imagecodecs.webp_decode,
        ".tif": imagecodecs.tiff_decode,
        ".bmp": imagecodecs.bmp_decode,
    }
    samples: Samples = decoders[path.suffix](data)
    return samples


def decode_png_by_hand(data: bytes) -> Samples:
    """PNG of 16 bits from the specification alone: chunks, inflate, the five row filters."""
    width, height, _, color_type = struct.unpack(">IIBB", data[16:26])
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color_type]
    position, packed = 8, b""
    while position < len(data):
        (length,) = struct.unpack(">I", data[position : position + 4])
        if data[position + 4 : position + 8] == b"IDAT":
            packed += data[position + 8 : position + 8 + length]
        position += 12 + length
    step, rows = 2 * channels, []
    raw = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + step * width).astype(int)
    above = np.zeros(step * width, int)
    for kind, *row in raw:
        for i in range(len(row)):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            row[i] = (row[i] + predicted(kind, left, above[i], corner)) % 256
        above = np.array(row)
        rows.append(above)
    return np.array(rows, np.uint8).view(">u2").reshape(height, width, channels).squeeze(2 if channels == 1 else ())


def predicted(kind: int, left: int, above: int, corner: int) -> int:
    distances = [abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)]
    paeth = (left, above, corner)[distances.index(min(distances))]
    return (0, left, above, (left + above) // 2, paeth)[kind]


def save_with_pillow(path: Path, image: Image.Image | Samples, **options: Any) -> Path:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(path, PILLOW_NAMES[path.suffix], **options)
    return path


def png(color_type: int, depth: int, size: tuple[int, int], rows: bytes, **chunks: bytes) -> bytes:
    """A PNG file put together by hand: rows with their filter bytes, extra chunks before the pixels."""
    header = struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0)
    parts = {"IHDR": header, **chunks, "IDAT": zlib.compress(rows), "IEND": b""}
    content = b"\x89PNG\r\n\x1a\n"
    for name, data in parts.items():
        body = name.encode() + data
        content += struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    return content


def raising(error: BaseException) -> Callable[..., None]:
    def decoder(*_: object) -> None:
        raise error

    return decoder
