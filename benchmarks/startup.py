"""How long `srkit list-plugins` takes as a whole process, and whether it loads torch.

Prints one line of JSON last: `list_plugins_seconds` (median of 7), `torch_loaded`.
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
    """Run the program a few times and print the median."""
    program = Path(sys.executable).with_name("srkit")
    seconds = []
    for run in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run([program, "list-plugins"], check=True, capture_output=True)
        if run:  # the first run warms the file system's cache
            seconds.append(time.perf_counter() - started)
    code = "import sys; from sr_core.cli import main; main(['list-plugins'], standalone_mode=False); "
    code += "sys.exit('torch' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode != 0
    figures = {
        "list_plugins_seconds": round(statistics.median(seconds), 4),
        "torch_loaded": loaded,
        "runs": RUNS,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
