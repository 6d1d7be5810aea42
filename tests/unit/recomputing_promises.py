"""What activation checkpointing promises: the same step in less memory; tried on any network that has it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import Model
from sr_core.inference.alive_tensors import AliveTensors

SCALE, PROGRESS = 2, 0.1


def check_recomputing(network: Model, crops: int = 2, *, share: float = 0.5) -> None:
    """A training step with `recompute` leaves the same gradients and statistics; its peak is at most `share` of without.

    Args:
        network: with an attribute `recompute`, False.
        crops: of 24×24 HR pixels.
        share: of the memory without.
    """
    saving = copy.deepcopy(network)
    saving.recompute = True  # type: ignore[assignment]
    peaks = [peak_of_a_step(one.train(), crops) for one in (network, saving)]
    for (name, parameter), other in zip(network.named_parameters(), saving.parameters(), strict=True):
        assert parameter.grad is not None, name
        torch.testing.assert_close(other.grad, parameter.grad, msg=name)
    for (name, buffer), other in zip(network.named_buffers(), saving.buffers(), strict=True):
        torch.testing.assert_close(other, buffer, msg=name)
    assert peaks[1] <= share * peaks[0], f"{peaks[1] / peaks[0]:.2f} of the memory"


def peak_of_a_step(network: Model, crops: int) -> int:
    """The most bytes of tensors alive at once, the network's own left out, while it predicts and gradients flow back."""
    generator = torch.Generator().manual_seed(1)
    hr = torch.rand((crops, 1, 24, 24), generator=generator)
    lr = F.avg_pool2d(hr, SCALE)
    meter = AliveTensors()
    with meter:
        _objective(network, lr, hr).backward()  # type: ignore[no-untyped-call]
    return meter.peak


def _objective(network: Model, lr: Tensor, hr: Tensor) -> Tensor:
    predictions = network.predictions(lr, hr, SCALE, PROGRESS)
    return torch.stack([p.weight * F.mse_loss(p.image, p.target) for p in predictions]).sum()
