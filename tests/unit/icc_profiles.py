"""ICC profiles for tests, put together by hand from the ICC specification (version 2)."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

Lab = tuple[float, float, float]
_D50 = (0.9642, 1.0, 0.8249)
# Display P3's colorants, adapted to D50, as Apple publishes them.
_P3 = {"rXYZ": (0.5151, 0.2412, -0.0011), "gXYZ": (0.2920, 0.6922, 0.0419), "bXYZ": (0.1571, 0.0666, 0.7841)}


def display_p3() -> bytes:
    """A profile of RGB with P3's primaries and a plain gamma."""
    gamma = b"curv" + struct.pack(">IIH", 0, 1, round(2.2 * 256)) + bytes(2)
    tags = {name: _xyz(values) for name, values in _P3.items()} | dict.fromkeys(("rTRC", "gTRC", "bTRC"), gamma)
    return _profile("mntr", "RGB ", "XYZ ", tags)


def gray_gamma() -> bytes:
    """A profile of gray with gamma 2.2."""
    return _profile("mntr", "GRAY", "XYZ ", {"kTRC": b"curv" + struct.pack(">IIH", 0, 1, round(2.2 * 256)) + bytes(2)})


def printer(lab_of: Callable[[float, float, float, float], Lab]) -> bytes:
    """A profile of CMYK that gives inks from 0 to 1 the colours of `lab_of`; it must be linear in each ink."""
    corners = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    lab = np.array([lab_of(*inks) for inks in corners])
    encoded = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], axis=1)
    table = b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + b"".join(_fixed(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    table += struct.pack(">HH", 2, 2) + struct.pack(">HH", 0, 65535) * 4
    table += encoded.round().astype(">u2").tobytes() + struct.pack(">HH", 0, 65535) * 3
    return _profile("prtr", "CMYK", "Lab ", {"A2B0": table})


def _profile(device: str, space: str, connection: str, tags: dict[str, bytes]) -> bytes:
    name = b"test\0"
    tags = {
        "desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        "cprt": b"text" + bytes(4) + b"none\0",
        "wtpt": _xyz(_D50),
        **tags,
    }
    directory, body = struct.pack(">I", len(tags)), b""
    begin = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        directory += tag.encode() + struct.pack(">II", begin + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4sI", begin + len(body), b"none", 0x02200000) + (device + space + connection).encode()
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(_fixed(v) for v in _D50)
    return header.ljust(128, b"\0") + directory + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_fixed(value) for value in values)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
