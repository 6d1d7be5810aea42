"""Weights files put together by hand, byte by byte: what no program saves, or no longer does."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True)
class Named:
    """A class or function, by name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """What a pickle calls, with what, and the state that it sets on the outcome."""

    maker: Any
    arguments: Any = ()
    state: Any = None


@dataclass(frozen=True)
class Persistent:
    """What is kept outside of the pickle."""

    identity: Any


@dataclass(frozen=True)
class Instructions:
    """As they are."""

    code: bytes


def instructions(value: Any) -> bytes:
    """What leaves `value` on the stack."""
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"L%dL\n" % value
        case str():
            text = value.encode()
            return b"X" + struct.pack("<I", len(text)) + text
        case tuple():
            return b"(" + b"".join(map(instructions, value)) + b"t"
        case list():
            return b"](" + b"".join(map(instructions, value)) + b"e"
        case dict():
            return b"}(" + b"".join(instructions(key) + instructions(held) for key, held in value.items()) + b"u"
        case Named():
            return f"c{value.module}\n{value.name}\n".encode()
        case Call():
            made = instructions(value.maker) + instructions(value.arguments) + b"R"
            return made if value.state is None else made + instructions(value.state) + b"b"
        case Persistent():
            return instructions(value.identity) + b"Q"
        case Instructions():
            return value.code
    raise TypeError(value)


def pickled(value: Any) -> bytes:
    """A pickle of `value`."""
    return b"\x80\x02" + instructions(value) + b"."


def archived(value: Any, storages: Mapping[str, bytes] | None = None, **entries: bytes) -> bytes:
    """As torch.save writes today."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(value))
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)
        for name, content in entries.items():
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def in_a_row(value: Any, storages: Mapping[str, bytes] | None = None, width: int = 4, version: int = 1001) -> bytes:
    """As torch.save wrote until PyTorch 1.5."""
    rows = [MAGIC, version, {"little_endian": True, "type_sizes": {"int": 4}}, value, list(storages or {})]
    numbers = [struct.pack("<Q", len(content) // width) + content for content in (storages or {}).values()]
    return b"".join([*map(pickled, rows), *numbers])


def storage(
    key: str = "0", count: Any = 6, kind: str = "FloatStorage", *more: Any, location: str = "cpu"
) -> Persistent:
    """What a tensor's numbers are called."""
    return Persistent(("storage", Named("torch", kind), key, location, count, *more))


def tensor(of: Any = None, size: Any = (2, 3), stride: Any = (3, 1), offset: Any = 0) -> Call:
    """A tensor as PyTorch has saved them since 0.4."""
    arguments = (of or storage(), offset, size, stride, False, Call(Named("collections", "OrderedDict")))
    return Call(Named("torch._utils", "_rebuild_tensor_v2"), arguments)


def module(parameters: Any = None, modules: Any = None, name: str = "Net", buffers: Any = None, **state: Any) -> Call:
    """A module saved whole, of a class that is nowhere."""
    held = {"_parameters": parameters or {}, "_buffers": buffers or {}, "_modules": modules or {}, **state}
    return Call(Named("nowhere.to.be.found", name), (), held)


SIX = np.arange(6, dtype="<f4").tobytes()
"""The numbers of `tensor()`."""


def element(kind: int, content: bytes) -> bytes:
    """A part of MATLAB's files."""
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matrix(of_class: int, size: tuple[int, ...], content: bytes, name: bytes = b"") -> bytes:
    """An array of MATLAB's files."""
    flags, axes = struct.pack("<II", of_class, 0), struct.pack(f"<{len(size)}i", *size)
    return element(14, element(6, flags) + element(5, axes) + element(1, name) + content)


def mat(*parts: bytes, order: bytes = b"IM") -> bytes:
    """MATLAB's file of these parts."""
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01" + order + b"".join(parts)
