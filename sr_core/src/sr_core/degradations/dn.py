"""DN: bicubic, then noise, as RDN's and SRFBN's tables have it."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from sr_core.degradations.bicubic import Bicubic
from sr_core.degradations.step import to_8_bits
from sr_core.imaging.size import Scale
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom


class DN(Degradation):
    """The LR of the DN tables: the 8-bit bicubic LR with Gaussian noise in colour, rounded and clipped.

    Args:
        sigma: of the noise, in levels of 0…255; the tables have 30, at ×3.

    Source: Zhang et al., CVPR 2018 (RDN) and its released scripts.
    """

    def __init__(self, sigma: Annotated[float, Field(ge=0, le=255)] = 30.0) -> None:
        super().__init__()
        self.sigma = sigma
        self._bicubic = Bicubic()

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """LR of `hr`."""
        lr = self._bicubic(hr, scale, random)
        return to_8_bits(torch.add(lr, random.normal(*lr.shape[1:]), alpha=self.sigma / 255))
