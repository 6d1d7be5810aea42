"""Gradients kept small: by norm, by value, or by value over the learning rate (VDSR)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from sr_core.training.settings import Clipping


def gradients_of(optimizer: Optimizer) -> list[Tensor]:
    """The gradients of all parameters that have one."""
    return [
        parameter.grad
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.grad is not None
    ]


def gradient_norm(gradients: list[Tensor], device: torch.device) -> Tensor:
    """The norm of all gradients together, a float32 scalar on `device`; not finite where any of them is not."""
    if not gradients:
        return torch.zeros((), device=device)
    norms = torch._foreach_norm(gradients)
    together: Tensor = torch.linalg.vector_norm(torch.stack([norm.float() for norm in norms]))
    return together


def clip_gradients(optimizer: Optimizer, clip: Clipping, norm: Tensor) -> None:
    """Clip in place.

    Args:
        optimizer: its groups' `lr` are the rates of this step.
        clip: how.
        norm: of all gradients, before clipping.
    """
    if clip.norm is not None:
        torch._foreach_mul_(gradients_of(optimizer), (clip.norm / (norm + 1e-6)).clamp(max=1.0))
    if clip.value is not None:
        _clamp(gradients_of(optimizer), clip.value)
    if clip.theta is not None:
        for group in optimizer.param_groups:
            if group["lr"] > 0:
                gradients = [parameter.grad for parameter in group["params"] if parameter.grad is not None]
                _clamp(gradients, clip.theta / group["lr"])


def _clamp(gradients: list[Tensor], bound: float) -> None:
    if gradients:
        torch._foreach_clamp_min_(gradients, -bound)
        torch._foreach_clamp_max_(gradients, bound)
