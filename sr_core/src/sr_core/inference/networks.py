"""A network as it is used: frozen, and laid out as the hardware computes fastest."""

from __future__ import annotations

import torch

from sr_core.interfaces.model import Model


def ready(network: Model, device: torch.device) -> Model:
    """`network` on `device`, in evaluation mode, without gradients, its convolutions laid out channels-last."""
    network = network.to(device).eval().requires_grad_(requires_grad=False)
    if device.type != "mps":
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
    return network
