"""Weights as others publish them: what a file is, by its first bytes, and the tensors in it; none of its code runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from sr_core.errors import SrkitError
from sr_core.guard import describe
from sr_core.published.layouts import LONGEST_NAME, find_tensors
from sr_core.published.matconvnet import read_matconvnet
from sr_core.published.tensors import tensor
from sr_core.published.torch_files import TorchFile, read_archive, read_row_of_pickles

_log = logging.getLogger("srkit")

_HDF5 = b"\x89HDF\r\n\x1a\n"
_TAR_AT = 257
_LONGEST_REASON = 300


def read_published(path: Path) -> dict[str, Tensor] | None:
    """The tensors of a file of PyTorch or MatConvNet, by its own names; None where it is neither.

    PyTorch's are what `torch.save` makes of a `state_dict`, of a dictionary around it, or of a whole module. Where a
    file holds several sets of tensors, the log says which was taken.

    Raises:
        SrkitError: it is damaged, or holds something else; says what, and what to do.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        read = _reader(path, file.read(_TAR_AT + 5))
    if read is None:
        return None
    content = path.read_bytes()
    try:
        return _checked(read(content))
    except SrkitError as error:
        raise SrkitError(f"{path}: {error}") from error
    except Exception as error:  # a damaged file can break anything
        reason = describe(error)[:_LONGEST_REASON]
        raise SrkitError(f"{path}: is damaged; fetch or copy it again ({reason})") from error


def _reader(path: Path, head: bytes) -> Callable[[bytes], dict[str, Tensor]] | None:
    """What reads a file that begins so."""
    if head.startswith(b"PK"):
        return lambda content: _of_pytorch(path, read_archive(content))
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return lambda content: _of_pytorch(path, read_row_of_pickles(content))
    if head.startswith(b"MATLAB 5.0"):
        return read_matconvnet
    if head.startswith((b"MATLAB 7.3", _HDF5)):
        raise SrkitError(f"{path}: is in MATLAB's HDF5 form; load it there and save it again with -v7")
    if head[_TAR_AT:] == b"ustar":
        raise SrkitError(
            f"{path}: is in the tar form of 2016's PyTorch; load it with that and save its state_dict anew"
        )
    return None


def _checked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if wrong := [name for name in tensors if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME]:
        raise SrkitError(f"has a tensor whose name is none: {wrong[0][:40]!a}")
    return tensors


def _of_pytorch(path: Path, file: TorchFile) -> dict[str, Tensor]:
    found = find_tensors(file.content)
    if found.others:
        others = ", ".join(map(ascii, found.others))
        _log.warning("%s: took %s; also there: %.200s", path, ascii(found.chosen), others)
    tensors = {}
    for name, value in found.tensors.items():
        try:
            tensors[name] = tensor(value, file.numbers)
        except SrkitError as error:
            raise SrkitError(f"{name[:LONGEST_NAME]!a} in it {error}") from error
    return tensors
