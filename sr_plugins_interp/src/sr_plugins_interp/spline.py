"""Interpolating B-splines, through SciPy."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from scipy import ndimage
from torch import Tensor

from sr_core import Scale, Upsampler, sr_size
from sr_core.imaging.size import per_axis


class Spline(Upsampler):
    """The B-spline of a given order that goes through every LR pixel, with mirrored borders (Unser 1999).

    Computed on the CPU in float64. Orders above 1 depend on the whole row and column.

    Args:
        order: 0 (nearest) to 5; 3 is the cubic spline.
    """

    def __init__(self, order: Annotated[int, Field(ge=0, le=5)] = 3) -> None:
        self.order = order

    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        """Enlarge N×C×H×W in [0, 1]."""
        size = sr_size((image.shape[-2], image.shape[-1]), scale)
        vertical, horizontal = per_axis(scale)
        # ndimage maps SR index i to LR position matrix·i + offset; pixel centres lie at (i + 0.5) / scale − 0.5.
        matrix = np.array([1 / vertical, 1 / horizontal])
        offset = 0.5 * matrix - 0.5
        planes = image.detach().to("cpu", torch.float64).numpy().reshape(-1, *image.shape[-2:])
        enlarged = np.stack(
            [
                ndimage.affine_transform(plane, matrix, offset, output_shape=size, order=self.order, mode="reflect")
                for plane in planes
            ]
        )
        return torch.from_numpy(enlarged).reshape(*image.shape[:2], *size).to(image)
