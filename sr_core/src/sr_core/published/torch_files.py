"""PyTorch's files: the zip archives of today and the rows of pickles before them (until 1.5)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from sr_core.errors import SrkitError
from sr_core.published.pickled import Global, Made, read_pickle
from sr_core.published.tensors import Numbers, Storage, persistent

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_SAVE_TENSORS = "save the network's state_dict with torch.save"


class TorchFile(NamedTuple):
    """What `torch.save` was given, as its pickle tells it, and the numbers beside."""

    content: object
    numbers: Numbers


def read_archive(content: bytes) -> TorchFile:
    """Read a zip archive of `torch.save`.

    Raises:
        SrkitError: another archive.
        ValueError and others: it is damaged.
    """
    archive = zipfile.ZipFile(io.BytesIO(content))
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in entries if name.endswith("data.pkl")]
    if len(pickles) != 1:
        raise SrkitError("is a zip archive, but not one that torch.save wrote")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in entries:
        raise SrkitError(f"is a TorchScript program; {_SAVE_TENSORS} instead")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values()):
        raise SrkitError("is a compressed archive, which torch.save does not write; unpack it, and pack it with zip -0")
    if sum(max(entry.file_size, entry.compress_size) for entry in entries.values()) > len(content):
        raise ValueError("its entries are larger than the file")
    if f"{folder}byteorder" in entries and archive.read(f"{folder}byteorder") != b"little":
        raise SrkitError(f"was written on a big-endian machine; {_SAVE_TENSORS} on another")
    made = read_pickle(io.BytesIO(archive.read(pickles[0])), persistent)
    return TorchFile(made, Numbers(len(content), lambda key: archive.read(f"{folder}data/{key}")))


def read_row_of_pickles(content: bytes) -> TorchFile:
    """Read a file of PyTorch before 1.6, or of `_use_new_zipfile_serialization=False`.

    Raises:
        SrkitError: a pickle, but none of PyTorch's.
        ValueError and others: it is damaged.
    """
    stream = io.BytesIO(content)
    if (first := read_pickle(stream, _nothing)) != _MAGIC:
        raise SrkitError(
            f"is a pickle that torch.save did not write{_of(first)}. Such a file can run code when it is opened, so it "
            f"was not; where you trust it, {_SAVE_TENSORS}"
        )
    version, system = read_pickle(stream, _nothing), read_pickle(stream, _nothing)
    if version != _VERSION or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise SrkitError(f"is of a PyTorch or a machine that srkit does not know; {_SAVE_TENSORS} again")
    widths: dict[str, int] = {}

    def noted(identity: object) -> object:
        meant = persistent(identity)
        if isinstance(meant, Storage):
            widths[meant.key] = meant.dtype.itemsize
        return meant

    made = read_pickle(stream, noted)
    keys = read_pickle(stream, _nothing)
    if not isinstance(keys, list):
        raise ValueError("it has no list of its storages")
    rows = dict(_rows(memoryview(content)[stream.tell() :], keys, widths))
    return TorchFile(made, Numbers(len(content), rows.__getitem__))


def _rows(rest: memoryview, keys: list[object], widths: dict[str, int]) -> Iterator[tuple[str, memoryview]]:
    """The bytes of each storage; they follow one another, each behind the count of its numbers."""
    for key in keys:
        if not isinstance(key, str):
            raise ValueError("it has a storage without a key")
        end = 8 + int.from_bytes(rest[:8], "little") * widths[key]
        if len(rest) < end:
            raise ValueError(f"it lacks {end - len(rest)} bytes of its numbers")
        yield key, rest[8:end]
        rest = rest[end:]


def _nothing(_: object) -> object:
    raise ValueError("its pickle speaks of a storage where there is none")


def _of(made: object) -> str:
    return f" (it would call {made.maker})" if isinstance(made, Made) and isinstance(made.maker, Global) else ""
