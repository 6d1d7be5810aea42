"""Degradations one after the other."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from sr_core.degradations.chance import Chance
from sr_core.degradations.resizing import Probability
from sr_core.degradations.step import Step, brought_to, to_8_bits
from sr_core.imaging.size import Scale, degraded_size
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.precision import full_precision
from sr_core.interfaces.randomness import SampleRandom


class Compose(Degradation):
    """Any degradations, one after the other, each sample with its own chance.

    Steps (`gaussian_blur`, `anisotropic_blur`, `motion_blur`, `sinc`, `noise`, `jpeg`) keep the picture's size;
    `resize` changes it by a random factor. At most one degradation may shrink by itself (`bicubic`, `bd`, `dn`, a
    learned one, another `compose` with such a one): it is called with the scale, so that what stands before it is done
    to HR and what stands after it to LR. Another `compose` without such a one is a step. At the end a picture of
    another size than LR's is resized by antialiased bicubic, and LR is rounded to 8 bits.

    Args:
        steps: at least one.
        shuffle: each sample goes through them in its own random order.
        probabilities: of each step being done at all; all are where there are none.
        rounding: `once`: LR is rounded to 8 bits, as a file would be (its gradient is that of no rounding); `none`: it
            is not.

    Raises:
        ValueError: there are no steps, two of them shrink by themselves, or probabilities and steps differ in number.
    """

    def __init__(
        self,
        steps: Annotated[list[Degradation], Field(min_length=1)],
        shuffle: bool = False,
        probabilities: list[Probability] | None = None,
        rounding: Literal["once", "none"] = "once",
    ) -> None:
        super().__init__()
        if not steps:
            raise ValueError("steps needs at least one degradation")
        if probabilities is not None and len(probabilities) != len(steps):
            raise ValueError(f"probabilities needs one number for each of the {len(steps)} steps")
        if sum(map(_shrinks, steps)) > 1:
            raise ValueError("at most one of the steps may shrink by itself")
        self.steps = torch.nn.ModuleList(steps)
        self.shuffle, self.probabilities, self.rounding = shuffle, probabilities, rounding
        chance_here = shuffle or (probabilities is not None and any(0 < each < 1 for each in probabilities))
        self.deterministic = not chance_here and all(step.deterministic for step in steps)

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor | tuple[Tensor, Tensor]:
        """LR of `hr`, with a new target where one of the steps gives it."""
        size = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        with full_precision(hr) as (hr,):
            # One sample at a time: orders and sizes differ, and nothing may depend on the batch.
            made = [self.through(hr[i : i + 1], scale, random.sample(i)) for i in range(len(hr))]
            lr = [brought_to(image, size) for image, _ in made]
            joined = torch.cat(lr) if lr else hr.new_empty((0, hr.shape[1], *size))
            joined = to_8_bits(joined) if self.rounding == "once" else joined
            targets = [target for _, target in made if target is not None]
            if not targets:
                return joined
            # A step that is skipped for a sample leaves its target as it was.
            kept = [hr[i : i + 1] if target is None else target for i, (_, target) in enumerate(made)]
            return joined, torch.cat(kept)

    def through(self, image: Tensor, scale: Scale, random: SampleRandom) -> tuple[Tensor, Tensor | None]:
        """One sample through all steps: the picture in whatever size it comes to, and its new target."""
        chance = Chance(random)
        target = None
        order = chance.order(len(self.steps)) if self.shuffle else range(len(self.steps))
        for number in order:
            if self.probabilities is None or chance.happens(self.probabilities[number]):
                step = self.steps[number]
                if isinstance(step, Step):
                    image = step.applied(image, chance)
                elif isinstance(step, Compose):
                    image, changed = step.through(image, scale, random)
                    target = target if changed is None else changed
                else:
                    made = step(image, scale, random)
                    image, target = made if isinstance(made, tuple) else (made, target)
        return image, target


def _shrinks(step: Degradation) -> bool:
    if isinstance(step, Compose):
        return any(_shrinks(inner) for inner in step.steps if isinstance(inner, Degradation))
    return not isinstance(step, Step)
