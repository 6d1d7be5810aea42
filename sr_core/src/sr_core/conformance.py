"""What the conformance checks are made of: small random pictures, and a promise that was kept or not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sr_core.interfaces.capabilities import Channels
from sr_core.parameters import parameter_model

SIZES = ((12, 16), (13, 7), (1, 5))
"""LR sizes that are tried: even, odd, one pixel high."""


def check_constructor(component_class: type[Any]) -> None:
    """A component's constructor can be read: every argument has a type hint, and nothing swallows options."""
    parameter_model(component_class)


def plane_count(channels: Channels) -> int:
    """How many planes a component is tried with."""
    if isinstance(channels, int):
        return channels
    return 1 if channels == "y" else 3


def pictures(count: int, planes: int, size: tuple[int, int], *, seed: int) -> Tensor:
    """Random pictures in [0, 1], the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, planes, *size), generator=generator)


def expect(kept: bool, message: str) -> None:
    """Fail with a message that proposes the mend.

    Raises:
        AssertionError: the promise was not kept.
    """
    if not kept:
        raise AssertionError(message)
