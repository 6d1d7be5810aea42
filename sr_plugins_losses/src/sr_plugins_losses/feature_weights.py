"""Where a feature network's weights come from: the publisher's file, another file or address, or chance."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

from sr_core import SrkitError, cached_path, fetch, read_tensors

RANDOM = "random"
"""The origin of weights that were drawn."""

_log = logging.getLogger("srkit")

_SHOWN = 5
_UNUSED = "num_batches_tracked"
"""How many batches a normalisation has seen: nothing is computed with it, and older files lack it."""


class MissingWeightsError(SrkitError):
    """The published weights are not on this machine, and nobody asked to fetch them."""


@dataclass(frozen=True)
class PublishedWeights:
    """A publisher's file.

    Attributes:
        network: its name in messages.
        url: its address; its name ends with the first digits of its SHA-256.
        publisher: who.
        megabytes: its size, for people.
        classifier: how the names of the tensors begin that turn features into classes; they are left out.
    """

    network: str
    url: str
    publisher: str
    megabytes: int
    classifier: str


def fill(network: nn.Module, published: PublishedWeights, weights: str, checksum: str | None, seed: int) -> str:
    """Give a network its weights.

    Args:
        network: with tensors that may have no memory yet.
        published: its publisher's file.
        weights: `published`, `download`, `random`, an address, or a file.
        checksum: of what an address gives.
        seed: of random weights.

    Returns:
        Where they come from, for people.

    Raises:
        MissingWeightsError: `published` is not in the user's cache.
        SrkitError: the file cannot be had or read, or is another network's.
        ValueError: there is a checksum and no address.
    """
    is_address = weights.startswith(("http://", "https://"))
    if checksum is not None and not is_address:
        raise ValueError("'checksum' belongs to 'weights: https://…'; the published file's own is known")
    if weights == RANDOM:
        _say_that_they_are_random(published.network, seed)
        tensors: Mapping[str, Tensor] = _random_tensors(network, seed)
        origin = RANDOM
    else:
        path = fetch(weights, checksum) if is_address else _file(published, weights)
        tensors = _fitting(network, read_tensors(path), published, path)
        name = path.name if not is_address else weights.rpartition("/")[2]
        origin = f"{published.publisher}'s {name}" if weights in ("published", "download") else name
    own = {name: _as_kept(tensor) for name, tensor in tensors.items()}
    network.load_state_dict(own, assign=True)
    return origin


def _file(published: PublishedWeights, weights: str) -> Path:
    """The file that `weights` stands for."""
    if weights == "download":
        return fetch(published.url)
    if weights == "published":
        path = cached_path(published.url)
        if path.is_file():
            return path
        host = published.url.split("/")[2]
        raise MissingWeightsError(
            f"the weights of '{published.network}' are not on this machine ({path} is missing). Three ways out: "
            f"'weights: download' fetches them from {host} ({published.megabytes} MB); 'weights: FILE' takes a file "
            f"that you have ({published.publisher}'s .pth, or .safetensors); 'weights: random' goes on with random "
            "weights, which judge worse and are named random in log and curves. "
            f"In a spec: {{name: {published.network}, weights: download}}"
        )
    path = Path(weights).expanduser()
    if not path.exists() and path.name == weights and not path.suffix:
        raise SrkitError(f"weights '{weights}': neither a file nor one of published, download, random, https://…")
    return path


def _fitting(
    network: nn.Module, tensors: Mapping[str, Tensor], published: PublishedWeights, path: Path
) -> dict[str, Tensor]:
    """The network's own tensors of a file.

    Raises:
        SrkitError: it is the file of another network; says which tensors differ.
    """
    own = network.state_dict()
    given = {
        name: tensor
        for name, tensor in tensors.items()
        if not name.startswith(published.classifier) and not name.endswith(_UNUSED)
    }
    faults = [f"'{name}' is missing" for name in own if name not in given]
    faults += [f"'{name}' is not part of the network" for name in given if name not in own]
    faults += [
        f"'{name}' is {tuple(given[name].shape)}, the network needs {tuple(value.shape)}"
        for name, value in own.items()
        if name in given and given[name].shape != value.shape
    ]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise SrkitError(f"{path}: not the weights of '{published.network}': {'; '.join(faults[:_SHOWN])}{more}")
    return given


def _as_kept(tensor: Tensor) -> Tensor:
    """Its own float32 memory; convolutions in the layout with which GPUs are fastest in bfloat16."""
    layout = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
    return tensor.detach().to(torch.float32, copy=True, memory_format=layout)


def _random_tensors(network: nn.Module, seed: int) -> dict[str, Tensor]:
    """He's weights for layers before a ReLU (ICCV 2015); normalisations that change nothing."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, value in network.state_dict().items():
        if value.ndim == 4:
            normal = torch.randn(tuple(value.shape), generator=generator)
            tensors[name] = normal * math.sqrt(2 / value[0].numel())
        elif name.endswith("bn3.weight"):
            # The last of a residual branch: at 1, each block of ResNet-50 would double the variance.
            tensors[name] = torch.full(tuple(value.shape), 0.25)
        else:
            one = name.endswith(("weight", "running_var"))
            tensors[name] = torch.full(tuple(value.shape), 1.0 if one else 0.0)
    return tensors


@cache
def _say_that_they_are_random(network: str, seed: int) -> None:
    """Once a program, however many components take the network."""
    _log.warning("%s: its weights are random (seed %d); what it sees was never learned from pictures", network, seed)
