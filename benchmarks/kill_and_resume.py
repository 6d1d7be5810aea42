"""Kill a training at random moments (SIGKILL), resume it each time, and compare its end with an undisturbed one's.

ESPCN ×3 in float32, deterministic, with as many threads, learning from photographs that scikit-image brings along. A
moment is drawn between the start of the process and a little after the time that it would need to finish; the
resumed process is killed again until all kills are spent. The last line printed is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import machine_facts

SPEC = """
name: killed
scale: 3
seed: 7
precision: float32
deterministic: true
device: cpu
train:
  model: espcn
  data: {hr: 'samples:train', crop: 51, batch: 16}
  loss: mse
  optimizer: {name: adam, lr: 1.0e-3}
  schedule: {name: cosine, warmup: 20}
  ema: 0.99
  steps: STEPS
  log: 10
  validate: {every: 100, on: 'samples:test'}
  checkpoint: {every: 20, keep: 2}
"""


def start(spec: Path, output: Path, *, resume: bool) -> subprocess.Popen[bytes]:
    """The program, in a process of its own."""
    command = [sys.executable, "-m", "sr_core", "run", str(spec), "--output", str(output)]
    return subprocess.Popen(
        [*command, "--resume"] if resume else command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def newest(output: Path) -> int:
    """The step of the newest checkpoint; -1 where there is none."""
    found = [int(path.name[5:]) for path in (output / "checkpoints").glob("step-*")]
    return max(found, default=-1)


def go_back(checkpoints: Path) -> None:
    """Forget all but the oldest checkpoint."""
    (checkpoints / "final/weights.safetensors").unlink()
    for path in sorted(checkpoints.glob("step-*"))[1:]:
        shutil.rmtree(path)


def main() -> None:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    choose = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        spec = folder / "spec.yaml"
        spec.write_text(SPEC.replace("STEPS", str(options.steps)), encoding="utf-8")
        whole, killed = folder / "whole", folder / "killed"
        began = time.perf_counter()
        assert start(spec, whole, resume=False).wait() == 0, "the undisturbed run failed"  # noqa: S101
        length = time.perf_counter() - began
        # Each life is to be long enough to start and to get a little further.
        moments, at = [], []
        done, kills = False, 0
        while not done:
            process = start(spec, killed, resume=(killed / "spec.yaml").exists())
            if kills < options.kills:
                moment = choose.uniform(0.0, 0.6 * length)
                try:
                    done = process.wait(timeout=moment) == 0
                except subprocess.TimeoutExpired:
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait()
                    kills += 1
                    moments.append(round(moment, 2))
                    at.append(newest(killed))
                if (
                    done and kills < options.kills
                ):  # too fast for us: go back to the oldest checkpoint, and go on killing
                    go_back(killed / "checkpoints")
                    done = False
            else:
                done = process.wait() == 0
                assert done, "the last resumed run failed"  # noqa: S101
        same = (whole / "checkpoints/final/weights.safetensors").read_bytes() == (
            killed / "checkpoints/final/weights.safetensors"
        ).read_bytes()
        state = json.loads((whole / "environment.json").read_text())
    print(f"killed {kills} times after {moments} s, at checkpoints {at}")
    facts = {
        "bit_equal": same,
        "kills": kills,
        "checkpoints_reached": at,
        "threads": state["threads"],
        **machine_facts(),
    }
    print(json.dumps(facts))
    sys.exit(not same)


if __name__ == "__main__":
    main()
