"""A network as it is used: frozen, and laid out as the hardware computes fastest."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from sr_core.interfaces.model import Model


def ready(network: Model, device: torch.device) -> Model:
    """`network` on `device`, in evaluation mode, without gradients, its convolutions laid out channels-last."""
    network = network.to(device).eval().requires_grad_(requires_grad=False)
    lay_out(network, device)
    return network


def without_contents(network: Model) -> Model:
    """A copy of `network` on the meta device, to learn what it would take; no tensor of it is copied."""
    tensors = [*network.parameters(), *network.buffers()]
    return copy.deepcopy(network, {id(tensor): _empty(tensor) for tensor in tensors})


def _empty(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="meta")
    return nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty


def lay_out(network: nn.Module, device: torch.device) -> None:
    """Store a network's convolutions channels-last, where they are faster so; those in three dimensions cannot be."""
    if device.type in ("cpu", "cuda") and not any(tensor.ndim > 4 for tensor in network.state_dict().values()):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
