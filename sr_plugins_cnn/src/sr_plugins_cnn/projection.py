"""Up- and down-projection: between LR and HR in one step, as back-projection networks go to and fro."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import nn

from sr_plugins_cnn.receptive_field import Layer, StridedConvolution, TransposedConvolution

ProjectionScale = Annotated[int, Field(ge=2, le=8)]
"""A scale that projections can make: 2, 3, 4 or 8."""

_KERNELS = {2: 6, 3: 7, 4: 8, 8: 12}
_PADDING = 2


def up_projection(width: int, scale: int) -> nn.ConvTranspose2d:
    """A transposed convolution from N×F×H×W to N×F×sH×sW.

    Left to PyTorch: kernels as large as these are no faster as ordinary convolutions, one for each place of a stride
    (`Enlarging`). Weights start by He as if it were an ordinary convolution, as the authors of both networks have it.

    Raises:
        ValueError: there is no kernel for the scale.
    """
    layer = nn.ConvTranspose2d(width, width, projection_kernel(scale), stride=scale, padding=_PADDING)
    _start(layer)
    return layer


def down_projection(width: int, scale: int) -> nn.Conv2d:
    """A convolution with stride from N×F×sH×sW to N×F×H×W; weights start by He.

    Raises:
        ValueError: there is no kernel for the scale.
    """
    layer = nn.Conv2d(width, width, projection_kernel(scale), stride=scale, padding=_PADDING)
    _start(layer)
    return layer


def projection_kernel(scale: int) -> int:
    """The side of the kernels, which overlap.

    >>> projection_kernel(2), projection_kernel(3), projection_kernel(4), projection_kernel(8)
    (6, 7, 8, 12)

    Raises:
        ValueError: there is none for the scale.
    """
    if scale not in _KERNELS:
        raise ValueError(f"projections make ×2, ×3, ×4 or ×8, not ×{scale}")
    return _KERNELS[scale]


def to_and_fro(scale: int, pairs: int) -> list[Layer]:
    """The layers of up- and down-projections in turn: so many pairs, and up at last."""
    kernel = projection_kernel(scale)
    up = TransposedConvolution(kernel, scale, _PADDING)
    pair: list[Layer] = [up, StridedConvolution(kernel, scale, _PADDING)]
    return [*pair * pairs, up]


def _start(layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
    nn.init.kaiming_normal_(layer.weight)
    nn.init.zeros_(layer.get_parameter("bias"))
