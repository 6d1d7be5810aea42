"""A training's state on disk: tensors in a safetensors file, all else in JSON; nothing is executed on reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sr_core.checkpoint import save_tensors
from sr_core.errors import SrkitError

STATE_FILES = ("state.safetensors", "state.json")


def write_state(folder: Path, state: object) -> None:
    """Write a state into `STATE_FILES` of a folder.

    In JSON a list is a list; `{"tuple": […]}`, `{"dict": [[key, value], …]}` and `{"tensor": name}` stand for what
    JSON does not have: tuples, keys that are no text, and tensors.

    Args:
        folder: an existing one.
        state: nested dicts, lists and tuples of tensors, numbers, texts, truth values and None. A tensor on a device
            is copied to the CPU.

    Raises:
        SrkitError: something else is in it, named by its path.
        OSError: the disk is full.
    """
    tensors: dict[str, Tensor] = {}
    plain = _plain(state, (), tensors)
    tensor_file, text_file = (folder / name for name in STATE_FILES)
    save_tensors(tensor_file, tensors)
    text_file.write_text(json.dumps(plain), encoding="utf-8")


def read_state(folder: Path) -> Any:  # noqa: ANN401 - whatever was written
    """Read what `write_state` wrote, the same to the last bit and in the same layout; tensors are on the CPU.

    Raises:
        SrkitError: a file is missing or damaged.
    """
    tensor_file, text_file = (folder / name for name in STATE_FILES)
    try:
        tensors = load_file(tensor_file)
        return _restored(json.loads(text_file.read_text(encoding="utf-8")), tensors)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SrkitError(f"{folder}: the state in it cannot be read: {error}") from error


def _plain(value: object, path: tuple[object, ...], tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401 - JSON
    """The value as JSON has it; tensors are put aside."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Tensor):
        return _put_aside(value, path, tensors)
    if isinstance(value, list):
        return [_plain(item, (*path, index), tensors) for index, item in enumerate(value)]
    if isinstance(value, tuple):
        return {"tuple": [_plain(item, (*path, index), tensors) for index, item in enumerate(value)]}
    if isinstance(value, Mapping):
        pairs = [[_plain(key, path, tensors), _plain(item, (*path, key), tensors)] for key, item in value.items()]
        return {"dict": pairs}
    raise SrkitError(
        f"the state at '{_spelled(path)}' is a {type(value).__name__}, which cannot be saved; keep tensors, numbers, "
        "texts, and lists, tuples and dicts of them"
    )


def _put_aside(tensor: Tensor, path: tuple[object, ...], tensors: dict[str, Tensor]) -> dict[str, object]:
    if tensor.layout != torch.strided:
        raise SrkitError(f"the state at '{_spelled(path)}' is a sparse tensor, which cannot be saved")
    name = f"{len(tensors)} {_spelled(path)}"  # the number keeps 'a.b' and 'a' with 'b' in it apart
    tensors[name] = tensor
    layout = _layout(tensor)
    return {"tensor": name} if layout is None else {"tensor": name, "strides": layout}


def _layout(tensor: Tensor) -> list[int] | None:
    """Strides worth keeping, as channels-last ones: fused optimisers want their state laid out like the parameters."""
    kept = torch.empty_like(tensor, device="meta").stride()
    plain = torch.empty(tensor.shape, device="meta").stride()
    return None if kept == plain else list(kept)


def _restored(value: Any, tensors: Mapping[str, Tensor]) -> Any:  # noqa: ANN401 - JSON in, anything out
    if isinstance(value, list):
        return [_restored(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        tensor = tensors[value["tensor"]]
        # A copy in any case: what was read may be a view of the file, which is removed some checkpoints later.
        if "strides" not in value:
            return tensor.clone()
        return torch.empty_strided(tensor.shape, value["strides"], dtype=tensor.dtype).copy_(tensor)
    if "tuple" in value:
        return tuple(_restored(item, tensors) for item in value["tuple"])
    return {_restored(key, tensors): _restored(item, tensors) for key, item in value["dict"]}


def _spelled(path: tuple[object, ...]) -> str:
    return ".".join(map(str, path))
