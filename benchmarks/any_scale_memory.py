"""Most memory that a process takes in which an any-scale network of full size enlarges a picture whole, on the CPU.

Each network and precision has a process of its own, which does what `srkit upscale` does: channels-last, memory kept.
What is measured is the most that was resident at once, PyTorch and all. The last line printed is JSON: GB by network
and precision (`auto` is bfloat16 where the processor is fast at it), and the worst.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import torch
from machine import low_precision_facts, machine_facts

from sr_core.building import build
from sr_core.discovery import discover
from sr_core.host_allocator import keep_freed_memory
from sr_core.inference.engine import super_resolve
from sr_core.inference.networks import ready
from sr_core.inference.precision import autocast, choose_precision
from sr_core.parameters import ComponentReference
from sr_core.scales import parse_scale

CPU = torch.device("cpu")
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Of `ru_maxrss`, in bytes."""


def resident_peak(name: str, precision: str, side: int, scale: str) -> dict[str, Any]:
    """Of this process, once it has enlarged a picture; and how long that took."""
    keep_freed_memory()
    network = ready(build(discover().registry, "model", ComponentReference.of(name, {})), CPU)
    picture = torch.rand((1, 3, side, side), generator=torch.Generator().manual_seed(0))
    chosen = choose_precision(precision, CPU)  # type: ignore[arg-type] # argparse knows the choices
    started = time.perf_counter()
    with autocast(chosen, CPU):
        # One tile as large as the picture: however little memory there is, it is not cut.
        super_resolve(network, picture, parse_scale(scale), tile=side)
    spent = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT
    return {"peak_gb": round(peak / 1e9, 3), "precision": chosen, "seconds": round(spent, 1)}


def main() -> None:
    """Measure each network in each precision, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=["meta_rdn"])
    parser.add_argument("--precisions", nargs="+", default=["auto", "float32"], choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--side", type=int, default=512, help="LR pixels")
    parser.add_argument("--scale", default="4")
    parser.add_argument("--one", action="store_true", help="measure the first network and precision, in this process")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(resident_peak(options.networks[0], options.precisions[0], options.side, options.scale)))
        return
    found: dict[str, dict[str, Any]] = {}
    for name in options.networks:
        for precision in options.precisions:
            command = [sys.executable, __file__, "--one", "--networks", name, "--precisions", precision]
            command += ["--side", str(options.side), "--scale", options.scale]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[f"{name}, {precision}"] = json.loads(done.stdout.splitlines()[-1])
            print(f"{name}, {precision}: {found[f'{name}, {precision}']}", flush=True)
    facts = {
        **{which: figures["peak_gb"] for which, figures in found.items()},
        "worst": max(figures["peak_gb"] for figures in found.values()),
        "side": options.side,
        "scale": options.scale,
        "measured": found,
        "threads": torch.get_num_threads(),
        **low_precision_facts(),
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
