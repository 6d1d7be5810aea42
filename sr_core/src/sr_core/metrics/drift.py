"""How far the colour of SR, shrunk again, has drifted from that of the LR picture it was made from."""

from __future__ import annotations

from torch import Tensor

from sr_core.errors import SrkitError
from sr_core.imaging.resize import resize
from sr_core.imaging.size import Scale, per_axis
from sr_core.interfaces.metric import LowResolutionMetric


def drift(sr: Tensor, lr: Tensor, scale: Scale) -> Tensor:
    """The mean signed difference of SR shrunk less LR, for each picture and plane, in levels of 0 … 255.

    Errors of single pixels cancel out; what is left is a colour or brightness that is no longer LR's, as GANs bring
    about. The network's picture is shrunk as it is, not clipped, by antialiased bicubic.

    Args:
        sr: N×C×H'×W'.
        lr: N×C×H×W in [0, 1].
        scale: SR size over LR size, above 1.

    Returns:
        N×C values.

    Raises:
        SrkitError: the scale is below 1.
    """
    vertical, horizontal = per_axis(scale)
    if min(vertical, horizontal) < 1:
        raise SrkitError("drift compares a larger picture with the smaller one it was made from; the scale is below 1")
    shrunk = resize(sr, (1 / vertical, 1 / horizontal), (lr.shape[-2], lr.shape[-1]), "bicubic")
    return (shrunk.double() - lr.double()).mean((-2, -1)) * 255


class Drift(LowResolutionMetric):
    """The largest size of `drift` among the planes of a picture: at most 1 level is not seen."""

    higher_is_better = False
    unit = "levels"
    decimals = 2

    def __call__(self, sr: Tensor, lr: Tensor, scale: Scale) -> Tensor:
        """Drift of each picture in levels."""
        return drift(sr, lr, scale).abs().amax(dim=1)
