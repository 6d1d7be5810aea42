"""Real-ESRGAN's degradation: blur, resizing, noise and JPEG, all of them twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from sr_core.degradations.blur_kernels import elliptic_kernel, sinc_kernel
from sr_core.degradations.blurs import blurred
from sr_core.degradations.chance import Chance
from sr_core.degradations.jpeg import Codec, compressed
from sr_core.degradations.noise import with_gaussian_noise, with_poisson_noise
from sr_core.degradations.resizing import UpDownKeep, interpolated, random_factor
from sr_core.degradations.sharpening import sharpened
from sr_core.degradations.step import to_8_bits
from sr_core.imaging.size import Scale, degraded_size
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.precision import full_precision
from sr_core.interfaces.randomness import SampleRandom

Pair = tuple[float, float]


@dataclass(frozen=True)
class Order:
    """What differs between the two orders.

    Attributes:
        blur: probability that there is one.
        sigma: of its kernels, in pixels.
        up_down_keep: probabilities of the three ways to resize.
        factors: of the resizing, lowest and highest.
        noise: standard deviation of Gaussian noise, in levels.
        poisson: strength of Poisson noise.
    """

    blur: float
    sigma: Pair
    up_down_keep: UpDownKeep
    factors: Pair
    noise: Pair
    poisson: Pair


FIRST = Order(1.0, (0.2, 3.0), (0.2, 0.7, 0.1), (0.15, 1.5), (1, 30), (0.05, 3.0))
SECOND = Order(0.8, (0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1, 25), (0.05, 2.5))
SINC = 0.1
KINDS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
"""Gaussian, generalised Gaussian, plateau: each first round, then elliptic."""
POWERS: dict[int, Pair] = {1: (0.5, 4.0), 2: (1.0, 2.0)}
"""Of the generalised Gaussian and of the plateau."""
GAUSSIAN_NOISE, GRAY_NOISE, LAST_SINC = 0.5, 0.4, 0.8
QUALITY = (30, 95)


class RealESRGAN(Degradation):
    """The second-order degradation of Real-ESRGAN (Wang et al., ICCVW 2021), probabilities of the released options.

    HR is sharpened; then blur, resizing, noise and JPEG come twice, the second time to about the size of LR, with a
    sinc filter at the end, before the second JPEG or after it; LR is rounded to 8 bits. Resizing is PyTorch's
    `interpolate` without antialiasing, as in the released code. Otherwise than there, each sample has its own factor
    and method of resizing, kind of noise and order at the end, where a whole batch shared them; so the pool of 180
    earlier pairs, which was to mix batches, is left out: a batch depends on (seed, step) alone. Its JPEG is that of
    files, with qualities that are whole numbers.

    Args:
        sharpen: degrade the picture after unsharp masking, as the released code does.
        target: what the network learns to give: HR as it is, or sharpened (the released code compares pixels and
            features with the sharpened one, and shows the discriminator the other).
        codec: of JPEG, see `jpeg`.
    """

    def __init__(self, sharpen: bool = True, target: Literal["hr", "sharpened"] = "hr", codec: Codec = "auto") -> None:
        super().__init__()
        self.sharpen, self.target, self.codec = sharpen, target, codec

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor | tuple[Tensor, Tensor]:
        """LR of `hr`, with the sharpened target where asked for."""
        size = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        with full_precision(hr) as (hr,):
            # One sample at a time: sizes differ, and the last bit of a result must not depend on the batch.
            samples = [hr[i : i + 1] for i in range(len(hr))]
            needed = self.sharpen or self.target == "sharpened"
            sharp = [sharpened(sample) for sample in samples] if needed else samples
            lr = [
                self._degraded(source, size, Chance(random, i))
                for i, source in enumerate(sharp if self.sharpen else samples)
            ]
            joined = torch.cat(lr) if lr else hr.new_empty((0, hr.shape[1], *size))
            return (joined, torch.cat(sharp) if sharp else hr) if self.target == "sharpened" else joined

    def _degraded(self, image: Tensor, size: tuple[int, int], chance: Chance) -> Tensor:
        image = self._once(image, FIRST, (image.shape[-2], image.shape[-1]), chance)
        image = self._once(self._jpeg(image, chance), SECOND, size, chance)
        last: list[Callable[[Tensor], Tensor]] = [
            lambda image: _to_size_with_rings(image, size, chance),
            lambda image: self._jpeg(image, chance),
        ]
        for step in last if chance.happens(0.5) else reversed(last):
            image = step(image)
        return to_8_bits(image)

    def _once(self, image: Tensor, order: Order, size: tuple[int, int], chance: Chance) -> Tensor:
        """Blur, resizing to about `size`, and noise."""
        if chance.happens(order.blur):
            image = blurred(image, random_kernel(order.sigma, chance))
        factor = random_factor(order.up_down_keep, order.factors, chance)
        image = interpolated(image, (max(1, int(size[0] * factor)), max(1, int(size[1] * factor))), chance)
        gray = chance.happens(GRAY_NOISE)
        if chance.happens(GAUSSIAN_NOISE):
            return with_gaussian_noise(image, chance.uniform(*order.noise) / 255, gray, chance)
        return with_poisson_noise(image, chance.uniform(*order.poisson), gray, chance)

    def _jpeg(self, image: Tensor, chance: Chance) -> Tensor:
        return compressed(image, chance.integer(*QUALITY), self.codec)


def random_kernel(sigma: Pair, chance: Chance) -> Tensor:
    """One of the seven kinds of kernels, 7×7 to 21×21."""
    size = _random_size(chance)
    if chance.happens(SINC):
        return sinc_kernel(size, chance.uniform(math.pi / (3 if size < 13 else 5), math.pi))
    profile, elliptic = divmod(chance.choice(KINDS), 2)
    first = second = chance.uniform(*sigma)
    angle, power = 0.0, 1.0
    if elliptic:
        second, angle = chance.uniform(*sigma), chance.uniform(-math.pi, math.pi)
    if profile:
        low, high = POWERS[profile]
        power = chance.uniform(low, 1) if chance.happens(0.5) else chance.uniform(1, high)
    return elliptic_kernel(size, (first, second), angle, power, "plateau" if profile == 2 else "gaussian")


def _to_size_with_rings(image: Tensor, size: tuple[int, int], chance: Chance) -> Tensor:
    image = interpolated(image, size, chance)
    if chance.happens(LAST_SINC):
        image = blurred(image, sinc_kernel(_random_size(chance), chance.uniform(math.pi / 3, math.pi)))
    return image


def _random_size(chance: Chance) -> int:
    """7, 9, …, 21."""
    return 2 * chance.integer(3, 10) + 1
