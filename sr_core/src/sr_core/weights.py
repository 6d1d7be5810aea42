"""Weights files and what is installed: the network that a file's card names, and whose weights a file holds."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from sr_core.building import build, resolved_parameters
from sr_core.checkpoint import Weights, WeightsCard, differences, fill, read_weights, shortened
from sr_core.component import Component
from sr_core.discovery import discover
from sr_core.errors import SrkitError
from sr_core.guard import guarded
from sr_core.inference.on_meta import constructing_on_meta
from sr_core.interfaces.model import Model
from sr_core.parameters import ComponentReference, parameter_model
from sr_core.published.layouts import plain_names
from sr_core.registry import Registry
from sr_core.scales import Scale, describe_scale

_log = logging.getLogger("srkit")

_SCALES_TO_TRY: tuple[Scale, ...] = (2, 3, 4, 8)


def load_model(path: Path | str) -> Model:
    """The network of a weights file, rebuilt from the card in it, on the CPU and ready to be used.

    Args:
        path: a safetensors file that srkit wrote, as `checkpoints/final/weights.safetensors` of a run.

    Raises:
        SrkitError: the file cannot be read, holds no card, or its component is not installed.
    """
    return rebuild(discover().registry, Path(path)).model


class Rebuilt(NamedTuple):
    """What came out of a weights file.

    Attributes:
        model: the network, on the CPU and ready to be used.
        component: whose it is.
        card: what the file says of it.
    """

    model: Model
    component: Component
    card: WeightsCard

    @property
    def only_scale(self) -> Scale | None:
        """The scale of a network that was trained for one alone."""
        return only_scale(self.card)


def only_scale(card: WeightsCard) -> Scale | None:
    """The scale of weights that were trained for one alone."""
    return card.scales[0] if len(card.scales) == 1 else None


def rebuild(registry: Registry, path: Path) -> Rebuilt:
    """The network that a weights file's card names, filled with its tensors.

    Raises:
        SrkitError: the file cannot be read, there is no card in it, its component is not installed or cannot be
            built, or the tensors do not fit.
    """
    weights = read_weights(path)
    if weights.card is None:
        name = f"name the network: {{model: NAME, weights: {path.name}}}, or --model NAME --weights {path.name}"
        nearest = nearest_architecture(registry, weights.tensors)
        raise SrkitError(f"{path}: holds tensors but does not say of which network; {name}. {nearest}")
    card = weights.card
    if not registry.has("model", card.qualified_name):
        raise SrkitError(f"{path}: the weights of {_named(card)}, which is not installed")
    reference = ComponentReference.of(card.qualified_name, card.parameters)
    try:
        model: Model = build(registry, "model", reference)
    except SrkitError as error:
        raise SrkitError(f"{path}: the network of its card cannot be built: {error}") from error
    fill(model, weights, path)
    return Rebuilt(model.eval(), registry.get("model", card.qualified_name), card)


def load_into(
    registry: Registry,
    reference: ComponentReference,
    model: Model,
    path: Path,
    filled: Mapping[str, Any],
    *,
    is_variant: bool = False,
) -> None:
    """Fill a network that a spec names with the tensors of a weights file.

    A file without srkit's card may call them otherwise: the network's `adopt` is asked.

    Args:
        registry: what is installed, to say whose weights they are where they do not fit.
        reference: the network's name and parameters.
        model: the network built.
        path: the file.
        filled: what the run's spec says for arguments that the core fills.
        is_variant: whether a variant was chosen; otherwise, without parameters, the log says which others fit too.

    Raises:
        SrkitError: the file cannot be read, or it holds the weights of another network; names the differing tensors
            and the nearest architecture.
    """
    read = read_weights(path)
    card, weights = read.card, _under_own_names(model, read, path, f"'{reference.name}'")
    faults = differences(model, weights.tensors)
    component = registry.get("model", reference.name)
    if card is not None and card.component != component.name:
        faults.insert(0, f"they are of {_named(card)}")
    if not faults:
        fill(model, weights, path)
        if card is None and not reference.parameters and not is_variant:
            _say_what_else_fits(registry, component, read.tensors, filled, path)
        return
    if card is None:
        whose = nearest_architecture(registry, read.tensors, filled)
    else:
        own = resolved_parameters(registry, "model", reference, filled) if card.component == component.name else {}
        whose = _as_its_card_says(card, path, {k: v for k, v in card.parameters.items() if k not in own or own[k] != v})
    raise SrkitError(f"{path}: the weights of another network: {shortened(faults)}. {whose}")


def load_what_fits(model: Model, path: Path) -> str:
    """Fill a network with those tensors of a weights file that have a name and shape of its own.

    Returns:
        What was taken over and what was not, in one sentence.

    Raises:
        SrkitError: the file cannot be read, or nothing in it fits.
    """
    weights = _under_own_names(model, read_weights(path), path, "the network")
    given = weights.tensors
    own = model.state_dict()
    fitting = {name: tensor for name, tensor in given.items() if name in own and tensor.shape == own[name].shape}
    if not fitting:
        raise SrkitError(f"{path}: none of its tensors fits the network: {shortened(differences(model, given))}")
    fill(model, Weights({**own, **fitting}, weights.card), path)
    anew = [f"'{name}'" for name in own if name not in fitting]
    rest = f"; these start anew: {shortened(anew, ', ')}" if anew else ""
    return f"{path.name}: {len(fitting)} of the network's {len(own)} tensors were taken over{rest}"


def _under_own_names(model: Model, weights: Weights, path: Path, whose: str) -> Weights:
    """Weights as srkit wrote them; those of others as the network adopts them."""
    if weights.card is not None:
        return weights
    with guarded(f"{path}: {whose} cannot adopt its tensors"):
        return Weights(_adopted(model, weights.tensors), None)


def _adopted(model: Model, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The tensors of a file without a card, under the names that fit the network best.

    They are tried as they are, without what wrappers put into names, and renamed by the network. Its counts of batches,
    which old files lack and nothing is computed with, stay its own.
    """
    plain = plain_names(tensors)
    forms = [tensors, plain, dict(model.adopt(plain))]
    counts = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    return min(({**counts, **form} for form in forms), key=lambda form: len(differences(model, form)))


