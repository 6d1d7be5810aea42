"""Weights files: tensors in, a network that has them out; nothing in a file is ever executed."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file

from sr_core.errors import SrkitError
from sr_core.interfaces.model import Model

_SHOWN_NAMES = 5


def load_weights(model: Model, path: Path) -> None:
    """Fill a network with the tensors of a safetensors file, by the names of its state dict.

    Raises:
        SrkitError: the file is missing or no safetensors file, or its tensors are not this network's.
    """
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise SrkitError(f"{path}: no such file") from error
    except (OSError, SafetensorError) as error:
        raise SrkitError(f"{path}: not a safetensors file ({error})") from error
    own = model.state_dict()
    faults = [f"'{name}' is missing" for name in own if name not in tensors]
    faults += [f"'{name}' is not part of the network" for name in tensors if name not in own]
    faults += [
        f"'{name}' is {tuple(tensors[name].shape)}, the network needs {tuple(own[name].shape)}"
        for name in own
        if name in tensors and tensors[name].shape != own[name].shape
    ]
    if faults:
        more = f", and {len(faults) - _SHOWN_NAMES} more" if len(faults) > _SHOWN_NAMES else ""
        raise SrkitError(f"{path}: the weights of another network: {'; '.join(faults[:_SHOWN_NAMES])}{more}")
    model.load_state_dict(tensors)
