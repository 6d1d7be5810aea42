"""Mutated picture files are read, or refused by the one error."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import imagecodecs
import pytest
import tifffile
from PIL import Image

from sr_core.errors import PictureError
from sr_core.imaging.files import read_picture
from tests.unit.picture_files import (
    Samples,
    noise,
)


def small_files() -> dict[str, bytes]:
    """A small file of each format and the kinds that are decoded differently, with their notes."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a note"
    color, deep = noise((24, 31, 3)), noise((24, 31, 4), 16)

    def pillow(name: str, image: Image.Image | Samples, **options: Any) -> bytes:
        stream = io.BytesIO()
        image = image if isinstance(image, Image.Image) else Image.fromarray(image)
        image.save(stream, name, **options)
        return stream.getvalue()

    def tiff(samples: Samples, **options: Any) -> bytes:
        stream = io.BytesIO()
        tifffile.imwrite(stream, samples, **options)
        return stream.getvalue()

    return {
        "8-bit.png": pillow("PNG", color, exif=exif),
        "palette.png": pillow("PNG", Image.fromarray(color).quantize(16), transparency=3),
        "16-bit.png": bytes(imagecodecs.png_encode(deep)),
        "baseline.jpg": pillow("JPEG", color, exif=exif),
        "progressive.jpg": pillow("JPEG", color, progressive=True),
        "lossless.webp": pillow("WEBP", noise((24, 31, 4)), lossless=True, exif=exif),
        "lossy.webp": pillow("WEBP", color),
        "16-bit.tif": tiff(deep, photometric="rgb", extrasamples=["unassalpha"], compression="lzw", tile=(16, 16)),
        "8-bit.tif": tiff(color, photometric="rgb", rowsperstrip=5, compression="adobe_deflate", predictor=True),
        "palette.tif": pillow("TIFF", Image.fromarray(color).quantize(16), compression="packbits"),
        "color.bmp": pillow("BMP", color),
        "palette.bmp": pillow("BMP", Image.fromarray(color).quantize(16)),
    }


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` cut short, with bytes lost, inserted or changed; mostly near the ends, where headers are."""
    data, place = bytearray(content), chance.randrange(len(content))
    kind = chance.choice(["cut", "lose", "insert", "change", "change", "change"])
    if kind == "cut":
        return bytes(data[:place])
    if kind == "lose":
        del data[place : place + chance.randrange(1, 30)]
    if kind == "insert":
        data[place:place] = chance.randbytes(chance.randrange(1, 30))
    if kind == "change":
        for _ in range(chance.choice([1, 2, 8])):
            near = chance.randrange(min(200, len(data)))
            place = chance.choice([near, -1 - near, chance.randrange(len(data))])
            data[place] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
    return bytes(data)


@pytest.mark.parametrize("name", small_files())
def test_mutated_file_is_read_or_refused_by_the_one_error(tmp_path: Path, name: str) -> None:
    content, path, chance = small_files()[name], tmp_path / name, random.Random(name)  # noqa: S311 - no secret
    assert read_picture(path_with(path, content)).size in [(24, 31), (31, 24)]
    errors = []
    for _ in range(300):
        path_with(path, mutated(content, chance))
        try:
            read_picture(path, max_pixels=2**22)
        except PictureError as error:
            errors.append(str(error))
    assert all(error.startswith(f"{path}: ") for error in errors)
    assert len(errors) > 30


def path_with(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
