"""Networks of MatConvNet in MATLAB's files, their filters as PyTorch lays them out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sr_core.errors import SrkitError
from sr_core.published.mat_files import Structure, Value, read_mat

_WEIGHTS = ("weight", "bias", "moments")
"""What the `weights` of a layer are, in their order; a batch normalisation has the third."""
_OLD_FIELDS = {"filters": "weight", "biases": "bias"}


def read_matconvnet(content: bytes) -> dict[str, Tensor]:
    """The tensors of a network in one of three forms; numbers in names count from 0.

    SimpleNN (`net.layers{i}.weights`): `layers.i.weight` and `layers.i.bias`, where layers without weights count too.
    DagNN (`net.params(i).name` and `.value`): the names in it. Cells `weight{i}` and `bias{i}` of a structure, as the
    authors of VDSR published theirs: `weight.i` and `bias.i`.

    Filters h×w×in×out become out×in×h×w; those of transposed convolutions, h×w×out×in, thereby become in×out×h×w.
    Rows and columns become vectors.

    Raises:
        SrkitError: none of these is in it, or more than one.
        ValueError and others: it is damaged.
    """
    variables = read_mat(content)
    found = {name: tensors for name, value in variables.items() if (tensors := dict(_tensors(value)))}
    if len(found) != 1:
        shown = ", ".join(map(ascii, found or variables))
        there = "several networks" if found else "no network of MatConvNet"
        raise SrkitError(f"holds {there} (its variables: {shown:.200}); save one alone, as a structure")
    return next(iter(found.values()))


def _tensors(variable: Value) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a variable; none where it is no network."""
    for net in _structures(variable)[:1]:
        for parameter in _structures(net.get("params")):
            if isinstance(name := parameter.get("name"), str):
                yield from _named(name, parameter.get("value"))
        for index, layer in enumerate(_cells(net.get("layers"))):
            for structure in _structures(layer):
                of_layer = dict(zip(_WEIGHTS, _cells(structure.get("weights")), strict=False))
                of_layer |= {name: structure[field] for field, name in _OLD_FIELDS.items() if field in structure}
                for name, value in of_layer.items():
                    yield from _named(f"layers.{index}.{name}", value)
        for part in ("weight", "bias"):
            for index, value in enumerate(_cells(net.get(part))):
                yield from _named(f"{part}.{index}", value)


def _structures(value: Value) -> list[Structure]:
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def _cells(value: Value) -> list[Value]:
    return [element for element in value if not isinstance(element, dict)] if isinstance(value, list) else []


def _named(name: str, value: Value) -> Iterator[tuple[str, Tensor]]:
    """The tensor of that name, where there are numbers."""
    if isinstance(value, np.ndarray) and value.size:
        yield name, torch.from_numpy(np.ascontiguousarray(_as_pytorch(value)))


def _as_pytorch(value: np.ndarray) -> np.ndarray:
    """A filter on PyTorch's axes, or a vector; MATLAB leaves out last axes of 1, and knows no vectors."""
    is_filter = value.ndim > 2 or 1 < value.shape[0] == value.shape[1]
    if is_filter and value.ndim <= 4:
        return value.reshape(value.shape + (1,) * (4 - value.ndim), order="F").transpose(3, 2, 0, 1)
    return value.ravel() if value.ndim == 2 and 1 in value.shape else value
