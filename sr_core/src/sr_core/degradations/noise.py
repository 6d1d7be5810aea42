"""Noise: Gaussian of any strength, or Poisson as light has it; in colour or gray."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from sr_core.degradations.chance import Amount, Chance, check_amount
from sr_core.degradations.step import Step

GRAY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a gray picture (BT.601)."""


class Noise(Step):
    """Noise on LR, after bicubic shrinking; clipped to [0, 1]. By default as in Real-ESRGAN's first order.

    Args:
        model: `gaussian`; `poisson`: the counts of a sensor, whose variance grows with the light; `either`: each for
            half of the samples.
        sigma: of Gaussian noise, in levels of 0…255.
        strength: of Poisson noise: 1 is that of a sensor which counts as many photons at white as the picture has
            different levels, rounded up to a power of two; the difference to the picture is multiplied by it.
        gray: probability that all planes have the same noise.

    Raises:
        ValueError: sigma is not in 0 … 255, or the strength not in 0 … 100.
    """

    def __init__(
        self,
        model: Literal["gaussian", "poisson", "either"] = "gaussian",
        sigma: Amount = (1.0, 30.0),
        strength: Amount = (0.05, 3.0),
        gray: Annotated[float, Field(ge=0, le=1)] = 0.4,
    ) -> None:
        super().__init__()
        self.model = model
        self.sigma = check_amount("sigma", sigma, 0, 255)
        self.strength = check_amount("strength", strength, 0, 100)
        self.gray = gray

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` with noise."""
        gray = chance.happens(self.gray)
        if self.model == "gaussian" or (self.model == "either" and chance.happens(0.5)):
            return with_gaussian_noise(image, chance.amount(self.sigma) / 255, gray, chance)
        return with_poisson_noise(image, chance.amount(self.strength), gray, chance)


def with_gaussian_noise(image: Tensor, sigma: float, gray: bool, chance: Chance) -> Tensor:
    """1×C×H×W with Gaussian noise added, clipped."""
    planes = 1 if gray else image.shape[1]
    return torch.add(image, chance.normal(planes, *image.shape[2:]), alpha=sigma).clamp(0, 1)


def with_poisson_noise(image: Tensor, strength: float, gray: bool, chance: Chance) -> Tensor:
    """1×C×H×W with Poisson noise added, clipped.

    As the released code of Real-ESRGAN does it, photons at white are the number of different levels of the picture in
    8 bits, rounded up to a power of two.
    """
    light = gray_of(image) if gray else image
    levels = torch.floor(light.detach().clamp(0, 1) * 255 + 0.5)
    used = torch.zeros(256, device=image.device)
    used[levels.flatten().long()] = 1
    photons = torch.exp2(torch.ceil(torch.log2(used.sum())))
    exact = levels / 255
    counted = chance.poisson((exact * photons)[0])[None] / photons
    return torch.add(image, counted - exact, alpha=strength).clamp(0, 1)


def with_correlated_noise(image: Tensor, covariance: Tensor, chance: Chance) -> Tensor:
    """1×C×H×W with Gaussian noise whose planes have this C×C covariance, clipped.

    A matrix that is no covariance stands for the nearest thing: its negative eigenvalues count as positive.
    """
    values, vectors = torch.linalg.eigh(covariance.double().cpu())
    root = ((vectors * values.abs().sqrt()) @ vectors.T).to(image)
    field = chance.normal(*image.shape[1:])
    noise = torch.stack([root[:, plane, None, None] * field[plane] for plane in range(len(field))]).sum(0)
    return (image + noise).clamp(0, 1)


def gray_of(image: Tensor) -> Tensor:
    """N×1×H×W of N×C×H×W: BT.601's weights on RGB, the mean of other planes."""
    count = image.shape[1]
    weights = GRAY if count == 3 else (1 / count,) * count
    gray = image[:, :1] * weights[0]
    for plane in range(1, count):
        gray = torch.add(gray, image[:, plane : plane + 1], alpha=weights[plane])
    return gray
