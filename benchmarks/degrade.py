"""The second-order degradation of Real-ESRGAN, 16 pictures of 256², against the same with SciPy and Pillow on the CPU.

Reference: `reference_degrade.py`, in the same process; the two take turns, so that a busy machine slows both. Each has
as many threads as the other. With `--device cuda` the pictures are on the device, and the reference is still the CPU's.
The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from machine import machine_facts
from reference_degrade import degrade
from torch import Tensor

from sr_core import SampleRandom, resize
from sr_core.degradations.real_esrgan import RealESRGAN
from sr_core.host_allocator import keep_freed_memory

SIDE, SCALE = 256, 4
OCTAVES = (4, 16, 64, 256)


def pictures(count: int) -> Tensor:
    """Random ones with the spectrum of photographs: as much at each octave."""
    torch.manual_seed(0)
    layers = [resize(torch.rand(count, 3, side, side), size=(SIDE, SIDE)) / len(OCTAVES) for side in OCTAVES]
    return torch.stack(layers).sum(0).clamp(0, 1)


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call, to its end on the device."""
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="timed batches of each side")
    parser.add_argument("--batch", type=int, default=16, help="pictures")
    parser.add_argument("--threads", type=int, default=1, help="of each side")
    parser.add_argument("--device", default="cpu", help="of PyTorch's side")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as srkit's own program does
    hr = pictures(options.batch)
    on_device, on_host = hr.to(options.device), hr.numpy()
    degradation = RealESRGAN()

    def ours(step: int) -> object:
        random = SampleRandom(0, step, range(options.batch), options.device)
        with torch.no_grad():
            return degradation(on_device, SCALE, random)

    times = []
    for step in range(options.rounds + 2):
        own = seconds(lambda step=step: ours(step))  # type: ignore[misc]
        other = seconds(lambda step=step: degrade(on_host, SCALE, step, options.threads))  # type: ignore[misc]
        times.append((own, other))
    own, other = (statistics.median(side) for side in zip(*times[2:], strict=True))
    ratio = statistics.median(theirs / mine for mine, theirs in times[2:])
    print(f"{1e3 * own:.0f} ms, reference {1e3 * other:.0f} ms: {ratio:.2f} times as fast")
    figures = {
        "versus_reference": round(ratio, 3),
        "seconds": round(own, 5),
        "reference_seconds": round(other, 5),
        "batch": options.batch,
        "device": options.device,
        "threads": options.threads,
        **machine_facts(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
