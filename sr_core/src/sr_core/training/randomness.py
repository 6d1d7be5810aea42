"""Every generator seeded from (seed, step, role), so that a resumed run draws what the uninterrupted one drew."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def seed_everything(seed: int, step: int, role: str, device: torch.device) -> None:
    """Seed Python, numpy and PyTorch on the CPU and `device` for one step of one role (`network`, a loss's name)."""
    digest = hashlib.blake2b(f"{seed}/{step}/{role}".encode(), digest_size=8).digest()
    mixed = int.from_bytes(digest, "little") >> 1
    random.seed(mixed)
    np.random.seed(mixed & 0xFFFF_FFFF)
    # Not torch.manual_seed: where CUDA is asleep it notes a stack trace at each call, longer than a small step.
    torch.default_generator.manual_seed(mixed)
    if device.type == "cuda":
        torch.cuda.manual_seed(mixed)
    elif device.type == "mps":
        torch.mps.manual_seed(mixed)
