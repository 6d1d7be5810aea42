"""On which machine and with which software a benchmark ran: the last keys that each of them prints."""

from __future__ import annotations

import platform
from typing import Any

import torch


def machine_facts() -> dict[str, Any]:
    """The processor, PyTorch, Python and the system."""
    return {
        "cpu": processor(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def low_precision_facts() -> dict[str, bool]:
    """What the processor has for bfloat16."""
    return {
        "amx": torch.cpu._is_amx_tile_supported(),
        "avx512_bf16": torch.cpu._is_avx512_bf16_supported(),
    }


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as facts:
            return next(line.split(":", 1)[1].strip() for line in facts if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
