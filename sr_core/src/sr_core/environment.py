"""What a run ran on, so that its figures can be traced."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence

import numpy
import torch

from sr_core import __version__
from sr_core.discovery import Plugin
from sr_core.inference.devices import describe_device


def describe_environment(device: torch.device, plugins: Sequence[Plugin]) -> dict[str, object]:
    """Versions, machine, device and threads, ready for `environment.json`."""
    return {
        "srkit": __version__,
        "plugins": {plugin.distribution.name: plugin.distribution.version for plugin in plugins},
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": describe_device(device),
        "cuda": torch.version.cuda,
        "byte_order": sys.byteorder,
    }


def _processor() -> str:
    """The processor's name; `platform.processor()` is empty on most Linux systems."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
