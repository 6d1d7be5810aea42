"""The planes that a protocol compares: luma taken, clipped, rounded and cropped alike on both sides."""

from __future__ import annotations

from torch import Tensor

from sr_core.errors import DatasetError
from sr_core.evaluation.truth import round_to_8_bits
from sr_core.imaging.color import rgb_to_y
from sr_core.protocol import Protocol
from sr_core.scales import Scale

STUDIO_RANGE = (16 / 255, 235 / 255)


def compared_planes(sr: Tensor, hr: Tensor, scale: Scale, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """What metrics get: (SR, HR), both 1×C×h×w float64, cropped.

    Args:
        sr: 1×C×H×W as a candidate made it: the picture's own planes, or Y alone.
        hr: 1×C×H×W float64, the 8-bit picture.
        scale: SR size over LR size, for the crop.
        protocol: says how.

    Raises:
        DatasetError: the picture is smaller than the crop.
    """
    sr = sr.double()
    if protocol.lr == "dataset":
        sr = round_to_8_bits(sr)  # as the file would be
    sr, hr = _luma(sr, protocol), _luma(hr, protocol)
    low, high = STUDIO_RANGE if protocol.clip == "studio" else (0.0, 1.0)
    sr = sr.clamp(low, high)
    if protocol.luma == "y8":
        sr, hr = round_to_8_bits(sr), round_to_8_bits(hr)
    return _cropped(sr, scale, protocol), _cropped(hr, scale, protocol)


def compared_colours(sr: Tensor, hr: Tensor, scale: Scale, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """Three planes for metrics that need colour: as `compared_planes`, but no luma is taken."""
    colour = protocol.with_parts(luma="rgb", clip="full")
    return compared_planes(sr.expand(-1, 3, -1, -1), hr.expand(-1, 3, -1, -1), scale, colour)


def _luma(image: Tensor, protocol: Protocol) -> Tensor:
    return rgb_to_y(image) if protocol.luma != "rgb" and image.shape[1] == 3 else image


def _cropped(image: Tensor, scale: Scale, protocol: Protocol) -> Tensor:
    border = protocol.crop_pixels(scale)
    height, width = image.shape[-2] - 2 * border, image.shape[-1] - 2 * border
    if min(height, width) < 1:
        raise DatasetError(f"nothing is left of {image.shape[-2]}×{image.shape[-1]} after cropping {border} pixels")
    return image[..., border : border + height, border : border + width]
