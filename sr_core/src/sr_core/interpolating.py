"""Network interpolation: weights between those of two trainings of one network (Wang et al., ESRGAN and DNI)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import JsonValue
from torch import Tensor

from sr_core.checkpoint import WeightsCard, shortened
from sr_core.errors import SrkitError
from sr_core.scales import Scale


class Trained(NamedTuple):
    """One end of an interpolation.

    Attributes:
        path: the file, for messages; the card of a result keeps its name alone.
        tensors: by the names of the network's state dict.
        card: which network they are.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    card: WeightsCard


def interpolate(first: Mapping[str, Tensor], second: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """(1 − alpha) · first + alpha · second, tensor by tensor.

    Tensors of whole numbers, as a count of batches, cannot lie between: they are those of `second`. One tensor under
    several names in both is one in the result.

    Args:
        first: name → tensor, as a network trained for PSNR.
        second: the same names and shapes, as that network trained on with a GAN.
        alpha: 0 … 1; ESRGAN's pictures are made with 0.8.

    Returns:
        New floating-point tensors, computed in float64 and kept in the wider of the two types.

    Raises:
        SrkitError: alpha is outside 0 … 1, or the names or shapes differ; says which.

    Source: Wang et al., ESRGAN, ECCVW 2018, section 3.4; Wang et al., Deep network interpolation, CVPR 2019.

    >>> interpolate({"weight": torch.tensor([0.0, 1.0])}, {"weight": torch.tensor([1.0, 1.0])}, 0.75)
    {'weight': tensor([0.7500, 1.0000])}
    """
    if not 0 <= alpha <= 1:
        raise SrkitError(f"alpha is between 0 (the first weights) and 1 (the second), not {alpha:g}")
    if faults := _differing(first, second):
        raise SrkitError(f"these are not the weights of one network: {shortened(faults)}")
    made: dict[tuple[int, int], Tensor] = {}
    between: dict[str, Tensor] = {}
    for name, start in first.items():
        end = second[name]
        pair = (id(start), id(end))
        if pair not in made:
            made[pair] = _between(start, end, alpha) if start.is_floating_point() and end.is_floating_point() else end
        between[name] = made[pair]
    return between


def interpolate_trained(first: Trained, second: Trained, alpha: float) -> tuple[dict[str, Tensor], WeightsCard]:
    """`interpolate` of two weights files, with a card that says what the result was made of.

    Raises:
        SrkitError: they are not of one network, or alpha is outside 0 … 1.
    """
    check_pair(first, second)
    tensors = interpolate(first.tensors, second.tensors, alpha)
    made_of: dict[str, JsonValue] = {"alpha": alpha, "first": _origin(first), "second": _origin(second)}
    update = {"scales": _common_scales(first, second), "spec": {"interpolated": made_of}, "aliases": {}}
    return tensors, second.card.model_copy(update=update)


def check_pair(first: Trained, second: Trained) -> None:
    """Refuse two weights files that are not of one network.

    Raises:
        SrkitError: component, parameters, planes, scales or tensors differ; says in what.
    """
    one, other = first.card, second.card
    if one.qualified_name != other.qualified_name:
        faults = [f"the first is of {_named(one)}, the second of {_named(other)}"]
    elif one.parameters != other.parameters:
        faults = _unequal_parameters(one.parameters, other.parameters)
    elif one.channels != other.channels:
        faults = [f"the first takes {one.channels}, the second {other.channels}"]
    elif one.scales and other.scales and not set(one.scales) & set(other.scales):
        faults = ["they were trained for different scales"]
    else:
        faults = _differing(first.tensors, second.tensors)
    if faults:
        raise SrkitError(f"{first.path} and {second.path} are not weights of one network: {shortened(faults)}")


def _between(start: Tensor, end: Tensor, alpha: float) -> Tensor:
    if alpha in (0, 1):  # to the bit, whatever is not finite in the other
        end = end if alpha else start
        return end.to(torch.promote_types(start.dtype, end.dtype), copy=True)
    blend = (1 - alpha) * start.double() + alpha * end.double()
    return blend.to(torch.promote_types(start.dtype, end.dtype))


def _differing(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> list[str]:
    faults = [f"the second lacks '{name}'" for name in first if name not in second]
    faults += [f"the first lacks '{name}'" for name in second if name not in first]
    faults += [
        f"'{name}' is {tuple(first[name].shape)} in the first, {tuple(second[name].shape)} in the second"
        for name in first
        if name in second and first[name].shape != second[name].shape
    ]
    return faults


def _unequal_parameters(first: Mapping[str, JsonValue], second: Mapping[str, JsonValue]) -> list[str]:
    names = [*first, *(name for name in second if name not in first)]
    return [
        f"'{name}' is {_shown(first, name)} in the first, {_shown(second, name)} in the second"
        for name in names
        if name not in first or name not in second or first[name] != second[name]
    ]


def _shown(parameters: Mapping[str, JsonValue], name: str) -> str:
    return json.dumps(parameters[name]) if name in parameters else "left out"


def _named(card: WeightsCard) -> str:
    return f"'{card.component}' of {card.distribution}"


def _common_scales(first: Trained, second: Trained) -> tuple[Scale, ...]:
    known = first.card.scales or second.card.scales
    return tuple(scale for scale in second.card.scales or known if scale in known)


def _origin(trained: Trained) -> dict[str, JsonValue]:
    return {"file": trained.path.name, "spec": dict(trained.card.spec)}
