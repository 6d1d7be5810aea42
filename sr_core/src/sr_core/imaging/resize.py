"""Resampling equal to MATLAB's `imresize`: any scale, any device, differentiable.

Each axis is multiplied by a banded matrix that is kept as small dense blocks (see `kernels`). So one path serves
every scale and kernel, is exact at the borders, and runs as fast as the machine multiplies matrices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from sr_core.imaging.kernels import Block, Border, Resampling, banded_matrix
from sr_core.imaging.kernels import Method as Method
from sr_core.imaging.size import Scale, per_axis

Rounding = Literal["none", "once", "each_pass"]
"""Whether resampled pixels are rounded to 8 bits, and when."""

Pass = tuple[int, Resampling]
"""The axis that a pass works along (−2 vertical, −1 horizontal), and how."""


def resize(
    image: Tensor,
    scale: Scale | None = None,
    size: tuple[int, int] | None = None,
    method: Method = "bicubic",
    antialias: bool = True,
    rounding: Rounding = "none",
) -> Tensor:
    """Resample a picture as MATLAB's `imresize` does.

    With `scale` alone the result has ceil(size · scale) pixels; with `size` alone the scale is `size` over the
    picture's own. With both, `size` says how many pixels there are and `scale` where they lie: pixel i of the
    result at (i + 0.5) / scale − 0.5 in the picture, where 0 is the centre of the first pixel.

    Args:
        image: N×C×H×W, floating point, finite, usually in [0, 1]. float16 and bfloat16 are computed in float32,
            and autocast changes nothing.
        scale: result over picture, above 0: one number, or (vertical, horizontal).
        size: (height, width) of the result in pixels.
        method: the kernel; `bicubic` is that of Keys (1981) with a = −0.5.
        antialias: widen the kernel by 1/scale when shrinking; `nearest` never is, as in MATLAB.
        rounding:
            `none`: float throughout, as MATLAB on doubles; differentiable to any order.
            `once`: clipped to [0, 1] and rounded half up to multiples of 1/255 at the end; no useful gradient.
            `each_pass`: the recipe of older MATLABs on 8-bit pictures, which made the field's public LR sets: the
            picture in [0, 1] is taken in 8 bits, rounded half up and clipped after each pass, and its edge pixel
            goes on beyond the border, where it is mirrored otherwise. Computed in float64; no gradient.

    Returns:
        N×C×H'×W' of `image`'s dtype. Bicubic and Lanczos overshoot, and nothing is clipped unless rounded.

    Raises:
        ValueError: `image` is not such a tensor, neither scale nor size is given, or an argument is none of these.

    Source: MATLAB's imresize.m: weights normalised, borders symmetric, the axis of the smaller scale first.

    >>> resize(torch.tensor([[[[0.0, 1.0]]]]), size=(1, 4), method="bilinear")
    tensor([[[[0.0000, 0.2500, 0.7500, 1.0000]]]])
    """
    _check_image(image)
    _check_choice("method", method, get_args(Method))
    _check_choice("rounding", rounding, get_args(Rounding))
    border: Border = "replicate" if rounding == "each_pass" else "mirror"
    lengths, scales = _geometry((image.shape[-2], image.shape[-1]), scale, size)
    # MATLAB's order of the axes; it decides the last bits, and with them exact ties of rounding.
    passes: list[Pass] = [
        (axis, Resampling(image.shape[axis], lengths[axis], scales[axis], method, antialias, border))
        for axis in ((-2, -1) if scales[0] <= scales[1] else (-1, -2))
    ]
    if rounding == "each_pass":
        return _resize_in_8_bits(image, passes)
    result = image.to(_working_dtype(image))
    for axis, resampling in passes:
        result = _product(result, resampling, axis)
    if rounding == "once":
        result = _round_half_up(result * 255) / 255
    return result.to(image.dtype)


def _resize_in_8_bits(image: Tensor, passes: list[Pass]) -> Tensor:
    """`rounding="each_pass"`, in float64: sums of levels are exact at ×1/2 and ×1/4, where ties are common."""
    device = "cpu" if image.device.type == "mps" else image.device  # MPS has no float64
    levels = _round_half_up(image.detach().to(device, torch.float64) * 255)
    for axis, resampling in passes:
        levels = _round_half_up(_product(levels, resampling, axis))
    return (levels / 255).to(image)


def _round_half_up(levels: Tensor) -> Tensor:
    return torch.floor(levels + 0.5).clamp(0, 255)


class _Product(torch.autograd.Function):
    """A banded matrix times one axis. The gradient is the transposed matrix times that axis, and so on.

    Written with `out=`: each block goes straight to its place, and autocast, which knows no such forms, keeps away.
    """

    @staticmethod
    def forward(image: Tensor, resampling: Resampling, axis: int, transposed: bool) -> Tensor:
        """N×C×H×W in one float dtype, `axis` −2 or −1."""
        blocks = banded_matrix(resampling, transposed, image.dtype, image.device)
        length = resampling.source_length if transposed else resampling.length
        return _multiply_columns(blocks, image, length) if axis == -2 else _multiply_rows(blocks, image, length)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ANN401, ARG004
        """Keep what the gradient needs: all but the picture."""
        ctx.factors = inputs[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        """The gradient with respect to the picture."""
        resampling, axis, transposed = ctx.factors
        return _product(gradients[0], resampling, axis, not transposed), None, None, None


def _product(image: Tensor, resampling: Resampling, axis: int, transposed: bool = False) -> Tensor:
    product: Tensor = _Product.apply(image, resampling, axis, transposed)  # type: ignore[no-untyped-call]
    return product


def _multiply_columns(blocks: tuple[Block, ...], image: Tensor, length: int) -> Tensor:
    planes = image.flatten(0, 1)  # N·C × H × W
    result = planes.new_empty(len(planes), length, image.shape[-1])
    for block in blocks:
        weights = block.weights.expand(len(planes), -1, -1)
        torch.bmm(weights, planes[:, block.columns], out=result[:, block.rows])
    return result.view(*image.shape[:2], length, image.shape[-1])


def _multiply_rows(blocks: tuple[Block, ...], image: Tensor, length: int) -> Tensor:
    lines = image.flatten(0, 2)  # N·C·H × W
    result = lines.new_empty(len(lines), length)
    for block in blocks:
        torch.mm(lines[:, block.columns], block.weights.T, out=result[:, block.rows])
    return result.view(*image.shape[:3], length)


def _working_dtype(image: Tensor) -> torch.dtype:
    """float32; float64 if the picture is, or if the program lets float32 products be rounded to TF32 or bfloat16."""
    if image.device.type == "mps":
        return torch.float32
    try:
        rounded = torch.get_float32_matmul_precision() != "highest"
    except RuntimeError:  # torch ≥ 2.9 has no one answer where backends differ
        rounded = True
    return torch.float64 if rounded or image.dtype == torch.float64 else torch.float32


def _geometry(
    source: tuple[int, int], scale: Scale | None, size: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[float, float]]:
    """(Lengths, scales) of the result, each (vertical, horizontal), for a picture of `source` pixels."""
    if size is not None and not _is_pair(size, Integral):
        raise ValueError(f"size is (height, width) in whole pixels, at least 1, not {size!r}")
    if scale is None:
        if size is None:
            raise ValueError("resize needs a scale, a size or both")
        return size, (size[0] / source[0], size[1] / source[1])
    if not _is_pair(scale if isinstance(scale, tuple) else (scale, scale), Real):
        raise ValueError(f"scale is a number above 0, or (vertical, horizontal), not {scale!r}")
    vertical, horizontal = per_axis(scale)
    return size or (math.ceil(source[0] * vertical), math.ceil(source[1] * horizontal)), (vertical, horizontal)


def _is_pair(parts: Sequence[float], kind: type) -> bool:
    """Whether `parts` are two finite numbers of that kind, above 0."""
    pair = isinstance(parts, Sequence) and len(parts) == 2
    return pair and all(isinstance(part, kind) and 0 < part < math.inf for part in parts)


def _check_image(image: Tensor) -> None:
    if image.ndim != 4 or 0 in image.shape:
        raise ValueError(f"resize takes pictures N×C×H×W, not a tensor of shape {tuple(image.shape)}")
    if not image.is_floating_point():
        raise ValueError(f"resize takes floating-point pixels in [0, 1], not {image.dtype}")


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is one of {', '.join(choices)}, not {value!r}")
