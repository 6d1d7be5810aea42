"""Pictures inside the report, and how many bytes they may take."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

MOST_BYTES = 14_000_000
"""What the embedded pictures may take, as base64; beyond it whole pictures are left out, and the report says so."""


@dataclass
class Budget:
    """Counts the bytes of embedded pictures; `left_out` says how many whole pictures found no room."""

    most: int = MOST_BYTES
    used: int = 0
    left_out: int = field(default=0)

    def embed(self, path: Path, *, needed: bool) -> str:
        """The file as a data address, or nothing where it does not fit and is not needed."""
        data = base64.b64encode(path.read_bytes()).decode("ascii")
        if not needed and self.used + len(data) > self.most:
            self.left_out += 1
            return ""
        self.used += len(data)
        return f"data:image/webp;base64,{data}"


def embedded_bytes(paths: Iterable[Path]) -> int:
    """What the files would take as base64."""
    return sum(4 * -(-path.stat().st_size // 3) for path in paths)
