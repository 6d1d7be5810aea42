"""A degradation that a network has learned from real LR pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import Tensor

from sr_core.checkpoint import load_weights
from sr_core.errors import SrkitError
from sr_core.imaging.padding import continued
from sr_core.imaging.size import Scale, degraded_size, exact_ratio, per_axis
from sr_core.interfaces.capabilities import ScaleRange
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.model import Model
from sr_core.interfaces.randomness import SampleRandom
from sr_core.scales import describe_scale


class Learned(Degradation):
    """LR as a network of a scale below 1 makes it: learn the degradation first (Bulat et al., ECCV 2018).

    Such a network comes out of a run whose `scale` is below 1. Where it takes noise, each sample draws its own, and one
    HR has many LRs.

    Args:
        network: which it is, with its parameters and its scale: `{name: downscaler, scale: 0.25}`.
        weights: its weights file.
        noise: draw noise where the network takes some; without it LR depends on HR alone.
        rounding: round LR to 8 bits, as a file would be.

    Raises:
        ValueError: the network takes no scale below 1.
        SrkitError: the file cannot be read, or belongs to another network.
    """

    def __init__(
        self, network: Model, weights: Annotated[str, Field(min_length=1)], noise: bool = True, rounding: bool = True
    ) -> None:
        super().__init__()
        if isinstance(network.scales, ScaleRange) or min(network.scales) >= 1:
            raise ValueError("network must be one that makes pictures smaller: of a scale below 1, as 0.25")
        self._scales = network.scales
        load_weights(network, Path(weights))
        self.network = network.eval().requires_grad_(requires_grad=False)
        self.draws_noise = noise and network.takes_noise
        self.deterministic = not self.draws_noise
        self.rounding = rounding

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """LR of `hr`.

        Raises:
            SrkitError: the network was made for another scale.
        """
        rows, columns = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        vertical, horizontal = per_axis(scale)
        own = float(1 / exact_ratio(vertical))
        if own not in self._scales or vertical != horizontal:
            taken = ", ".join(f"{1 / known:g}" for known in self._scales)
            raise SrkitError(f"this learned degradation is one for scale {taken}; the run has {describe_scale(scale)}")
        whole = continued(hr, self.network.multiple)
        if self.draws_noise:
            noise = continued(random.normal(1, *hr.shape[-2:]), self.network.multiple)
            lr = self.network(whole, own, noise)
        else:
            lr = self.network(whole, own)
        made: Tensor = lr[..., :rows, :columns].float()
        return (made.clamp(0, 1) * 255).round() / 255 if self.rounding else made
