"""Convolution of a picture with a kernel, by FFT: the fastest way on a CPU from 7×7 on, and full float32 anywhere."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F


def filtered(image: Tensor, kernel: Tensor) -> Tensor:
    """`image` convolved with `kernel`.

    Beyond the border the picture goes on as its mirror image, without the edge pixel itself again (SciPy's `mirror`,
    PyTorch's `reflect`).

    Args:
        image: N×C×H×W float32.
        kernel: k×k, k odd.

    Returns:
        N×C×H×W.
    """
    height, width = image.shape[-2:]
    last = len(kernel) - 1
    padded = mirrored(image, last // 2)
    size = [fast_length(side) for side in padded.shape[-2:]]
    spectrum = torch.fft.rfft2(padded, size) * torch.fft.rfft2(kernel.to(image), size)
    # Only what the kernel reaches from the other end of the transform is wrong, and that is cut off.
    result: Tensor = torch.fft.irfft2(spectrum, size)[..., last : last + height, last : last + width]
    return result


def mirrored(image: Tensor, margin: int) -> Tensor:
    """`image` with its mirror image around it; again and again where it is smaller than the margin."""
    height, width = image.shape[-2:]
    if margin < min(height, width):
        return F.pad(image, (margin,) * 4, mode="reflect")
    for axis, length in ((-2, height), (-1, width)):
        period = max(2 * (length - 1), 1)
        place = torch.arange(-margin, length + margin, device=image.device).remainder(period)
        image = image.index_select(axis, torch.minimum(place, (period - place).remainder(period)))
    return image


@lru_cache(maxsize=1024)
def fast_length(length: int) -> int:
    """The next multiple of 8 that is a product of 2, 3, 5 and 7: others take an FFT two to four times longer."""
    length += -length % 8
    return length if _is_smooth(length) else fast_length(length + 8)


def _is_smooth(length: int) -> bool:
    for factor in (2, 3, 5, 7):
        while length % factor == 0:
            length //= factor
    return length == 1
