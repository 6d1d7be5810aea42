"""What a picture goes through on its way to LR: one step, applied to one sample after the other."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from sr_core.degradations.chance import Chance
from sr_core.imaging.resize import resize
from sr_core.imaging.size import Scale, degraded_size, per_axis
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.precision import full_precision
from sr_core.interfaces.randomness import SampleRandom


class Step(Degradation):
    """A degradation that does not shrink by the scale; `compose` makes pipelines of them.

    As a degradation of its own it is joined to bicubic shrinking (MATLAB's, in floating point), and LR is rounded to 8
    bits, as a file would be; the gradient passes through the rounding. Each sample is worked on by itself, so that
    nothing about it, not its last bit, depends on the batch it is in.

    It is deterministic where nothing about it is drawn.

    Attributes:
        comes_first: whether it is applied to HR and then shrunk, or to what was shrunk.
    """

    comes_first: ClassVar[bool] = False

    @abstractmethod
    def applied(self, image: Tensor, chance: Chance) -> Tensor:
        """Apply it to one sample.

        Args:
            image: 1×C×H×W float32 in [0, 1].
            chance: of this sample.

        Returns:
            1×C×H'×W' in [0, 1]; H'×W' is H×W but for steps that resize.
        """

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """LR of `hr`."""
        size = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        with full_precision(hr) as (hr,):
            lr = [self._of_one(hr[i : i + 1], scale, size, Chance(random, i)) for i in range(len(hr))]
            return torch.cat(lr) if lr else hr.new_empty((0, hr.shape[1], *size))

    def _of_one(self, hr: Tensor, scale: Scale, size: tuple[int, int], chance: Chance) -> Tensor:
        if self.comes_first:
            return to_8_bits(shrunk(self.applied(hr, chance), scale, size))
        # Once more for a step that resizes.
        return to_8_bits(brought_to(self.applied(shrunk(hr, scale, size), chance), size))


def shrunk(image: Tensor, scale: Scale, size: tuple[int, int]) -> Tensor:
    """`image` by bicubic, antialiased and clipped; as it is at scale 1."""
    vertical, horizontal = per_axis(scale)
    if (vertical, horizontal) == (1, 1):
        return image
    return resize(image, (1 / vertical, 1 / horizontal), size, "bicubic").clamp(0, 1)


def brought_to(image: Tensor, size: tuple[int, int]) -> Tensor:
    """`image` resized by bicubic, antialiased and clipped, where it has another size."""
    return image if image.shape[-2:] == size else resize(image, size=size, method="bicubic").clamp(0, 1)


def straight_through(value: Tensor, rounded: Tensor) -> Tensor:
    """`rounded`, with the gradient of `value`."""
    return value + (rounded - value).detach() if value.requires_grad else rounded


def to_8_bits(image: Tensor) -> Tensor:
    """Clipped to [0, 1] and rounded half up to multiples of 1/255; the gradient passes through the rounding."""
    image = image.clamp(0, 1)
    return straight_through(image, torch.floor(image * 255 + 0.5) / 255)
