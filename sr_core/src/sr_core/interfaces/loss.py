"""The loss contract: how far SR is from HR, and losses that learn themselves (a GAN's discriminator)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from sr_core.imaging.size import Scale
from sr_core.interfaces.capabilities import Channels, check_channels


@dataclass(frozen=True)
class Batch:
    """What a loss may want to know besides SR and HR.

    Attributes:
        lr: N×C×H×W, the network's input.
        scale: SR size over LR size.
        step: optimiser steps done.
        progress: share of training done, 0 … 1.
    """

    lr: Tensor
    scale: Scale
    step: int
    progress: float


class Loss(nn.Module, ABC):
    """How wrong `sr` is: one number to minimise, or several named terms that are summed.

    Attributes:
        channels: the planes it accepts; a colour loss on a `y` model is an error of the spec.
        needs_pairs: whether `hr` must be the truth of `sr`, as for a difference of the two. A loss that asks less (a
            discriminator only needs to see real pictures) can also be trained with on unpaired ones.
    """

    kind: ClassVar[str] = "loss"
    channels: Channels = "any"
    needs_pairs: bool = True

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        check_channels(self.channels)

    @abstractmethod
    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor | dict[str, Tensor]:
        """Compare `sr` with `hr`, both N×C×H×W; a scalar tensor, or scalars by term name."""


class LearnedLoss(Loss):
    """A loss with parameters of its own, trained beside the network with its own optimiser and schedule.

    For each step of the network it takes `own_steps` steps, each on a fresh batch: `own_objective` is minimised
    over its own parameters, then `after_own_step` runs. In the network's step its parameters are frozen and its
    buffers restored afterwards.

    Attributes:
        own_steps: its own steps for each step of the network.
    """

    own_steps: int = 1

    @abstractmethod
    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Scalars by name; `objective` is minimised, the rest is logged (D(real), D(fake), gradient norm).

        `sr` comes detached from the network. Batch means (relativistic losses) run over all devices.
        """

    def after_own_step(self) -> None:
        """What follows each own step, as weight clipping (WGAN) or adaptive augmentation; nothing by default."""
