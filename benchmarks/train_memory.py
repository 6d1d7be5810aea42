"""Peak host memory of training on many pictures, less that of the bare loop of the same network.

Two processes of their own: `srkit run` with the 16-block network on T91 and BSD200 (or what `--hr` names), and the bare
step of `reference_train.py` on one fixed batch. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import train_step
from machine import machine_facts


def peak_bytes() -> int:
    """The largest resident size of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure(side: str, steps: int, hr: list[str]) -> None:
    """One side, in this process; prints its peak."""
    with tempfile.TemporaryDirectory() as temporary:
        train_step.whole_loop_discovery = train_step.installed(Path(temporary))
        if side == "loop":
            train_step.whole_loop("residual", hr, steps, 1, "cpu", Path(temporary))
        else:
            step = train_step.fixed_step("residual", torch.device("cpu"), plain=False)
            for _ in range(steps):
                step()
    print(peak_bytes())


def main() -> None:
    """Measure both sides, then print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--side", choices=("loop", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--hr", nargs="*", default=None, help="folders of pictures")
    options = parser.parse_args()
    data = os.environ.get("SRKIT_DATA")
    hr = options.hr or ([f"{data}/train/T91", f"{data}/train/BSD200"] if data else ["samples:train"])
    if options.side:
        measure(options.side, options.steps, hr)
        return
    peaks = {}
    for side in ("bare", "loop"):
        command = [sys.executable, __file__, "--side", side, "--steps", str(options.steps), "--hr", *hr]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks[side] = int(output.split()[-1])
    facts = {
        "more_than_bare_bytes": peaks["loop"] - peaks["bare"],
        "loop_bytes": peaks["loop"],
        "bare_bytes": peaks["bare"],
        **machine_facts(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
