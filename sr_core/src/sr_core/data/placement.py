"""Where decoded pictures are kept: on the training device, on the host, or nowhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

_MEMORY_FACTS = Path("/proc/meminfo")
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_SMALL_MACHINE = 8 * 10**9


@dataclass(frozen=True)
class Placement:
    """Where pictures are kept.

    Attributes:
        kind: on the training device; on the host of a CUDA device; or read again for each step.
        why: why they are not on the device, in words; empty where they are.
    """

    kind: Literal["device", "host", "read"]
    why: str = ""


def choose_placement(needed: int, device: torch.device, share: float, world: int = 1) -> Placement:
    """The nearest place to the device that has room.

    Args:
        needed: bytes of all pictures.
        device: where training happens.
        share: of the memory of the device, or of the host, that pictures may take.
        world: how many devices train; those of one host share its memory.
    """
    host = share * host_memory() / world
    if device.type != "cuda":
        if needed <= host:
            return Placement("device")
        return Placement("read", _why(needed, host, "available memory"))
    room = share * torch.cuda.get_device_properties(device).total_memory
    if needed <= room:
        return Placement("device")
    if needed <= host:
        return Placement("host", _why(needed, room, f"the memory of {device}"))
    return Placement("read", _why(needed, host, "the host's available memory"))


def host_memory() -> int:
    """Bytes of memory that this process could take without another losing its own.

    Where the system does not say (Windows), a small machine is assumed.
    """
    if not hasattr(os, "sysconf"):
        return _SMALL_MACHINE
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    facts = _MEMORY_FACTS.read_text(encoding="ascii").splitlines() if _MEMORY_FACTS.exists() else []
    available = next((1024 * int(line.split()[1]) for line in facts if line.startswith("MemAvailable:")), total)
    limit = _CONTAINER_LIMIT.read_text(encoding="ascii").strip() if _CONTAINER_LIMIT.exists() else ""
    return min(available, int(limit)) if limit.isdigit() else available


def memory_words(size: float) -> str:
    """Bytes as people say them.

    >>> memory_words(3_500_000)
    '3.5 MB'
    """
    for unit, worth in (("GB", 1e9), ("MB", 1e6)):
        if size >= worth:
            return f"{size / worth:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"


def _why(needed: int, room: float, whose: str) -> str:
    return f"they take {memory_words(needed)}, more than the {memory_words(room)} that they may have of {whose}"
