"""Bicubic shrinking, the degradation of nearly every published table."""

from __future__ import annotations

from torch import Tensor

from sr_core.imaging.resize import Rounding, resize
from sr_core.imaging.size import Scale, degraded_size, per_axis
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom


class Bicubic(Degradation):
    """MATLAB's `imresize(HR, 1/scale)`, bicubic with antialiasing.

    Args:
        rounding: `each_pass`: the older recipe on 8-bit pictures, which made the field's public LR sets (rounded
            and clipped after each pass); `once`: the float recipe, rounded to 8 bits at the end; `none`: the
            float recipe, not rounded.
    """

    deterministic = True

    def __init__(self, rounding: Rounding = "each_pass") -> None:
        super().__init__()
        self.rounding = rounding

    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        """LR of `hr`; `random` is not used."""
        del random
        vertical, horizontal = per_axis(scale)
        size = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
        return resize(hr, (1 / vertical, 1 / horizontal), size, "bicubic", rounding=self.rounding)
