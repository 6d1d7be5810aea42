"""Where a run computes."""

from __future__ import annotations

import os
import re

import torch

from sr_core.device_names import DEVICE_NAME, KNOWN_DEVICES
from sr_core.errors import SrkitError


def choose_device(wanted: str) -> torch.device:
    """The device a spec means: `auto` is the first GPU, else the CPU.

    Raises:
        SrkitError: this machine has no such device.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(DEVICE_NAME, wanted):
        raise SrkitError(f"unknown device '{wanted}'; known: {KNOWN_DEVICES}")
    device = torch.device(wanted)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise SrkitError(f"device '{wanted}': PyTorch finds {found or 'no'} CUDA device{'s' * (found != 1)} here")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise SrkitError("device 'mps': PyTorch finds no Metal device here")
    return device


def world_size() -> int:
    """How many processes `torchrun` started together; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_rank() -> int:
    """This process's number among them; 0 without it."""
    return int(os.environ.get("RANK", "0"))


def local_rank() -> int:
    """This process's number among those on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def describe_device(device: torch.device) -> str:
    """The device in words, for the record."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
