"""A picture in memory, and its ways from and to numpy arrays and Pillow images."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sr_core.imaging.metadata import Metadata, review
from sr_core.imaging.samples import Samples, samples_of

FLOAT_BITS = 32
"""The depth that means floating point: values as they are, neither clipped nor rounded."""

_log = logging.getLogger("srkit")


@dataclass(frozen=True, eq=False)
class Picture:
    """What a picture file holds; an upscaler makes a new one by `dataclasses.replace`, so nothing is lost.

    Attributes:
        image: 1×C×H×W float32; C = 1 is gray, 3 is RGB, others are bands. In [0, 1], which a network's output
            may leave; from a floating-point file the values as they are.
        alpha: 1×1×H×W opacity in [0, 1], not multiplied into `image`; None where there is none.
        bits: bits a sample in the file, the depth in which it is written again: 8, 16, or 32 for floating point.
        metadata: ICC profile, EXIF and resolution, carried along.

    Raises:
        ValueError: the shapes or `bits` are none of these.
    """

    image: Tensor
    alpha: Tensor | None = None
    bits: int = 8
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        shape = tuple(self.image.shape)
        if len(shape) != 4 or shape[0] != 1 or 0 in shape:
            raise ValueError(f"image: expected 1xCxHxW, got {shape}")
        if self.alpha is not None and tuple(self.alpha.shape) != (1, 1, *shape[2:]):
            raise ValueError(f"alpha: expected {(1, 1, *shape[2:])}, got {tuple(self.alpha.shape)}")
        if not all(plane.is_floating_point() for plane in self._all_planes()):
            raise ValueError("image and alpha: expected floating point in [0, 1]; from_array takes integers")
        if self.bits not in (8, 16, FLOAT_BITS):
            raise ValueError(f"bits: expected 8, 16 or 32 (floating point), got {self.bits}")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.image.shape[2], self.image.shape[3]

    @property
    def planes(self) -> int:
        """Planes without opacity: 1 is gray, 3 is RGB."""
        return self.image.shape[1]

    def _all_planes(self) -> list[Tensor]:
        return [self.image] if self.alpha is None else [self.image, self.alpha]

    @classmethod
    def from_array(cls, array: Samples, *, has_alpha: bool | None = None) -> Picture:
        """The picture in an H×W or H×W×C array.

        uint8 (0 … 255) and uint16 (0 … 65535) give pictures of 8 and 16 bits; floating point is taken as it
        is and gives 32.

        Args:
            array: C = 1 is gray, 3 is RGB, others are bands; opacity is one plane more, the last.
            has_alpha: whether the last plane is opacity; None: it is where C is 2 or 4.

        Raises:
            ValueError: another shape or type.
        """
        if array.ndim not in (2, 3) or 0 in array.shape:
            raise ValueError(f"expected HxW or HxWxC, got {array.shape}")
        is_integer = array.dtype.kind == "u" and array.dtype.itemsize <= 2  # of either byte order
        if not is_integer and array.dtype.kind != "f":
            raise ValueError(f"expected uint8, uint16 or floating point, got {array.dtype}")
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            samples = np.atleast_3d(array).astype(np.float32)
        if is_integer:
            samples /= np.iinfo(array.dtype).max
        if has_alpha is None:
            has_alpha = samples.shape[2] in (2, 4)
        planes = torch.from_numpy(samples).permute(2, 0, 1).unsqueeze(0)  # 1×C×H×W
        colors = planes.shape[1] - has_alpha
        alpha = planes[:, colors:].contiguous() if has_alpha else None
        return cls(planes[:, :colors].contiguous(), alpha, 8 * array.dtype.itemsize if is_integer else FLOAT_BITS)

    def to_array(self) -> Samples:
        """H×W or H×W×C as in `from_array`, uint8, uint16 or float32 by `bits`.

        Integers are clipped to [0, 1] and rounded half up; floating point is as it is.

        Raises:
            ValueError: a sample is not a number, and `bits` are 8 or 16.
        """
        planes = torch.cat([plane.detach().float() for plane in self._all_planes()], dim=1)
        if self.bits != FLOAT_BITS:
            if planes.isnan().any():
                raise ValueError("the picture holds samples that are not numbers (NaN)")
            planes = (planes.clamp(0, 1) * (2**self.bits - 1) + 0.5).floor()
        array: Samples = planes[0].permute(1, 2, 0).cpu().numpy()  # H×W×C
        kind = {8: np.uint8, 16: np.uint16, FLOAT_BITS: np.float32}[self.bits]
        samples = array.astype(kind, order="C")
        return samples[..., 0] if samples.shape[2] == 1 else samples

    @classmethod
    def from_pil(cls, image: Image.Image) -> Picture:
        """The picture in a Pillow image: gray, palette, RGB, CMYK, with or without transparency, 16-bit and float gray.

        Its ICC profile comes along; its EXIF does not, since Pillow leaves it to the caller to turn the picture.

        Raises:
            PictureError: a mode that holds something else, as HSV.
        """
        samples, remarks = samples_of(image)
        picture = cls.from_array(samples)
        icc = None if image.mode == "CMYK" else image.info.get("icc_profile") or None
        reviewed = review(Metadata(icc=icc), picture.planes)
        for remark in (*remarks, *reviewed.remarks):
            _log.warning("a Pillow image: %s", remark)
        return replace(picture, metadata=reviewed.metadata)

    def to_pil(self) -> Image.Image:
        """A Pillow image of mode L, LA, RGB or RGBA: always 8 bits, since Pillow has no deeper colour.

        Raises:
            ValueError: neither gray nor RGB.
        """
        if self.planes not in (1, 3):
            raise ValueError(f"a Pillow image is gray or RGB, the picture has {self.planes} planes")
        image = Image.fromarray(replace(self, bits=8).to_array())
        if self.metadata.icc:
            image.info["icc_profile"] = self.metadata.icc
        return image

    def save(self, path: Path | str, quality: int | None = None) -> None:
        """Write the picture to `path`; the same as `write_picture(picture, path, quality)`."""
        from sr_core.imaging.files import write_picture  # files.py itself imports this module

        write_picture(self, path, quality)
