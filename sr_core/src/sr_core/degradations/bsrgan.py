"""BSRGAN's degradation: two blurs, two shrinkings, noise and JPEG in random order, then JPEG again."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sr_core.degradations.blur_kernels import elliptic_kernel
from sr_core.degradations.blurs import blurred
from sr_core.degradations.chance import Chance
from sr_core.degradations.filtering import filtered
from sr_core.degradations.jpeg import Codec, compressed
from sr_core.degradations.noise import with_correlated_noise, with_gaussian_noise
from sr_core.degradations.resizing import interpolated
from sr_core.degradations.step import to_8_bits
from sr_core.imaging.resize import resize
from sr_core.imaging.size import Scale, degraded_size, per_axis
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.precision import full_precision
from sr_core.interfaces.randomness import SampleRandom

HALF_FIRST, PLAIN_RESIZE, JPEG = 0.25, 0.75, 0.9
NOISE = (2, 25)
"""Standard deviation of Gaussian noise in whole levels; the upper one is that of noise that planes share in part."""
QUALITY = (30, 95)
_FIRST_BLUR, _SECOND_BLUR, _SHRINK, _TO_SIZE, _NOISE, _JPEG, _SENSOR = range(7)


class BSRGAN(Degradation):
    """The degradation of BSRGAN (Zhang et al., ICCV 2021), order and probabilities of the released code.

    In random order, the shrinking to LR's size after the other one: two blurs, round or elliptic; a random shrinking,
    or a blur and every scale-th pixel; shrinking to LR's size; Gaussian noise in colour, gray or between; JPEG. Then
    JPEG once more. At ×4 a quarter of the samples is halved first. Methods of resizing are PyTorch's area, bilinear
    and bicubic without antialiasing, for OpenCV's of these names. The noise of a camera's processing is left out, as it
    is by the released code's defaults: it needs a model of cameras that is not part of it.

    Args:
        codec: of JPEG, see `jpeg`.
    """

    def __init__(self, codec: Codec = "auto") -> None:
        super().__init__()
        self.codec = codec

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """LR of `hr`."""
        size = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        with full_precision(hr) as (hr,):
            # One sample at a time: orders and sizes differ.
            lr = [self._degraded(hr[i : i + 1], per_axis(scale), size, Chance(random, i)) for i in range(len(hr))]
            return torch.cat(lr) if lr else hr.new_empty((0, hr.shape[1], *size))

    def _degraded(self, image: Tensor, scale: tuple[float, float], size: tuple[int, int], chance: Chance) -> Tensor:
        if scale == (4, 4) and chance.happens(HALF_FIRST):
            image = _halved(image, chance)
            scale = (2, 2)
        for step in random_order(chance):
            if step in (_FIRST_BLUR, _SECOND_BLUR):
                image = blurred(image, random_kernel(max(scale), chance))
            elif step == _SHRINK:
                image = _shrunk(image, scale, chance)
            elif step == _TO_SIZE:
                image = interpolated(image, size, chance).clamp(0, 1)
            elif step == _NOISE:
                image = with_random_noise(image, chance)
            elif step == _JPEG and chance.happens(JPEG):
                image = self._jpeg(image, chance)
        return to_8_bits(self._jpeg(image, chance))

    def _jpeg(self, image: Tensor, chance: Chance) -> Tensor:
        return compressed(image, chance.integer(*QUALITY), self.codec)


def random_order(chance: Chance) -> list[int]:
    """The seven steps shuffled, the shrinking to LR's size after the other."""
    order = chance.order(7)
    first, second = sorted((order.index(_SHRINK), order.index(_TO_SIZE)))
    order[first], order[second] = _SHRINK, _TO_SIZE
    return order


def random_kernel(scale: float, chance: Chance) -> Tensor:
    """Round, or an ellipse; 7×7 to 25×25."""
    size = 2 * chance.integer(2, 11) + 3
    if chance.happens(0.5):
        variances = (4 + scale) * chance.uniform(0, 1), (4 + scale) * chance.uniform(0, 1)
        return elliptic_kernel(size, (math.sqrt(variances[0]), math.sqrt(variances[1])), chance.uniform(0, math.pi))
    sigma = (2 + 0.2 * scale) * chance.uniform(0, 1)
    return elliptic_kernel(size, (sigma, sigma))


def with_random_noise(image: Tensor, chance: Chance) -> Tensor:
    """Gaussian noise in colour (.4), gray (.4), or with a random covariance of the three planes (.2)."""
    kind = chance.choice((0.4, 0.4, 0.2))
    if kind == 2 and image.shape[1] == 3:
        return with_correlated_noise(image, (NOISE[1] / 255) ** 2 * _random_covariance(chance).abs(), chance)
    return with_gaussian_noise(image, chance.integer(*NOISE) / 255, kind == 1, chance)


def _random_covariance(chance: Chance) -> Tensor:
    """Of random variances up to 1 along random axes."""
    numbers = [chance.uniform(0, 1) for _ in range(12)]
    axes = torch.linalg.svd(torch.tensor(numbers[:9], dtype=torch.float64, device="cpu").view(3, 3))[0]
    variances = torch.tensor(numbers[9:], dtype=torch.float64, device="cpu")
    covariance: Tensor = axes.T @ torch.diag(variances) @ axes
    return covariance


def _halved(image: Tensor, chance: Chance) -> Tensor:
    size = (max(1, image.shape[-2] // 2), max(1, image.shape[-1] // 2))
    halved = interpolated(image, size, chance) if chance.happens(0.5) else resize(image, size=size, method="bicubic")
    return halved.clamp(0, 1)


def _shrunk(image: Tensor, scale: tuple[float, float], chance: Chance) -> Tensor:
    height, width = image.shape[-2:]
    if chance.happens(PLAIN_RESIZE):
        factor = chance.uniform(1, 2 * max(scale))
        return interpolated(image, (max(1, int(height / factor)), max(1, int(width / factor))), chance).clamp(0, 1)
    sigma = chance.uniform(0.1, 0.6 * max(scale))
    # Every scale-th pixel from the first would move the picture by half a pixel of LR less half a pixel of HR.
    shift = (-(scale[0] - 1) / 2, -(scale[1] - 1) / 2)
    image = filtered(image, elliptic_kernel(25, (sigma, sigma), shift=shift))
    for axis, length, step in ((-2, height, scale[0]), (-1, width, scale[1])):
        kept = [min(int(i * step), length - 1) for i in range(max(1, int(length / step)))]
        image = image.index_select(axis, torch.tensor(kept, device=image.device))
    return image.clamp(0, 1)
