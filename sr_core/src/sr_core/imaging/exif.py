"""EXIF: a camera's notes, read, changed and written again; what is not changed stays as it is, byte for byte.

EXIF is a small TIFF structure: directories of numbered entries, and directories within them. The preview that
cameras keep behind the first directory shows the picture as it was; it is never read, so it is dropped.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from typing import BinaryIO, NamedTuple, Union

ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
CAMERA, POSITION = 34665, 34853
INTEROPERABILITY = 40965

_WIDTHS, _HEIGHTS = (256, 40962, 4097), (257, 40963, 4098)
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_BYTES_OF_KIND = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY_BYTES = 12
_PER_INCH = {2: Fraction(1), 3: Fraction(254, 100)}
MAX_BYTES = 2**22
"""More than this is no camera's; overlapping entries could make gigabytes of a small file."""


class Entry(NamedTuple):
    """One entry: its type by TIFF's numbers, and its values in the byte order of the whole."""

    kind: int
    data: bytes


Directory = Mapping[int, Union[Entry, "Directory"]]


@dataclass(frozen=True)
class Exif:
    """What EXIF says.

    Attributes:
        order: `<` or `>`, the byte order.
        directory: the entries by number, directories within it in their places.
        is_damaged: whether entries had to be left out.
    """

    order: str
    directory: Directory
    is_damaged: bool = False

    @property
    def orientation(self) -> int:
        """How the picture has to be turned, 1 … 8; 1 where that is not said."""
        said = self._number(ORIENTATION)
        return said if said is not None and 1 <= said <= 8 else 1

    @property
    def dpi(self) -> tuple[float, float] | None:
        """(horizontal, vertical) pixels an inch, or None."""
        factor = _PER_INCH.get(self._number(RESOLUTION_UNIT) or 2)
        across, down = self._fraction(X_RESOLUTION), self._fraction(Y_RESOLUTION)
        return (float(across * factor), float(down * factor)) if factor and across and down else None

    def turned_upright(self, *, transposed: bool) -> Exif:
        """The notes of the same picture after it was turned, rows and columns changing places if `transposed`."""
        changed = dict(self.directory)
        if ORIENTATION in changed:
            changed[ORIENTATION] = Entry(_SHORT, struct.pack(f"{self.order}H", 1))
        if transposed and {X_RESOLUTION, Y_RESOLUTION} <= changed.keys():
            changed[X_RESOLUTION], changed[Y_RESOLUTION] = changed[Y_RESOLUTION], changed[X_RESOLUTION]
        return replace(self, directory=changed)

    def with_size(self, height: int, width: int) -> Exif:
        """The notes with every size in pixels that they tell corrected."""
        sizes = {**dict.fromkeys(_WIDTHS, width), **dict.fromkeys(_HEIGHTS, height)}
        entries = {tag: Entry(_LONG, struct.pack(f"{self.order}I", size)) for tag, size in sizes.items()}
        return replace(self, directory=_with_entries(self.directory, entries))

    def to_bytes(self) -> bytes:
        """The notes as they stand in a file, without the letters `Exif` in front."""
        signature = next(key for key, order in _BYTE_ORDERS.items() if order == self.order)
        return signature + struct.pack(f"{self.order}I", 8) + directory_bytes(self.directory, self.order, 8)

    def _number(self, tag: int) -> int | None:
        entry = self.directory.get(tag)
        if not isinstance(entry, Entry) or entry.kind not in (_SHORT, _LONG) or not entry.data:
            return None
        letter = "H" if entry.kind == _SHORT else "I"
        number: int = struct.unpack_from(self.order + letter, entry.data)[0]
        return number

    def _fraction(self, tag: int) -> Fraction | None:
        entry = self.directory.get(tag)
        if not isinstance(entry, Entry) or entry.kind != _RATIONAL or not entry.data:
            return None
        above, below = struct.unpack_from(f"{self.order}II", entry.data)
        return Fraction(above, below) if below else None


def parse_exif(content: bytes) -> Exif:
    """The notes in `content`, with or without the letters `Exif` in front.

    Raises:
        ValueError: it is not EXIF.
    """
    return read_exif(BytesIO(content.removeprefix(b"Exif\0\0")))


