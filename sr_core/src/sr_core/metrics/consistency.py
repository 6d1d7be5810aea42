"""How well SR, shrunk again, gives back the LR picture that it was made from."""

from __future__ import annotations

from torch import Tensor

from sr_core.degradations.bicubic import Bicubic
from sr_core.imaging.size import Scale
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.metric import LowResolutionMetric
from sr_core.interfaces.randomness import SampleRandom
from sr_core.metrics.psnr import psnr


def consistency(sr: Tensor, lr: Tensor, scale: Scale, degradation: Degradation) -> Tensor:
    """PSNR in dB between each LR picture and its SR after `degradation`; infinite where they are equal.

    A method that invents detail may miss HR by far and still be consistent; one that is not has changed what was
    known. All planes count alike and no border is left out.

    Args:
        sr: N×C×H'×W', need not be clipped.
        lr: N×C×H×W in [0, 1].
        scale: SR size over LR size.
        degradation: how LR came from HR; without chance.

    Returns:
        N values.

    Raises:
        ValueError: the degradation gives another size than that of LR.

    Source: "LR-PSNR" of Lugmayr et al., NTIRE 2021 challenge on learning the super-resolution space.
    """
    made = degradation(sr.float(), scale, SampleRandom(0, 0, range(len(sr)), sr.device))
    shrunk: Tensor = made[0] if isinstance(made, tuple) else made
    if shrunk.shape != lr.shape:
        raise ValueError(f"SR shrunk is {tuple(shrunk.shape)}, LR is {tuple(lr.shape)}")
    return psnr(shrunk.double(), lr.float().double())


class Consistency(LowResolutionMetric):
    """PSNR between LR and SR shrunk again (`consistency`).

    Args:
        degradation: how LR came from HR, by default the older bicubic recipe on 8-bit pictures that made the field's
            public LR sets. For a protocol whose LR is not rounded take `{name: bicubic, rounding: none}`.
    """

    unit = "dB"
    decimals = 2

    def __init__(self, degradation: Degradation | None = None) -> None:
        self._degradation = Bicubic() if degradation is None else degradation
        if not self._degradation.deterministic:
            raise ValueError("LR cannot be made again by a degradation that depends on chance")

    def __call__(self, sr: Tensor, lr: Tensor, scale: Scale) -> Tensor:
        """Consistency of each picture in dB."""
        return consistency(sr, lr, scale, self._degradation.to(sr.device))
