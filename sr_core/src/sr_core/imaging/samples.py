"""The samples of a picture as a numpy array, and how to get them out of a Pillow image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sr_core.errors import PictureError

Samples = NDArray[Any]  # H×W (gray), or H×W×C with opacity as the last plane where there is one

_GRAY_MODES = frozenset({"1", "L", "LA"})
_COLOR_MODES = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "YCbCr"})
_DEEP_GRAY_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})


def samples_of(image: Image.Image) -> tuple[Samples, tuple[str, ...]]:
    """A Pillow image as H×W or H×W×C uint8, uint16 or float32, and remarks to follow the picture's name.

    Gray stays one channel, palettes and CMYK become RGB.

    Raises:
        PictureError: a mode that holds neither of these.
    """
    if image.mode == "CMYK":
        from sr_core.imaging.cmyk import inks_to_rgb

        rgb, remark = inks_to_rgb(np.asarray(image), image.info.get("icc_profile"))
        return rgb, (remark,)
    if image.mode in _DEEP_GRAY_MODES:
        return np.asarray(image).astype(np.uint16), ()
    if image.mode == "F":
        return np.asarray(image), ()
    if image.mode not in _GRAY_MODES | _COLOR_MODES:
        raise PictureError(f"Pillow mode {image.mode} is not supported; convert the picture to gray or RGB")
    plain_mode = "L" if image.mode in _GRAY_MODES else "RGB"
    return np.asarray(image.convert(plain_mode + "A" * image.has_transparency_data)), ()