def nearest_architecture(
    registry: Registry, tensors: Mapping[str, Tensor], filled: Mapping[str, Any] | None = None
) -> str:
    """Which installed network, with its defaults or as a variant, has most of these tensors by name and shape.

    Returns:
        One sentence, with what to write in a spec for a variant.
    """
    best, best_count, best_extra = "", 0, 0
    for component in registry.all("model"):
        variants = {"": {}, **{name: made for name, made in component.configurations.items() if made}}
        for scale, (variant, parameters) in product(_scales_to_try(component, filled), variants.items()):
            with contextlib.suppress(SrkitError):  # one that cannot be built so is no candidate
                at_scale = {**(filled or {}), "scale": scale, "scales": [scale]}
                network = _without_memory(registry, component, parameters, at_scale)
                count, size = _fitting(network, tensors)
                if (count, -size) > (best_count, -best_extra):
                    takes_scale = "scale" in parameter_model(component.load()).model_fields
                    best = _written(component, variant, parameters)
                    best += f" at scale {describe_scale(scale)}" if takes_scale else ""
                    best_count, best_extra = count, size
    if not best_count:
        return "No installed network has such tensors"
    return f"The nearest installed network is {best} ({best_count} of {len(tensors)} tensors fit)"


def _scales_to_try(component: Component, filled: Mapping[str, Any] | None) -> Sequence[Scale]:
    """Those at which the network may have other tensors."""
    scales = tuple(dict.fromkeys([*(filled or {}).get("scales", ()), *_SCALES_TO_TRY]))
    with contextlib.suppress(SrkitError):
        return scales if {"scale", "scales"} & parameter_model(component.load()).model_fields.keys() else scales[:1]
    return ()


def _written(component: Component, variant: str, parameters: Mapping[str, Any]) -> str:
    """How a spec names it."""
    if not variant:
        return f"'{component.name}'"
    shown = ", ".join(f"{name}: {json.dumps(value)}" for name, value in parameters.items())
    return f"{{name: {component.name}, {shown}}} ('{variant}')"


def _say_what_else_fits(
    registry: Registry, component: Component, tensors: Mapping[str, Tensor], filled: Mapping[str, Any], path: Path
) -> None:
    """Log which variants have the same tensors as the defaults, and compute something else with them."""
    own = resolved_parameters(registry, "model", ComponentReference.of(component.qualified_name, {}), filled)
    taken, others = f"'{component.name}' with its defaults", []
    for name, parameters in component.configurations.items():
        with contextlib.suppress(SrkitError), guarded(f"'{name}' cannot be compared"):
            variant = ComponentReference.of(component.qualified_name, parameters)
            if resolved_parameters(registry, "model", variant, filled) == own:
                taken = f"'{name}'"
                continue
            network = _without_memory(registry, component, parameters, filled)
            if not differences(network, _adopted(network, tensors)):
                others.append(f"'{name}'")
    if others:
        _log.warning("%s: these weights also fit %s; taken as %s", path, ", ".join(others), taken)


def _without_memory(
    registry: Registry, component: Component, parameters: Mapping[str, Any], filled: Mapping[str, Any]
) -> Model:
    """A network without the memory and the time to make its tensors."""
    with guarded("it cannot be built"), constructing_on_meta():
        reference = ComponentReference.of(component.qualified_name, parameters)
        network: Model = build(registry, "model", reference, filled)
    return network


def _fitting(network: Model, tensors: Mapping[str, Tensor]) -> tuple[int, int]:
    """How many of the tensors are the network's by name and shape, and how many it has."""
    with guarded("it cannot be compared"):
        own = {name: value.shape for name, value in network.state_dict().items()}
        # What adopting adds of the network's own has no memory either, and does not count.
        given = {name: tensor for name, tensor in _adopted(network, tensors).items() if not tensor.is_meta}
        return sum(own.get(name) == tensor.shape for name, tensor in given.items()), len(own)


def _named(card: WeightsCard) -> str:
    return f"'{card.component}' of {card.distribution}"


def _as_its_card_says(card: WeightsCard, path: Path, parameters: Mapping[str, Any]) -> str:
    shown = ", ".join(f"{name}={json.dumps(value)}" for name, value in parameters.items())
    made_with = f" with {shown}" if shown else ""
    return f"Its card says {_named(card)}{made_with}; {{weights: {path.name}}} alone rebuilds that network"
