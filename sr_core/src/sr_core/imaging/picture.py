"""A picture in memory, and its ways from and to numpy arrays and Pillow images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sr_core.errors import PictureError

Samples = NDArray[Any]  # H×W (gray), or H×W×C: gray, gray + alpha, RGB, RGB + alpha for C = 1, 2, 3, 4

_GRAY_MODES = frozenset({"1", "L", "LA"})
_COLOR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "YCbCr"})
_DEEP_GRAY_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})


@dataclass(frozen=True, eq=False)
class Picture:
    """What a picture file holds; an upscaler makes a new one by `dataclasses.replace`, so nothing is lost.

    Attributes:
        image: 1×C×H×W float32 in [0, 1], C = 1 (gray) or 3 (RGB); a network's output may leave the range.
        alpha: 1×1×H×W opacity in [0, 1], not multiplied into `image`; None where there is none.
        bits: bits a sample in the file, 8 or 16: the depth in which it is written again.

    Raises:
        ValueError: the shapes or `bits` are none of these.
    """

    image: Tensor
    alpha: Tensor | None = None
    bits: int = 8

    def __post_init__(self) -> None:
        shape = tuple(self.image.shape)
        if len(shape) != 4 or shape[0] != 1 or shape[1] not in (1, 3) or 0 in shape:
            raise ValueError(f"image: expected 1x1xHxW or 1x3xHxW, got {shape}")
        if self.alpha is not None and tuple(self.alpha.shape) != (1, 1, *shape[2:]):
            raise ValueError(f"alpha: expected {(1, 1, *shape[2:])}, got {tuple(self.alpha.shape)}")
        if not all(plane.is_floating_point() for plane in self._planes()):
            raise ValueError("image and alpha: expected floating point in [0, 1]; from_array takes integers")
        if self.bits not in (8, 16):
            raise ValueError(f"bits: expected 8 or 16, got {self.bits}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.shape[2], self.image.shape[3]

    def _planes(self) -> list[Tensor]:
        return [self.image] if self.alpha is None else [self.image, self.alpha]

    @classmethod
    def from_array(cls, array: Samples) -> Picture:
        """The picture in an H×W or H×W×C array, C = 1 gray, 2 gray + alpha, 3 RGB, 4 RGB + alpha.

        uint8 (0 … 255) and uint16 (0 … 65535) give pictures of 8 and 16 bits; floating point is taken as it
        is and gives 8.

        Raises:
            ValueError: another shape or type.
        """
        if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
            raise ValueError(f"expected HxW or HxWxC with C = 1 to 4, got {array.shape}")
        is_integer = array.dtype.kind == "u" and array.dtype.itemsize <= 2  # of either byte order
        if not is_integer and array.dtype.kind != "f":
            raise ValueError(f"expected uint8, uint16 or floating point, got {array.dtype}")
        samples = np.atleast_3d(array).astype(np.float32)
        if is_integer:
            samples /= np.iinfo(array.dtype).max
        planes = torch.from_numpy(samples).permute(2, 0, 1).unsqueeze(0)  # 1×C×H×W
        colors = 1 if planes.shape[1] < 3 else 3
        alpha = planes[:, colors:].contiguous() if planes.shape[1] > colors else None
        bits = 8 * array.dtype.itemsize if is_integer else 8
        return cls(planes[:, :colors].contiguous(), alpha, bits)

    def to_array(self) -> Samples:
        """H×W or H×W×C as in `from_array`, uint8 or uint16 by `bits`; clipped to [0, 1] and rounded half up.

        Raises:
            ValueError: a sample is not a number.
        """
        planes = torch.cat([plane.detach().float() for plane in self._planes()], dim=1)
        if planes.isnan().any():
            raise ValueError("the picture holds samples that are not numbers (NaN)")
        levels = (planes.clamp(0, 1) * (2**self.bits - 1) + 0.5).floor()
        array: Samples = levels[0].permute(1, 2, 0).cpu().numpy()  # H×W×C
        samples = array.astype(np.uint8 if self.bits == 8 else np.uint16, order="C")
        return samples[..., 0] if samples.shape[2] == 1 else samples

    @classmethod
    def from_pil(cls, image: Image.Image) -> Picture:
        """The picture in a Pillow image: gray, palette or RGB, with or without transparency, 16-bit gray.

        Raises:
            PictureError: a mode that holds something else, as CMYK.
        """
        return cls.from_array(samples_of(image))

    def to_pil(self) -> Image.Image:
        """A Pillow image of mode L, LA, RGB or RGBA: always 8 bits, since Pillow has no deeper colour."""
        return Image.fromarray(Picture(self.image, self.alpha, bits=8).to_array())

    def save(self, path: Path | str) -> None:
        """Write the picture to `path`; the same as `write_picture(picture, path)`."""
        from sr_core.imaging.files import write_picture  # files.py itself imports this module

        write_picture(self, path)


def samples_of(image: Image.Image) -> Samples:
    """A Pillow image as H×W or H×W×C uint8 or uint16; gray stays one channel, palettes become RGB.

    Raises:
        PictureError: a mode that holds neither gray nor RGB.
    """
    if image.mode in _DEEP_GRAY_MODES:
        return np.asarray(image).astype(np.uint16)
    if image.mode not in _GRAY_MODES | _COLOR_MODES:
        raise PictureError(f"Pillow mode {image.mode} is not supported; convert the picture to gray or RGB")
    plain_mode = "L" if image.mode in _GRAY_MODES else "RGB"
    return np.asarray(image.convert(plain_mode + "A" * image.has_transparency_data))
