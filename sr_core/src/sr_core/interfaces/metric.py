"""The metric contract: a figure for each picture, or one for a whole set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from torch import Tensor

from sr_core.interfaces.capabilities import Channels

Need = Literal["hr", "lr", "nothing"]
"""What a metric compares SR with."""


class MetricFacts:
    """What every metric says of itself.

    Attributes:
        channels: `any`: it is given the planes of the protocol (Y or RGB, cropped and rounded as it says);
            `rgb`: it always gets three planes.
        higher_is_better: the direction.
        needs: what it compares SR with: the truth, the LR picture, or nothing.
        unit: printed behind the figure, as `dB`.
        decimals: how many are printed.
    """

    kind: ClassVar[str] = "metric"
    channels: Channels = "any"
    higher_is_better: bool = True
    needs: Need = "hr"
    unit: str = ""
    decimals: int = 4


class Metric(MetricFacts, ABC):
    """A figure for each picture; the figure of a set is the mean of its pictures' figures."""

    @abstractmethod
    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """Measure `sr` against `reference`.

        Args:
            sr: N×C×H×W in [0, 1], as the protocol prepared it.
            reference: what `needs` says: HR of the same shape, the LR picture, or `sr` again for `nothing`.

        Returns:
            N values.
        """


class SetMetric(MetricFacts, ABC):
    """One figure for a whole set of pictures (distances between distributions)."""

    @abstractmethod
    def __call__(self, srs: Sequence[Tensor], references: Sequence[Tensor]) -> float:
        """Measure all pictures of a set together; each tensor is 1×C×H×W, sizes may differ."""
