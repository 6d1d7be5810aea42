"""Colour spaces: MATLAB's YCbCr, CIE L*a*b*, HSV; each way, batched, differentiable, on any device.

Weighted sums of planes are written out rather than multiplied as matrices: autocast and TF32 leave them alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

Matrix = tuple[tuple[float, float, float], ...]


def _inverse(matrix: Matrix) -> Matrix:
    rows = torch.linalg.inv(torch.tensor(matrix, dtype=torch.float64, device="cpu")).tolist()
    return tuple((first, second, third) for first, second, third in rows)


# BT.601 in studio range, as printed in MATLAB's rgb2ycbcr.m: RGB in [0, 1] to YCbCr in levels of 0…255.
YCBCR_FROM_RGB: Matrix = ((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214))
YCBCR_OFFSET = (16.0, 128.0, 128.0)
RGB_FROM_YCBCR = _inverse(YCBCR_FROM_RGB)

# Linear sRGB to XYZ of the D65 white (IEC 61966-2-1, in the digits of Lindbloom).
_XYZ_FROM_RGB: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
# Relative to white, which is the sum of each row: so every gray has a* = b* = 0.
RELATIVE_XYZ_FROM_RGB: Matrix = tuple((r / (r + g + b), g / (r + g + b), b / (r + g + b)) for r, g, b in _XYZ_FROM_RGB)
RGB_FROM_RELATIVE_XYZ = _inverse(RELATIVE_XYZ_FROM_RGB)

LAB_KNEE = 6 / 29
"""Where the cube root of L*a*b* gives way to a straight line (CIE 15)."""


def rgb_to_ycbcr(rgb: Tensor) -> Tensor:
    """YCbCr of RGB in studio range, as MATLAB's `rgb2ycbcr` on doubles (BT.601).

    Args:
        rgb: N×3×H×W, floating point, in [0, 1].

    Returns:
        N×3×H×W of the same dtype: Y in 16/255 … 235/255, Cb and Cr in 16/255 … 240/255. Not clipped.

    Raises:
        ValueError: not a floating-point tensor of that shape.

    >>> (255 * rgb_to_ycbcr(torch.ones(1, 3, 1, 1))).round().flatten().tolist()
    [235.0, 128.0, 128.0]
    """
    return _mix(_float_planes(rgb), YCBCR_FROM_RGB, YCBCR_OFFSET).div(255).to(rgb.dtype)


def rgb_to_y(rgb: Tensor) -> Tensor:
    """The first plane of `rgb_to_ycbcr`: N×1×H×W, 16/255 … 235/255."""
    return _mix(_float_planes(rgb), YCBCR_FROM_RGB[:1], YCBCR_OFFSET).div(255).to(rgb.dtype)


def ycbcr_to_rgb(ycbcr: Tensor) -> Tensor:
    """RGB of YCbCr: the inverse of `rgb_to_ycbcr`, in the same ranges and with the same errors.

    Not clipped, unlike MATLAB's `ycbcr2rgb`: only the writer of a file clips.
    """
    red, green, blue = _float_planes(ycbcr).unbind(1)
    levels = [255 * plane - offset for plane, offset in zip((red, green, blue), YCBCR_OFFSET, strict=True)]
    return _mix(torch.stack(levels, dim=1), RGB_FROM_YCBCR).to(ycbcr.dtype)


def rgb_to_ycbcr_8bit(rgb: Tensor) -> Tensor:
    """YCbCr of RGB, as MATLAB's `rgb2ycbcr` on uint8: in double precision, then rounded half up.

    Args:
        rgb: N×3×H×W uint8.

    Returns:
        N×3×H×W uint8: Y in 16 … 235, Cb and Cr in 16 … 240.

    Raises:
        ValueError: not a uint8 tensor of that shape.
    """
    return _to_8_bits(_mix(_byte_planes(rgb), _scaled(YCBCR_FROM_RGB, 1 / 255), YCBCR_OFFSET))


def rgb_to_y_8bit(rgb: Tensor) -> Tensor:
    """The first plane of `rgb_to_ycbcr_8bit`: N×1×H×W uint8, 16 … 235."""
    return _to_8_bits(_mix(_byte_planes(rgb), _scaled(YCBCR_FROM_RGB[:1], 1 / 255), YCBCR_OFFSET))


def ycbcr_to_rgb_8bit(ycbcr: Tensor) -> Tensor:
    """RGB of YCbCr, as MATLAB's `ycbcr2rgb` on uint8: clipped to 0 … 255 and rounded half up.

    N×3×H×W uint8 both ways; the errors of `rgb_to_ycbcr_8bit`. 8 bits of YCbCr hold fewer colours than 8 bits of
    RGB: going there and back may miss by up to 2 levels.
    """
    matrix = _scaled(RGB_FROM_YCBCR, 255)
    black = [-sum(weight * offset for weight, offset in zip(row, YCBCR_OFFSET, strict=True)) for row in matrix]
    return _to_8_bits(_mix(_byte_planes(ycbcr), matrix, (black[0], black[1], black[2])))


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """CIE L*a*b* of sRGB under D65 (CIE 15, IEC 61966-2-1).

    Args:
        rgb: N×3×H×W, floating point, in [0, 1]; values outside continue the curves.

    Returns:
        N×3×H×W of the same dtype in natural units: L* in 0 … 100, a* in −86.2 … 98.2, b* in −107.9 … 94.5.

    Raises:
        ValueError: not a floating-point tensor of that shape.

    >>> rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).round().flatten().tolist()
    [53.0, 80.0, 67.0]
    """
    encoded = _float_planes(rgb)
    linear = torch.where(encoded > 0.04045, ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4, encoded / 12.92)
    relative = _mix(linear, RELATIVE_XYZ_FROM_RGB)
    # The clamps keep the branch that is not taken, and its gradient, finite.
    root = relative.clamp(min=LAB_KNEE**3) ** (1 / 3)
    x, y, z = torch.where(relative > LAB_KNEE**3, root, relative / (3 * LAB_KNEE**2) + 4 / 29).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1).to(rgb.dtype)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """RGB of CIE L*a*b*: the inverse of `rgb_to_lab`, in the same units and with the same errors.

    Not clipped: L*a*b* holds colours that sRGB does not, and they leave [0, 1].
    """
    lightness, a, b = _float_planes(lab).unbind(1)
    y = (lightness + 16) / 116
    root = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    relative = torch.where(root > LAB_KNEE, root**3, 3 * LAB_KNEE**2 * (root - 4 / 29))
    linear = _mix(relative, RGB_FROM_RELATIVE_XYZ)
    curved = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curved, 12.92 * linear).to(lab.dtype)


def rgb_to_hsv(rgb: Tensor) -> Tensor:
    """Hue, saturation and value of RGB (Smith 1978), as MATLAB's `rgb2hsv`.

    Args:
        rgb: N×3×H×W, floating point, in [0, 1].

    Returns:
        N×3×H×W of the same dtype: hue in [0, 1) (0 red, 1/3 green, 2/3 blue; 0 for grays), saturation and value in
        [0, 1]. Gradients are finite everywhere; hue has none at grays.

    Raises:
        ValueError: not a floating-point tensor of that shape.

    >>> rgb_to_hsv(torch.tensor([0.0, 0.5, 0.0]).view(1, 3, 1, 1)).flatten().tolist()
    [0.3333333432674408, 1.0, 0.5]
    """
    planes = _float_planes(rgb)
    red, green, blue = planes.unbind(1)
    value, darkest = planes.amax(dim=1), planes.amin(dim=1)
    chroma = value - darkest
    tiny = torch.finfo(planes.dtype).tiny  # below it a quotient's gradient overflows
    gray = chroma < tiny
    divisor = torch.where(gray, 1, chroma)
    sixths = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    # Twice: a hue just below 0 is rounded up to 1 by the first remainder.
    hue = torch.where(gray, 0, sixths / 6).remainder(1).remainder(1)
    saturation = torch.where(gray, 0, chroma) / torch.where(value < tiny, 1, value)
    return torch.stack([hue, saturation, value], dim=1).to(rgb.dtype)


def hsv_to_rgb(hsv: Tensor) -> Tensor:
    """RGB of hue, saturation and value: the inverse of `rgb_to_hsv`, in the same ranges and with the same errors.

    Hue is a circle: any number is taken modulo 1.
    """
    hue, saturation, value = _float_planes(hsv).unbind(1)
    chroma = saturation * value
    # Each primary is off for two sixths of the circle, on for two, and ramps over the sixths between.
    turns = [(hue * 6 + start).remainder(6) for start in (5, 3, 1)]
    missing = [torch.minimum(turn, 4 - turn).clamp(0, 1) for turn in turns]
    return torch.stack([value - chroma * share for share in missing], dim=1).to(hsv.dtype)


def _mix(planes: Tensor, matrix: Matrix, offsets: tuple[float, float, float] = (0, 0, 0)) -> Tensor:
    """Weighted sums of three planes, one for each row of the matrix, plus an offset each."""
    first, second, third = planes.unbind(1)
    sums = [a * first + b * second + c * third + offset for (a, b, c), offset in zip(matrix, offsets, strict=False)]
    return torch.stack(sums, dim=1)


def _scaled(matrix: Matrix, factor: float) -> Matrix:
    return tuple((a * factor, b * factor, c * factor) for a, b, c in matrix)


def _float_planes(image: Tensor) -> Tensor:
    """The picture in float32 or better."""
    _check_shape(image)
    if not image.is_floating_point():
        raise ValueError(f"expected floating-point pixels, not {image.dtype}")
    return image if image.dtype == torch.float64 else image.float()


def _byte_planes(image: Tensor) -> Tensor:
    _check_shape(image)
    if image.dtype != torch.uint8:
        raise ValueError(f"expected uint8 pixels, not {image.dtype}")
    return image.double()


def _check_shape(image: Tensor) -> None:
    if image.ndim != 4 or image.shape[1] != 3:
        raise ValueError(f"expected three colour planes, N×3×H×W, not a tensor of shape {tuple(image.shape)}")


def _to_8_bits(levels: Tensor) -> Tensor:
    return torch.floor(levels + 0.5).clamp(0, 255).to(torch.uint8)
