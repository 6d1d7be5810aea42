"""Pictures that are both in training and in a test set: figures on them would prove nothing.

Found are pictures whose pixels are equal, in whatever lossless format or depth they are stored. A test picture that
was scaled, cut or compressed again before it came into a training set is not found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin
from torch import Tensor

from sr_core.data.threads import in_threads
from sr_core.errors import PictureError
from sr_core.imaging.files import read_picture
from sr_core.imaging.formats import BMP, GIF, JPEG, PNG, WEBP, PictureFormat, format_of_name
from sr_core.imaging.quiet import without_remarks_of_libraries

# These read the header when they are made, and the pixels only when they are asked for.
_HEADER_READERS: dict[PictureFormat, Callable[[BinaryIO], Image.Image]] = {
    PNG: PngImagePlugin.PngImageFile,
    JPEG: JpegImagePlugin.JpegImageFile,
    WEBP: WebPImagePlugin.WebPImageFile,
    BMP: BmpImagePlugin.BmpImageFile,
    GIF: GifImagePlugin.GifImageFile,
}

Sides = tuple[int, int]


def find_shared_pictures(training: Sequence[Path], tests: Sequence[Path]) -> list[tuple[Path, Path]]:
    """The pairs (training file, test file) that hold the same pixels, in the order of `training`, then `tests`.

    Only training pictures of a size that a test picture has are decoded. Files that cannot be read are passed over:
    whoever trains on them or measures with them says so.
    """
    tests = list(dict.fromkeys(tests))
    by_digest: dict[bytes, list[Path]] = {}
    sizes: set[Sides] = set()
    for path, known in zip(tests, in_threads(_size_and_digest, tests), strict=True):
        if known is not None:
            size, digest = known
            sizes.add(size)
            by_digest.setdefault(digest, []).append(path)
    if not by_digest:
        return []
    candidates = [path for path in dict.fromkeys(training) if _declared_size(path) in (None, *sizes)]
    shared = []
    for path, known in zip(candidates, in_threads(_size_and_digest, candidates), strict=True):
        if known is not None:
            shared += [(path, test) for test in by_digest.get(known[1], ())]
    return shared


def pixel_digest(image: Tensor) -> bytes:
    """Bytes that are equal for pictures of equal pixels; three equal planes count as gray.

    Args:
        image: 1×C×H×W float32 as a file is read, whatever its depth.
    """
    if image.shape[1] == 3 and image[:, :1].eq(image[:, 1:]).all():
        image = image[:, :1]
    content = hashlib.blake2b(repr(tuple(image.shape)).encode(), digest_size=16)
    content.update(image.contiguous().numpy().data)
    return content.digest()


def _size_and_digest(path: Path) -> tuple[Sides, bytes] | None:
    try:
        image = read_picture(path).image
    except PictureError:
        return None
    return _sides(image.shape[-1], image.shape[-2]), pixel_digest(image)


def _declared_size(path: Path) -> Sides | None:
    """The size in a file's header; None where only decoding tells."""
    reader = None
    if (picture_format := format_of_name(path)) is not None:
        reader = _HEADER_READERS.get(picture_format)
    if reader is None:
        return None
    try:
        with path.open("rb") as stream, without_remarks_of_libraries(), reader(stream) as image:
            return _sides(*image.size)
    except Exception:  # noqa: BLE001 - a damaged file makes decoders raise anything; decoding it will tell
        return None


def _sides(width: int, height: int) -> Sides:
    # EXIF may turn the picture by a quarter, so the order says nothing.
    return min(width, height), max(width, height)
