"""How devices are called in specs and commands."""

from __future__ import annotations

DEVICE_NAME = r"auto|cpu|mps|cuda(:\d{1,3})?"
KNOWN_DEVICES = "auto, cpu, mps, cuda, cuda:1 …"
