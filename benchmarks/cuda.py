"""The training loop on a CUDA device: three networks against the bare step (`train_step.py`), and `tests/cuda`.

Each part is a process of its own and has a share of nine minutes. The last line printed is JSON: the figures of each
network, what the tests came to, and the machine. The status is 0 where all parts ended well.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

NETWORKS = ("espcn", "vdsr", "residual")
SECONDS = 90
"""That a network may take; three of them and the tests are nine minutes."""
TEST_SECONDS = 260
MACHINE = ("device", "precision", "threads", "cpu", "torch", "python", "platform")
FOLDER = Path(__file__).parent


def printed(command: list[str], seconds: float) -> tuple[list[str], int]:
    """The lines that a program printed, shown here as well, and its status; 124 where it ran out of time."""
    print("+", *command, flush=True)
    try:
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        print(output.decode() if isinstance(output, bytes) else output, f"stopped after {seconds} seconds", sep="\n")
        return [], 124
    print(done.stdout, end="", flush=True)
    return done.stdout.splitlines(), done.returncode


def measured(network: str, options: list[str]) -> dict[str, Any]:
    """The facts of `train_step.py`; only `failed` where it did not end well."""
    step = [sys.executable, str(FOLDER / "train_step.py"), "--device", "cuda", "--network", network, *options]
    lines, status = printed(step, SECONDS)
    facts: dict[str, Any] = json.loads(lines[-1]) if status == 0 and lines else {"failed": status}
    return facts


def main() -> None:
    """Measure, test, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("options", nargs="*", help="for train_step.py, after --")
    options = parser.parse_args().options
    if not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA device here")
    networks = {network: measured(network, options) for network in NETWORKS}
    tests = [sys.executable, "-m", "pytest", "-rs", str(FOLDER.parent / "tests" / "cuda")]
    lines, status = printed(tests, TEST_SECONDS)
    machine = {key: facts[key] for facts in networks.values() for key in MACHINE if key in facts}
    figures = {
        **{name: {k: v for k, v in facts.items() if k not in MACHINE} for name, facts in networks.items()},
        "tests": lines[-1] if lines else "",
        "tests_passed": status == 0,
        "capability": ".".join(map(str, torch.cuda.get_device_capability())),
        "cuda": torch.version.cuda,
        **machine,
    }
    print(json.dumps(figures))
    sys.exit(status or any("failed" in facts for facts in networks.values()))


if __name__ == "__main__":
    main()
