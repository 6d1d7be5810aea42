"""Every generator seeded from (seed, step, role), so that a resumed run draws what the uninterrupted one drew."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def seed_everything(seed: int, step: int, role: str) -> None:
    """Seed Python, numpy and PyTorch on all devices for one step of one role (`network`, a learned loss's name)."""
    digest = hashlib.blake2b(f"{seed}/{step}/{role}".encode(), digest_size=8).digest()
    mixed = int.from_bytes(digest, "little") >> 1
    random.seed(mixed)
    np.random.seed(mixed & 0xFFFF_FFFF)
    torch.manual_seed(mixed)
