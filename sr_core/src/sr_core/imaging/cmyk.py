"""Printing inks to RGB: through the picture's own ICC profile, or by the plain formula where it has none."""

from __future__ import annotations

import numpy as np

from sr_core.imaging.metadata import profile_space
from sr_core.imaging.samples import Samples

_RELATIVE_COLORIMETRIC = 1
_BLACK_POINT_COMPENSATION = 0x2000


def inks_to_rgb(inks: Samples, icc: bytes | None) -> tuple[Samples, str]:
    """The sRGB samples of a CMYK picture, and a remark that says how they were found.

    A profile is applied by relative colorimetry with black point compensation, as printers' programs do by
    default. Without a usable one, red is (1 − cyan) · (1 − black), and so on.

    Args:
        inks: H×W×4 uint8 or uint16: cyan, magenta, yellow, black; 0 is no ink.
        icc: the picture's profile, or None.

    Returns:
        H×W×3 samples of the same type, and the remark, to follow the file's name.
    """
    if icc is None:
        return _by_formula(inks), "holds CMYK without a profile; converted to RGB by the plain formula"
    try:
        return _through_profile(inks, icc), "holds CMYK; converted to sRGB through its ICC profile"
    except (ValueError, RuntimeError):
        return _by_formula(inks), "holds CMYK with a useless ICC profile; converted to RGB by the plain formula"


def _by_formula(inks: Samples) -> Samples:
    maximum = np.iinfo(inks.dtype).max
    light = (maximum - inks).astype(np.uint32)
    products = light[..., :3] * light[..., 3:]
    return ((products + maximum // 2) // maximum).astype(inks.dtype)


def _through_profile(inks: Samples, icc: bytes) -> Samples:
    if profile_space(icc) != "CMYK":
        raise ValueError("not a profile of four inks")
    import imagecodecs

    rgb: Samples = imagecodecs.cms_transform(
        np.ascontiguousarray(inks),
        icc,
        imagecodecs.cms_profile("srgb"),
        colorspace="cmyk",
        outcolorspace="rgb",
        intent=_RELATIVE_COLORIMETRIC,
        flags=_BLACK_POINT_COMPENSATION,
    )
    return rgb
