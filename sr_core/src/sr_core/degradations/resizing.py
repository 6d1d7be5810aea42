"""Resizing by a random factor and a random method, as the pipelines for real pictures do it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from sr_core.degradations.chance import Chance
from sr_core.degradations.step import Step

ResizeMethod = Literal["area", "bilinear", "bicubic"]
METHODS: tuple[ResizeMethod, ...] = ("area", "bilinear", "bicubic")

Probability = Annotated[float, Field(ge=0, le=1)]
UpDownKeep = tuple[Probability, Probability, Probability]
"""Probabilities of the three ways to resize."""


class Resize(Step):
    """LR resized by a random factor, and back by bicubic; in `compose` it is not brought back before the end.

    Each sample has its own factor and its own method, area, bilinear or bicubic: PyTorch's `interpolate`, which does
    not antialias, as in the released code of Real-ESRGAN. By default as in its first order.

    Args:
        up_down_keep: probabilities of enlarging, shrinking and neither.
        factors: the strongest shrinking, and the strongest enlarging; 1 lies between them.

    Raises:
        ValueError: the probabilities are all 0, or the factors are not on both sides of 1.
    """

    def __init__(self, up_down_keep: UpDownKeep = (0.2, 0.7, 0.1), factors: tuple[float, float] = (0.15, 1.5)) -> None:
        super().__init__()
        if not sum(up_down_keep):
            raise ValueError("up_down_keep needs a probability above 0")
        if not 0 < factors[0] <= 1 <= factors[1] <= 16:
            raise ValueError(
                f"factors are [strongest shrinking, strongest enlarging], such as [0.5, 2]; at most 16, "
                f"not {list(factors)}"
            )
        self.up_down_keep, self.factors = up_down_keep, factors

    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """`image` in another size."""
        factor = random_factor(self.up_down_keep, self.factors, chance)
        height, width = (max(1, int(side * factor)) for side in image.shape[-2:])
        return interpolated(image, (height, width), chance).clamp(0, 1)


def random_factor(up_down_keep: UpDownKeep, factors: tuple[float, float], chance: Chance) -> float:
    """New size over old."""
    kind = chance.choice(up_down_keep)
    if kind == 0:
        return chance.uniform(1, factors[1])
    return chance.uniform(factors[0], 1) if kind == 1 else 1.0


def interpolated(image: Tensor, size: tuple[int, int], chance: Chance) -> Tensor:
    """`image` resized by one of the methods, all equally probable; not clipped."""
    method = METHODS[chance.integer(0, 2)]
    return image if image.shape[-2:] == size else F.interpolate(image, size=size, mode=method)
