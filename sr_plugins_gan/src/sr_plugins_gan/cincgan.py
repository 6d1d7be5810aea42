"""CinCGAN's two networks as one: LR of unknown faults is made clean first, and then enlarged."""

from __future__ import annotations

from torch import Tensor

from sr_core import Model, Prediction, Scale, resize
from sr_core.imaging.padding import continued
from sr_core.imaging.size import per_axis


class CinCGAN(Model):
    """A network that makes LR clean, then one that enlarges it; both learn without pairs (Yuan et al., CVPRW 2018).

    Its two predictions are `clean`, at LR's size, whose target is HR shrunk by bicubic, and `sr`, whose target is HR.
    Where pictures are unpaired the targets only show what such pictures look like: to a `gan` loss `on: clean` and one
    `on: sr`. The cycles, which the paper trains beside them, are two `cycle` losses: from `clean` and from `sr` back to
    LR.

    Args:
        cleaner: a network of scale 1.
        enlarger: a network of the run's scale, for the same planes.

    Raises:
        ValueError: the cleaner takes no scale 1, or the two take different planes.
    """

    def __init__(self, cleaner: Model, enlarger: Model) -> None:
        super().__init__()
        if 1 not in cleaner.scales:
            raise ValueError("cleaner must be a network of scale 1: give it 'scale: 1'")
        if cleaner.channels != enlarger.channels:
            raise ValueError(f"cleaner makes {cleaner.channels}, and enlarger takes {enlarger.channels}; choose one")
        self.cleaner, self.enlarger = cleaner, enlarger
        self.scales = enlarger.scales
        self.channels = enlarger.channels
        self.multiple = enlarger.multiple
        self.equal_axes = enlarger.equal_axes
        margins = (cleaner.margin, enlarger.margin)
        self.margin = None if None in margins else sum(margin for margin in margins if margin is not None)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`."""
        sr: Tensor = self.enlarger(self.clean(lr), scale)
        return sr

    def clean(self, lr: Tensor) -> Tensor:
        """`lr` without its faults, at its size."""
        made: Tensor = self.cleaner(continued(lr, self.cleaner.multiple), 1)
        return made[..., : lr.shape[-2], : lr.shape[-1]]

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """`clean` and `sr`."""
        del progress
        vertical, horizontal = per_axis(scale)
        clean = self.clean(lr)
        shrunk = resize(hr, (1 / vertical, 1 / horizontal), (lr.shape[-2], lr.shape[-1]), "bicubic")
        return (
            Prediction("clean", clean, shrunk, scale=1),
            Prediction("sr", self.enlarger(clean, scale), hr),
        )
