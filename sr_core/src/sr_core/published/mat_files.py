"""MATLAB's files of `save -v7` and before, as far as networks are kept in them: numbers, texts, cells and structures.

SciPy's reader trusts the counts in a file: a damaged one makes it write where it must not, and ends the interpreter.
Here every part is cut out of the part around it, and no count reaches further.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias, Union

import numpy as np

from sr_core.errors import SrkitError

Structure: TypeAlias = dict[str, "Value"]
Value: TypeAlias = Union[np.ndarray, str, list["Value"], list[Structure], None]  # noqa: UP007 - it names itself
"""Numbers on MATLAB's axes, a text, the elements of a cell or of a structure array by columns; None for all else."""

_HEADER_BYTES = 128
_SMALL_FILE = 64 * 2**20
_MOST_UNPACKED = 16
"""How many times a file may grow when it is unpacked; weights hardly do, but the zeros beside them in a training."""
_DEEPEST = 50
_MOST_AXES = 32
_MOST_PARTS = 200_000
"""In a file; a parameter takes some 25, with its name, its rate and its decay."""
_MOST_FIELDS = 1000
"""Of a structure."""
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCTURE, _TEXT, _OPAQUE = 1, 2, 4, 17
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBERS = {6: "f8", 7: "f4", **dict.fromkeys(range(8, 16))}
"""MATLAB's classes of numbers; whole ones are left as they are stored."""
_COMPLEX = 0x0800


class _Part(NamedTuple):
    """A piece of a file, and what its tag says that it is."""

    kind: int
    content: memoryview


def read_mat(content: bytes) -> dict[str, Value]:
    """The variables of a file.

    Raises:
        SrkitError: it unpacks to far more than weights do.
        ValueError and others: it is damaged.
    """
    return dict(_MatFile(content).variables())


class _MatFile:
    """One file being read, which may not become much larger on the way."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._order = {b"IM": "<", b"MI": ">"}[content[_HEADER_BYTES - 2 : _HEADER_BYTES]]
        self._bytes_left = _SMALL_FILE + _MOST_UNPACKED * len(content)
        self._parts_left = _MOST_PARTS

    def variables(self) -> Iterator[tuple[str, Value]]:
        """Name and value of each."""
        for part in self._parts(self._content[_HEADER_BYTES:]):
            (matrix,) = self._parts(self._unpacked(part.content)) if part.kind == _COMPRESSED else (part,)
            yield self._matrix(matrix, 0)

    def _parts(self, content: memoryview) -> Iterator[_Part]:
        """What lies one behind the other in a piece of the file."""
        while len(content) >= 8:
            kind, length = struct.unpack_from(f"{self._order}II", content)
            if kind >> 16:  # so short that it stands in its own tag
                kind, length, start, end = kind & 0xFFFF, kind >> 16, 4, 8
            else:
                start, end = 8, 8 + length + (0 if kind == _COMPRESSED else -length % 8)
            if start + length > min(end, len(content)):
                raise ValueError("a part that is longer than what it is a part of")
            self._parts_left -= 1
            if self._parts_left < 0:
                raise SrkitError(f"has more than {_MOST_PARTS} parts; save the network alone")
            yield _Part(kind, content[start : start + length])
            content = content[end:]

    def _unpacked(self, packed: memoryview) -> memoryview:
        content = zlib.decompressobj().decompress(packed, self._bytes_left)
        self._grown_by(len(content))
        return memoryview(content)

    def _grown_by(self, count: int) -> None:
        self._bytes_left -= count
        if self._bytes_left <= 0:
            raise SrkitError("unpacks to far more than a network's weights do; save the network alone with -v6")

    def _matrix(self, part: _Part, depth: int) -> tuple[str, Value]:
        """Name and value of an array of any class."""
        if part.kind != _MATRIX or depth > _DEEPEST:
            raise ValueError("an array that is none, or is too deep inside others")
        if not part.content:
            return "", np.empty((0, 0))
        flags, *parts = self._parts(part.content)
        flag = struct.unpack_from(f"{self._order}I", flags.content)[0]
        if flag & 0xFF == _OPAQUE:
            return str(parts[0].content, "latin-1"), None
        axes, name, *parts = parts
        if len(axes.content) > 4 * _MOST_AXES:
            raise ValueError("an array of more axes than can be")
        size = tuple(struct.unpack(f"{self._order}{len(axes.content) // 4}i", axes.content))
        if min(size) < 0:
            raise ValueError("an array of a size that cannot be")
        return str(name.content, "latin-1"), self._value(flag, size, parts, depth)

    def _value(self, flag: int, size: tuple[int, ...], parts: list[_Part], depth: int) -> Value:
        of_class = flag & 0xFF
        if of_class == _CELL:
            return self._matrices(parts, math.prod(size), depth)
        if of_class == _STRUCTURE:
            length, names, *values = parts
            fields = self._names(names.content, struct.unpack(f"{self._order}i", length.content)[0])
            inside = self._matrices(values, math.prod(size) * len(fields), depth)
            rows = range(0, len(inside), len(fields) or 1)
            return [dict(zip(fields, inside[row : row + len(fields)], strict=True)) for row in rows]
        if of_class == _TEXT:
            return self._text(parts[0]) if parts else ""
        if of_class in _NUMBERS and not flag & _COMPLEX:
            (numbers,) = parts
            stored = np.frombuffer(numbers.content, self._order + _STORED[numbers.kind])
            as_numbers = np.dtype(_NUMBERS[of_class] or _STORED[numbers.kind])
            self._grown_by(max(0, stored.size * as_numbers.itemsize - stored.nbytes))  # MATLAB stores what is short so
            return stored.astype(as_numbers).reshape(size, order="F")
        return None

    def _matrices(self, parts: list[_Part], count: int, depth: int) -> list[Value]:
        if count != len(parts):
            raise ValueError(f"{len(parts)} elements where {count} should be")
        return [self._matrix(part, depth + 1)[1] for part in parts]

    def _names(self, content: memoryview, length: int) -> list[str]:
        """The names of fields, each filled up to `length` with zeros."""
        if len(content) > _MOST_FIELDS * max(length, 1):
            raise ValueError("a structure of too many fields")
        text = str(content, "latin-1")
        return [text[start : start + length].rstrip("\0") for start in range(0, len(text), length)]

    def _text(self, part: _Part) -> str:
        if part.kind in (4, 17):
            return str(part.content, "utf-16-le" if self._order == "<" else "utf-16-be", "replace")
        return str(part.content, "utf-8", "replace")
