"""The metric contract: a figure for each picture, or one for a whole set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

from torch import Tensor

from sr_core.imaging.size import Scale
from sr_core.interfaces.capabilities import Channels, check_channels

Need = Literal["hr", "lr", "nothing"]
"""What a metric compares SR with."""


class MetricFacts:
    """What every metric says of itself.

    A metric with a network of its own brings what it is given to its own dtype and device.

    Attributes:
        channels: `any`: it is given the planes of the protocol (Y or RGB, cropped and rounded as it says);
            `rgb`: it always gets three planes; `y`: it always gets one; a number: the protocol must compare as many.
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

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        check_channels(self.channels)
        if self.needs not in get_args(Need):
            raise ValueError(f"needs must be one of {get_args(Need)}, it is {self.needs!r}")
        if not isinstance(self.unit, str) or not isinstance(self.decimals, int) or self.decimals < 0:
            raise ValueError("unit must be a text, and decimals a number of digits")


class Metric(MetricFacts, ABC):
    """A figure for each picture; the figure of a set is the mean of its pictures' figures."""

    @abstractmethod
    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        """Measure `sr` against `reference`.

        Args:
            sr: N×C×H×W float64 in [0, 1], as the protocol prepared it; for `needs = "lr"` SR as it was made, whole
                and not clipped.
            reference: what `needs` says: HR of the same shape, the whole LR picture, or `sr` again for `nothing`.

        Returns:
            N values.
        """


class LowResolutionMetric(MetricFacts, ABC):
    """A figure for each picture, of how SR fits the LR picture that it was made from; it is told the scale too."""

    needs: Need = "lr"

    @abstractmethod
    def __call__(self, sr: Tensor, lr: Tensor, scale: Scale) -> Tensor:
        """Measure `sr` against `lr`.

        Args:
            sr: N×C×H'×W' float64, as it was made, whole and not clipped.
            lr: N×C×H×W float64 in [0, 1], whole.
            scale: SR size over LR size.

        Returns:
            N values.
        """


class SetMetric(MetricFacts, ABC):
    """One figure for a whole set of pictures (distances between distributions)."""

    @abstractmethod
    def __call__(self, srs: Sequence[Tensor], references: Sequence[Tensor]) -> float:
        """Measure all pictures of a set together; each tensor is 1×C×H×W, sizes may differ."""
