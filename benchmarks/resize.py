"""Bicubic ×1/4 of a 2040×1356 picture and ×4 back up, against torch's own antialiased interpolation.

Reference: `torch.nn.functional.interpolate(mode="bicubic", antialias=True)`, in the same process; the two take
turns, so that a busy machine slows both. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from machine import machine_facts
from torch import Tensor
from torch.nn import functional as F

from sr_core.imaging.resize import resize

LARGE = (1356, 2040)
SMALL = (339, 510)


def ours(image: Tensor, size: tuple[int, int]) -> Tensor:
    """What is measured."""
    return resize(image, size=size)


def reference(image: Tensor, size: tuple[int, int]) -> Tensor:
    """What it is measured against."""
    return F.interpolate(image, size, mode="bicubic", antialias=True)


def seconds(resample: Callable[[Tensor, tuple[int, int]], Tensor], image: Tensor, size: tuple[int, int]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    resample(image, size)
    return time.perf_counter() - start


def compare(image: Tensor, size: tuple[int, int], rounds: int) -> tuple[float, float]:
    """Median seconds of (ours, torch), after two rounds of warming up."""
    pairs = [(seconds(ours, image, size), seconds(reference, image, size)) for _ in range(rounds + 2)][2:]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=51, help="timed calls of each side")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch; default: its own")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    with torch.inference_mode():
        down, torch_down = compare(torch.rand(1, 3, *LARGE), SMALL, options.rounds)
        up, torch_up = compare(torch.rand(1, 3, *SMALL), LARGE, options.rounds)
    for name, own, torch_own in (("×1/4", down, torch_down), ("×4", up, torch_up)):
        print(f"{name}: {1e3 * own:.1f} ms, torch {1e3 * torch_own:.1f} ms, {options.threads} threads")
    figures = {
        "down_versus_torch": round(down / torch_down, 3),
        "up_versus_torch": round(up / torch_up, 3),
        "down_seconds": round(down, 5),
        "up_seconds": round(up, 5),
        "threads": options.threads,
        **machine_facts(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
