"""What a loss may need from all devices at once."""

from __future__ import annotations

from torch import Tensor, distributed
from torch.distributed.nn.functional import all_reduce


def batch_mean(values: Tensor) -> Tensor:
    """The mean over the global batch, with a gradient: over `values`' first axis and all training devices.

    Relativistic losses compare with such means (Jolicoeur-Martineau, ICLR 2019, equations 9 and 10). Every device
    holds equally many samples.

    Args:
        values: N×… on this device.
    """
    mean = values.mean(dim=0)
    if not (distributed.is_available() and distributed.is_initialized()):
        return mean
    summed: Tensor = all_reduce(mean)  # type: ignore[no-untyped-call] # torch's own
    return summed / distributed.get_world_size()
