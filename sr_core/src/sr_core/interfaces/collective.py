"""What a loss may need from all devices at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


class _SumOverDevices(torch.autograd.Function):
    """The sum of a tensor over all devices; each device's share gets the sum of all devices' gradients."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:  # noqa: ANN401 - torch's own signature
        """The same sum on every device."""
        del context
        summed = values.clone()
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401 - as torch calls it
        """Every device's result depends on every device's values."""
        del context
        summed = gradient.contiguous().clone()
        distributed.all_reduce(summed)
        return summed


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
    summed: Tensor = _SumOverDevices.apply(mean)  # type: ignore[no-untyped-call] # torch's own
    return summed / distributed.get_world_size()
