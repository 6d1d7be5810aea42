"""Resampling equal to MATLAB's `imresize`: any scale, any device, differentiable.

A resampled line is a weighted sum of source lines, and torch's `embedding_bag` sums them: one path for every scale
and kernel, exact at the borders, in full float32 whatever precision the program allows to matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.imaging.kernels import Border, Resampling, WeightedSums, weighted_sums
from sr_core.imaging.kernels import Method as Method
from sr_core.imaging.size import Scale, per_axis

Rounding = Literal["none", "once", "each_pass"]
"""Whether resampled pixels are rounded to 8 bits, and when."""


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
        image: N×C×H×W, floating point, usually in [0, 1]. float16 and bfloat16 are computed in float32,
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

    Source: MATLAB's imresize.m: weights normalised, borders symmetric.

    >>> resize(torch.tensor([[[[0.0, 1.0]]]]), size=(1, 4), method="bilinear")
    tensor([[[[0.0000, 0.2500, 0.7500, 1.0000]]]])
    """
    _check_image(image)
    _check_choice("method", method, get_args(Method))
    _check_choice("rounding", rounding, get_args(Rounding))
    border: Border = "replicate" if rounding == "each_pass" else "mirror"
    lengths, scales = _geometry((image.shape[-2], image.shape[-1]), scale, size)
    vertical, horizontal = (
        (axis, Resampling(image.shape[axis], lengths[axis], scales[axis], method, antialias, border))
        for axis in (-2, -1)
    )
    # MPS has no float64, and older torch no embedding_bag there.
    device = torch.device("cpu") if image.device.type == "mps" else image.device
    # MATLAB's order shows between roundings, and in the last bits of float64. In float32 the cheaper one is taken:
    # the horizontal pass turns the picture and turns it back, so it comes while there are few rows.
    in_order = rounding == "each_pass" or image.dtype == torch.float64
    vertical_first = scales[0] <= scales[1] if in_order else scales[0] < 1
    passes = (vertical, horizontal) if vertical_first else (horizontal, vertical)
    if rounding == "each_pass":
        return _in_8_bits(image.detach().to(device, torch.float64), passes).to(image)
    result = image.to(device, torch.promote_types(image.dtype, torch.float32))
    for axis, resampling in passes:
        result = _resample(result, resampling, axis)
    if rounding == "once":
        result = _round_half_up(result * 255) / 255
    return result.to(image)


def _in_8_bits(image: Tensor, passes: Iterable[tuple[int, Resampling]]) -> Tensor:
    """`rounding="each_pass"`; float64 holds every sum of levels at ×1/2 and ×1/4, where ties are common."""
    levels = _round_half_up(image * 255)
    for axis, resampling in passes:
        levels = _round_half_up(_resample(levels, resampling, axis))
    return levels / 255


def _round_half_up(levels: Tensor) -> Tensor:
    return torch.floor(levels + 0.5).clamp(0, 255)


class _Resample(torch.autograd.Function):
    """One pass. Its gradient is the transposed sums, whose gradient is the sums again, and so on."""

    @staticmethod
    def forward(image: Tensor, resampling: Resampling, axis: int, transposed: bool) -> Tensor:
        """Resample along `axis`, −2 or −1; with `transposed`, from the resampled length back to the source's."""
        sums = weighted_sums(resampling, transposed, image.dtype, image.device)
        return _sum_rows(image, sums) if axis == -2 else _sum_columns(image, sums)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ANN401, ARG004
        """Keep what the gradient needs: all but the picture."""
        ctx.how = inputs[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401
        """The gradient with respect to the picture."""
        resampling, axis, transposed = ctx.how
        return _resample(gradients[0], resampling, axis, not transposed), None, None, None


def _resample(image: Tensor, resampling: Resampling, axis: int, transposed: bool = False) -> Tensor:
    if torch.compiler.is_dynamo_compiling() and not _is_exporting():
        # The compiler would read through how the sums are found, for seconds, and gain nothing.
        result: Tensor = torch.compiler.disable(_pass)(image, resampling, axis, transposed)  # type: ignore[no-untyped-call]
        return result
    return _pass(image, resampling, axis, transposed)


def _is_exporting() -> bool:
    """Whether `torch.export` is at work; PyTorch 2.6 cannot say."""
    asks = getattr(torch.compiler, "is_exporting", None)
    return asks is not None and bool(asks())


def _pass(image: Tensor, resampling: Resampling, axis: int, transposed: bool) -> Tensor:
    result: Tensor = _Resample.apply(image, resampling, axis, transposed)  # type: ignore[no-untyped-call]
    return result


def _sum_rows(image: Tensor, sums: WeightedSums) -> Tensor:
    """N×C×H×W to N×C×H'×W; the planes lie below each other, and each has the same sums."""
    batch, channels, height, width = image.shape
    plane = torch.arange(batch * channels, device=image.device).unsqueeze(1)
    sources = (sums.sources + plane * height).flatten()
    starts = (sums.starts + plane * len(sums.sources)).flatten()
    rows = image.contiguous().view(-1, width)  # any other layout is ten times slower
    weights = sums.weights.repeat(batch * channels)
    result = F.embedding_bag(sources, rows, starts, mode="sum", per_sample_weights=weights)
    return result.view(batch, channels, -1, width)


def _sum_columns(image: Tensor, sums: WeightedSums) -> Tensor:
    """N×C×H×W to N×C×H×W'; turned by a quarter, all planes lie beside each other."""
    columns = image.reshape(-1, image.shape[-1]).T.contiguous()
    result = F.embedding_bag(sums.sources, columns, sums.starts, mode="sum", per_sample_weights=sums.weights)
    return result.T.contiguous().view(*image.shape[:-1], -1)


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
