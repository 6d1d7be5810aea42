"""Weights files: tensors, and a card that says which network they are; nothing in a file is ever executed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from sr_core.atomic import atomic_write, sync
from sr_core.errors import SrkitError
from sr_core.guard import guarded
from sr_core.interfaces.capabilities import Channels
from sr_core.published.reading import read_published

_CARD = "srkit"
"""The one metadata key: safetensors writes several in changing order, and equal weights are to be equal files."""
_SHOWN_NAMES = 5


class WeightsCard(BaseModel):
    """What a weights file says of its network; enough to rebuild it.

    Attributes:
        format: of the card; fields are only ever added to one format.
        component: the model's registered name.
        distribution: who published it.
        parameters: every argument of its constructor as plain values; nested components as references.
        scales: what it was trained for; a number each, or (vertical, horizontal).
        channels: the planes it takes.
        spec: how it was trained, without any file's path.
        aliases: tensors that are stored once under another name, because the network shares them.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    format: Literal[1] = 1
    component: str
    distribution: str
    parameters: dict[str, JsonValue] = {}
    scales: tuple[int | float | tuple[int | float, int | float], ...] = ()
    channels: Channels = "y"
    spec: dict[str, JsonValue] = {}
    aliases: dict[str, str] = {}

    @property
    def qualified_name(self) -> str:
        """`distribution:name`, which is never ambiguous."""
        return f"{self.distribution}:{self.component}"


@dataclass(frozen=True)
class Weights:
    """What a weights file holds.

    Attributes:
        tensors: by the names of the network's state dict, shared ones under each of their names; on the CPU.
        card: which network they are; None in a file that another tool wrote.
    """

    tensors: Mapping[str, Tensor]
    card: WeightsCard | None


def read_weights(path: Path) -> Weights:
    """Read a safetensors file, or one of PyTorch or MatConvNet (`published.reading` says which), without running it.

    Raises:
        SrkitError: the file is missing, damaged, holds no weights, or was written by a newer srkit.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError as error:
        raise SrkitError(f"{path}: no such file") from error
    except SafetensorError as error:
        return Weights(_published(path, error), card=None)
    except OSError as error:
        raise _unreadable(path, error) from error
    card = _card(path, metadata[_CARD]) if _CARD in metadata else None
    for name, stored in (card.aliases if card else {}).items():
        if stored not in tensors:
            raise SrkitError(f"{path}: damaged: '{name}' is stored as '{stored}', which is not there")
        tensors[name] = tensors[stored]
    return Weights(tensors, card)


def read_tensors(path: Path | str) -> Mapping[str, Tensor]:
    """The tensors of a weights file by its own names, on the CPU: safetensors, PyTorch's `.pth`, or MatConvNet's.

    Nothing in the file is executed.

    Raises:
        SrkitError: the file is missing, damaged, or holds no weights.
    """
    return read_weights(Path(path)).tensors


def write_weights(path: Path, network: nn.Module | Mapping[str, Tensor], card: WeightsCard) -> None:
    """Write a network's tensors and its card; the file appears whole or not at all, and is on the disk on return.

    Tensors keep their type and are stored in plain layout on no device; shared ones are stored once. Equal weights
    with equal cards are equal files, byte for byte.

    Args:
        path: the file; missing folders are made.
        network: the network, or its state dict.
        card: which network it is; `aliases` are found here.

    Raises:
        SrkitError: the file cannot be written (a full disk), or the network has a state that is no tensor.
    """
    state = network.state_dict() if isinstance(network, nn.Module) else network
    tensors, aliases = _stored_once(state)
    text = json.dumps(card.model_copy(update={"aliases": aliases}).model_dump(mode="json"), sort_keys=True)
    try:
        with atomic_write(path) as partial:
            save_tensors(partial, tensors, {_CARD: text})
            sync(partial)
        sync(path.parent)
    except OSError as error:
        raise SrkitError(f"{path}: the weights cannot be written: {error}") from error


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with the tensors of a file, by the names of its state dict.

    Raises:
        SrkitError: the file cannot be read, or its tensors are not this network's; names the differing ones.
    """
    fill(network, read_weights(path), path)


def fill(network: nn.Module, weights: Weights, path: Path) -> None:
    """Like `load_weights`, for a file that is read already; `path` is for messages."""
    if faults := differences(network, weights.tensors):
        raise SrkitError(f"{path}: the weights of another network: {shortened(faults)}")
    with guarded(f"{path}: the network refused the weights"):
        network.load_state_dict(dict(weights.tensors))


def differences(network: nn.Module, tensors: Mapping[str, Tensor]) -> list[str]:
    """What keeps `tensors` from being this network's, a sentence for each differing name; empty where they fit."""
    own = {name: value for name, value in network.state_dict().items() if isinstance(value, Tensor)}
    faults = [f"'{name}' is missing" for name in own if name not in tensors]
    faults += [f"'{name}' is not part of the network" for name in tensors if name not in own]
    faults += [
        f"'{name}' is {tuple(tensors[name].shape)}, the network needs {tuple(own[name].shape)}"
        for name in own
        # A lazy tensor takes the shape that comes.
        if name in tensors and not is_lazy(own[name]) and tensors[name].shape != own[name].shape
    ]
    return faults


def shortened(faults: list[str], separator: str = "; ") -> str:
    """The first few in one line."""
    more = f", and {len(faults) - _SHOWN_NAMES} more" if len(faults) > _SHOWN_NAMES else ""
    return separator.join(faults[:_SHOWN_NAMES]) + more


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file: tensors in plain layout, wherever they are and whatever memory they share.

    Raises:
        OSError: the disk is full, or the folder cannot be written to.
    """
    plain: dict[str, Tensor] = {}
    memories: set[int] = set()
    for name, tensor in tensors.items():
        held = tensor.detach().cpu().contiguous()
        memory = held.untyped_storage().data_ptr()
        plain[name] = held.clone() if memory in memories else held  # safetensors refuses shared memory
        memories.add(memory)
    path.touch()
    mode = path.stat().st_mode
    try:
        save_file(plain, path, dict(metadata) if metadata else None)
    except SafetensorError as error:
        raise OSError(str(error)) from error
    path.chmod(mode)  # safetensors makes a new file that nobody else may read


def _stored_once(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors to store, and shared name → stored name."""
    tensors: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    names: dict[object, str] = {}
    for name, value in state.items():
        if not isinstance(value, Tensor) or value.is_sparse or is_lazy(value):
            raise SrkitError(f"'{name}' of the network is no plain tensor; a weights file holds nothing else")
        identity = (value.data_ptr(), value.dtype, value.shape, value.stride()) if value.numel() else name
        if identity in names:
            aliases[name] = names[identity]
            continue
        names[identity] = name
        tensors[name] = value
    return tensors, aliases


def _card(path: Path, text: str) -> WeightsCard:
    try:
        return WeightsCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if where == "format":
            raise SrkitError(f"{path}: written by a newer srkit, whose weights files this one does not know") from error
        raise SrkitError(f"{path}: the card in it is damaged: {where}: {first['msg']}") from error


def _published(path: Path, refusal: SafetensorError) -> Mapping[str, Tensor]:
    """The tensors of a file that safetensors refused."""
    try:
        tensors = read_published(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if tensors is None:
        raise SrkitError(f"{path}: not a safetensors file ({refusal}), nor one of PyTorch or MatConvNet")
    return tensors


def _unreadable(path: Path, error: OSError) -> SrkitError:
    if path.is_dir():
        return SrkitError(f"{path}: is a folder; give the weights file in it")
    return SrkitError(f"{path}: cannot be read: {error}")
