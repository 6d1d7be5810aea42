"""How large the crops of each scale are, and where in a picture they can lie."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from sr_core.errors import DatasetError
from sr_core.imaging.size import lr_size, sr_size
from sr_core.scales import Scale, describe_scale, per_axis

CropIn = Literal["hr", "lr"]

_LARGEST_DENOMINATOR = 100
"""Scales are taken as fractions: 2.3 is 23/10, and 1/3 is what people write as 0.3333."""


@dataclass(frozen=True)
class Grid:
    """The places along one axis where an HR pixel and an LR pixel begin together.

    Attributes:
        hr: HR pixels from one place to the next.
        lr: LR pixels from one place to the next.
    """

    hr: int
    lr: int


@dataclass(frozen=True)
class CropSide:
    """How long the sides of crops are to be.

    Attributes:
        pixels: of HR, where LR has floor(pixels / scale); or of LR, where it has as many at every scale.
        of: which of the two.
    """

    pixels: int
    of: CropIn = "hr"

    def lr_size(self, scale: Scale) -> tuple[int, int]:
        """(height, width) of the LR crop."""
        square = (self.pixels, self.pixels)
        return lr_size(square, scale) if self.of == "hr" else square


@dataclass(frozen=True)
class CropShape:
    """The crops of one scale.

    Attributes:
        scale: HR size over LR size.
        lr: (height, width) of the LR crop.
        hr: (height, width) of the HR crop.
        grids: (vertical, horizontal), where LR is cut out of an LR picture; None where LR is made of the HR crop.
    """

    scale: Scale
    lr: tuple[int, int]
    hr: tuple[int, int]
    grids: tuple[Grid, Grid] | None

    @property
    def turns(self) -> int:
        """In how many ways a crop can be laid: 8, or the 4 without an exchange of axes that differ."""
        vertical, horizontal = per_axis(self.scale)
        return 8 if vertical == horizontal and self.lr[0] == self.lr[1] and self.hr[0] == self.hr[1] else 4

    def places(self, hr_size: tuple[int, int], lr_size: tuple[int, int]) -> tuple[int, int]:
        """How many places (rows, columns) a picture has for the crop; 0 where it is too small.

        Args:
            hr_size: (height, width) of HR.
            lr_size: (height, width) of its LR.
        """
        if self.grids is None:
            rows, columns = (whole - crop + 1 for whole, crop in zip(hr_size, self.hr, strict=True))
        else:
            free = (whole - crop for whole, crop in zip(lr_size, self.lr, strict=True))
            rows, columns = (space // grid.lr + 1 for space, grid in zip(free, self.grids, strict=True))
        return max(rows, 0), max(columns, 0)


def crop_shape(scale: Scale, side: CropSide, paired: bool, deterministic: bool) -> CropShape:
    """The crops of one scale.

    LR crops come from whole LR pictures where those are paired, and where the degradation is deterministic and each
    axis' scale, or one over it, is whole; else LR is made of each HR crop.

    Args:
        scale: HR size over LR size.
        side: of the crops; an HR crop is reduced to the size of SR of the LR crop.
        paired: whether LR pictures are given.
        deterministic: whether LR depends on HR alone.

    Raises:
        DatasetError: the LR crop would be empty, or does not begin and end with HR pixels.
    """
    lr = side.lr_size(scale)
    if min(lr) < 1:
        raise DatasetError(
            f"an HR crop of {side.pixels} leaves no LR pixel at scale {describe_scale(scale)}; make the crop larger"
        )
    hr = sr_size(lr, scale)
    fractions = [Fraction(axis).limit_denominator(_LARGEST_DENOMINATOR) for axis in per_axis(scale)]
    vertical, horizontal = (Grid(fraction.numerator, fraction.denominator) for fraction in fractions)
    if not paired and not (deterministic and all(1 in (grid.hr, grid.lr) for grid in (vertical, horizontal))):
        return CropShape(scale, lr, hr, None)
    for length, grid in zip(lr, (vertical, horizontal), strict=True):
        if length % grid.lr:
            larger = (length // grid.lr + 1) * (grid.hr if side.of == "hr" else grid.lr)
            raise DatasetError(
                f"LR crops of {length} pixels at scale {describe_scale(scale)} end within an HR pixel; "
                f"choose a crop whose LR is a multiple of {grid.lr}, as {larger}"
            )
    return CropShape(scale, lr, hr, (vertical, horizontal))


def without_pictures(shape: CropShape) -> CropShape:
    """The same crops, with LR made of each HR crop."""
    return CropShape(shape.scale, shape.lr, shape.hr, None)
