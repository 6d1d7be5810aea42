"""The degradation contract: how LR comes from HR."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from sr_core.imaging.size import Scale
from sr_core.interfaces.randomness import SampleRandom


class Degradation(nn.Module, ABC):
    """Makes LR from HR on whatever device HR is; it may hold weights (a learned degradation).

    Attributes:
        deterministic: True where LR depends on HR and scale alone; LR is then made once and kept.
    """

    kind: ClassVar[str] = "degradation"
    deterministic: bool = False

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        if not isinstance(self.deterministic, bool):
            raise ValueError(f"deterministic must be True or False, it is {self.deterministic!r}")

    @abstractmethod
    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor | tuple[Tensor, Tensor]:
        """Degrade `hr`.

        Args:
            hr: N×C×H'×W' float32 in [0, 1], already cut to the size of an SR picture.
            scale: HR size over LR size.
            random: one stream of random numbers for each of the N samples; the only source of chance.

        Returns:
            LR, N×C×H×W with (H, W) = `degraded_size((H', W'), scale)`; or (LR, target) where the target changes
            too, N×C×H'×W'.
        """
