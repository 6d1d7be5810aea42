"""The tensors of PyTorch's files: what a pickle says of each, made into a view of the numbers that are in the file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sr_core.errors import SrkitError
from sr_core.published.pickled import Global, Made

_TYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_REBUILT = {Global("torch._utils", name) for name in ("_rebuild_tensor", "_rebuild_tensor_v2")}
_WRAPPED = {
    Global("torch._utils", "_rebuild_parameter"),
    Global("torch._utils", "_rebuild_parameter_with_state"),
    Global("torch.nn.parameter", "Parameter"),
}
_MOST = 2**62
_MOST_AXES = 8
"""Of a tensor; those of networks have 5 at most."""
_WITH_ATTRIBUTES = Global("torch._tensor", "_rebuild_from_type_v2")


@dataclass(frozen=True, slots=True)
class Storage:
    """A row of numbers in a file, as a pickle speaks of it.

    Attributes:
        key: by which the file knows its bytes.
        type_name: `FloatStorage` and the like.
        start: the number among those under `key` with which it begins.
        count: of its numbers.
    """

    key: str
    type_name: str
    start: int
    count: int

    @property
    def dtype(self) -> torch.dtype:
        """The type of its numbers.

        Raises:
            SrkitError: weights are not made of such.
        """
        if self.type_name not in _TYPES:
            raise SrkitError(f"holds numbers of a kind that srkit does not read ({self.type_name[:40]!a})")
        return _TYPES[self.type_name]


def persistent(identity: object) -> object:
    """What an identity in PyTorch's pickles stands for: a storage on any device, or a class beside its source.

    Raises:
        ValueError: it is neither.
    """
    match identity:
        case ("module", Global() as module, *_):
            return module
        case ("storage", Global() as kind, str(key), _, int(count)):
            return Storage(key, kind.name, 0, count)
        case ("storage", Global() as kind, str(key), _, int(count), None):
            return Storage(key, kind.name, 0, count)
        case ("storage", Global() as kind, str(key), _, int(), (_, int(start), int(count))):
            return Storage(key, kind.name, start, count)
    raise ValueError("its pickle speaks of a storage that cannot be")


class Numbers:
    """All numbers of one file, taken out where they are asked for; tensors that share some there share them here.

    Args:
        file_size: in bytes; no tensor is larger.
        bytes_of: what is in the file under a key.
    """

    def __init__(self, file_size: int, bytes_of: Callable[[str], bytes | memoryview]) -> None:
        self._file_size, self._bytes_of = file_size, bytes_of
        self._read: dict[str, Tensor] = {}

    def view(self, storage: Storage, offset: object, size: tuple[object, ...], stride: tuple[object, ...]) -> Tensor:
        """The tensor of that size whose elements lie `stride` apart.

        Raises:
            ValueError: it is not inside the storage, or the storage is not inside the file.
        """
        if len(size) > _MOST_AXES or len(stride) != len(size):
            raise ValueError("a tensor of axes that cannot be")
        first, lengths, steps = _count(offset), [*map(_count, size)], [*map(_count, stride)]
        numbers = self._numbers(storage)
        last = first + sum((length - 1) * step for length, step in zip(lengths, steps, strict=True))
        if not math.prod(lengths):
            return numbers.new_empty(lengths)
        if last >= len(numbers):
            raise ValueError(f"a tensor needs {last + 1} numbers of a storage that has {len(numbers)}")
        if math.prod(lengths) * storage.dtype.itemsize > self._file_size:
            raise ValueError("a tensor is larger than the file")
        return numbers.as_strided(lengths, steps, first)

    def _numbers(self, storage: Storage) -> Tensor:
        if storage.key not in self._read:
            content = bytearray(self._bytes_of(storage.key))
            self._read[storage.key] = (
                torch.frombuffer(content, dtype=torch.uint8) if content else torch.empty(0, dtype=torch.uint8)
            )
        width = storage.dtype.itemsize
        there = self._read[storage.key]
        start, end = _count(storage.start) * width, (storage.start + _count(storage.count)) * width
        if end > len(there):
            raise ValueError(f"a storage of {end} bytes has {len(there)}")
        return there[start:end].view(storage.dtype)


def is_tensor(value: object) -> bool:
    """Whether a pickle would make a tensor there, of whatever kind."""
    if not isinstance(value, Made) or not isinstance(value.maker, Global):
        return False
    maker = value.maker
    is_rebuilt = maker.module in ("torch._utils", "torch._tensor") and maker.name.startswith("_rebuild")
    return is_rebuilt or maker in _WRAPPED or _is_old_tensor(value)


def tensor(value: object, numbers: Numbers) -> Tensor:
    """The tensor that a pickle would make.

    Raises:
        SrkitError: it is of a kind that weights are not made of (sparse, quantised, complex).
        ValueError: what is said of it is damaged.
    """
    if not isinstance(value, Made) or not is_tensor(value):
        raise ValueError("a tensor made of something else")
    if value.maker in _WRAPPED:
        return tensor(value.arguments[0], numbers)
    if value.maker == _WITH_ATTRIBUTES:
        function, _, arguments = value.arguments[:3]
        return tensor(Made(function, _tuple(arguments)), numbers)
    if value.maker not in _REBUILT and not _is_old_tensor(value):
        raise SrkitError(f"is a tensor of a kind that srkit does not read ({value.maker})")
    said = value.arguments if value.maker in _REBUILT else _tuple(value.state)
    storage, offset, size, stride = said[:4]
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    return numbers.view(storage, offset, _tuple(size), _tuple(stride))


def _is_old_tensor(value: Made) -> bool:
    """Whether it is one of PyTorch's first files: an empty tensor whose state is the rest."""
    maker = value.maker
    return isinstance(maker, Global) and maker.module in ("torch", "torch.cuda") and maker.name.endswith("Tensor")


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _MOST:
        raise ValueError("a tensor of a size that cannot be")
    return value


def _tuple(value: object) -> tuple[object, ...]:
    """A tuple, or the `torch.Size` that would be made of it."""
    if isinstance(value, Made) and value.maker == Global("torch", "Size"):
        (value,) = value.arguments
    if not isinstance(value, tuple):
        raise ValueError("a tensor of a size that cannot be")
    return value