def read_exif(stream: BinaryIO, wanted: Container[int] | None = None) -> Exif:
    """The notes that begin where `stream` begins, as they do in a TIFF file too; of that only the `wanted` tags.

    Raises:
        ValueError: it is not EXIF.
    """
    stream.seek(0)
    signature = stream.read(4)
    if signature not in _BYTE_ORDERS:
        raise ValueError("no EXIF signature")
    return _Reader(stream, _BYTE_ORDERS[signature]).whole(wanted)


def _with_entries(directory: Directory, entries: Mapping[int, Entry]) -> Directory:
    """The directory with those of its entries replaced that `entries` has too."""
    return {
        tag: entries.get(tag, value) if isinstance(value, Entry) else _with_entries(value, entries)
        for tag, value in directory.items()
    }


class _Reader:
    """Reads directories from a stream; what is damaged is left out."""

    def __init__(self, stream: BinaryIO, order: str) -> None:
        self._stream = stream
        self._order = order
        self._bytes_left = MAX_BYTES
        self._is_damaged = False

    def whole(self, wanted: Container[int] | None) -> Exif:
        (place,) = struct.unpack(f"{self._order}I", self._exactly(4, 4))
        directory = self._directory(place, (CAMERA, POSITION), wanted)
        return Exif(self._order, directory, self._is_damaged)

    def _directory(self, place: int, inner: Container[int], wanted: Container[int] | None = None) -> Directory:
        (count,) = struct.unpack(f"{self._order}H", self._exactly(place, 2))
        table = self._exactly(place + 2, count * _ENTRY_BYTES)
        found: dict[int, Entry | Directory] = {}
        for tag, kind, number, value in struct.iter_unpack(f"{self._order}HHI4s", table):
            if wanted is not None and tag not in wanted:
                continue
            try:
                found[tag] = self._inner(tag, value) if tag in inner else self._entry(kind, number, value)
            except ValueError:
                self._is_damaged = True
        return found

    def _inner(self, tag: int, value: bytes) -> Directory:
        (place,) = struct.unpack(f"{self._order}I", value)
        return self._directory(place, (INTEROPERABILITY,) if tag == CAMERA else ())

    def _entry(self, kind: int, number: int, value: bytes) -> Entry:
        if kind not in _BYTES_OF_KIND:
            raise ValueError("an unknown type")
        length = _BYTES_OF_KIND[kind] * number
        if length <= len(value):
            return Entry(kind, value[:length])
        return Entry(kind, self._exactly(struct.unpack(f"{self._order}I", value)[0], length))

    def _exactly(self, place: int, length: int) -> bytes:
        if length > self._bytes_left:
            raise ValueError("more than EXIF holds")
        self._bytes_left -= length
        self._stream.seek(place)
        data = self._stream.read(length)
        if len(data) < length:
            raise ValueError("ends early")
        return data


def directory_bytes(directory: Directory, order: str, place: int, rows: tuple[bytes, ...] = ()) -> bytes:
    """A directory as it stands in a file from byte `place` on, what its entries point to behind it.

    Args:
        directory: its entries.
        order: `<` or `>`.
        place: a byte's number; even.
        rows: finished entries of 12 bytes that belong to it as well.
    """
    count = len(directory) + len(rows)
    behind = place + 2 + count * _ENTRY_BYTES + 4
    pieces = bytearray()
    made = list(rows)
    for tag, value in directory.items():
        here = behind + len(pieces)
        if not isinstance(value, Entry):
            kind, number, field = _LONG, 1, struct.pack(f"{order}I", here)
            pieces += directory_bytes(value, order, here)
        else:
            kind, number, field = value.kind, len(value.data) // _BYTES_OF_KIND[value.kind], value.data
            if len(field) > 4:
                field = struct.pack(f"{order}I", here)
                pieces += value.data + bytes(len(value.data) % 2)
        made.append(struct.pack(f"{order}HHI4s", tag, kind, number, field))
    made.sort(key=lambda row: struct.unpack_from(f"{order}H", row))
    return struct.pack(f"{order}H", count) + b"".join(made) + bytes(4) + bytes(pieces)
