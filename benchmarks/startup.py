"""How long `srkit list-plugins` and `srkit models` take as whole processes, and whether the first loads torch.

Prints one line of JSON last: `list_plugins_seconds` and `models` (seconds, each the median of 7), `torch_loaded`.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7


def main() -> None:
    """Run both commands a few times and print the medians."""
    code = "import sys; from sr_core.cli import main; main(['list-plugins'], standalone_mode=False); "
    code += "sys.exit('torch' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode != 0
    figures = {
        "list_plugins_seconds": round(median_seconds("list-plugins"), 4),
        "models": round(median_seconds("models"), 4),
        "torch_loaded": loaded,
        "runs": RUNS,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    print(json.dumps(figures))


def median_seconds(command: str) -> float:
    """How long the program takes for a command, from its start to its end."""
    program = Path(sys.executable).with_name("srkit")
    seconds = []
    for run in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run([program, command], check=True, capture_output=True)
        if run:  # the first run warms the file system's cache
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
