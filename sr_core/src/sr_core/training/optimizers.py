"""Optimisers of `torch.optim` by name, with parameters that learn at rates of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sr_core.errors import SrkitError
from sr_core.training.settings import GroupRecipe, OptimizerRecipe

_OURS = frozenset({"params", "lr", "foreach", "fused", "capturable", "differentiable", "maximize"})
"""Arguments that are not the spec's: given by the loop, or about how the same numbers are computed."""
_UNFIT = frozenset({"LBFGS", "SparseAdam", "Optimizer"})
"""They need a closure, or sparse gradients."""
REFUSALS = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
"""What PyTorch's constructors raise at options they cannot use: one of the wrong type is often just computed with."""
_FUSED_ON = frozenset({"cpu", "cuda"})

OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    name.lower(): found
    for name, found in vars(torch.optim).items()
    if isinstance(found, type) and issubclass(found, Optimizer) and name not in _UNFIT
}


def make_optimizer(module: nn.Module, recipe: OptimizerRecipe) -> Optimizer:
    """The optimiser of a module's parameters; fused where PyTorch has it so.

    Raises:
        SrkitError: an unknown name or option, a group that matches nothing, or values that PyTorch refuses.
    """
    optimizer_class = OPTIMIZERS.get(recipe.name)
    if optimizer_class is None:
        raise SrkitError(f"unknown optimizer '{recipe.name}'{near(recipe.name, list(OPTIMIZERS))}")
    known = list(inspect.signature(optimizer_class).parameters)
    _check_options(recipe.options, known, f"optimizer '{recipe.name}'")
    groups = _group(module, recipe.groups, known)
    fused = {"fused": True} if "fused" in known and _can_be_fused(module) else {}
    make: Callable[..., Optimizer] = optimizer_class
    try:
        return make(groups, lr=recipe.lr, **_tuples(recipe.options), **fused)
    except REFUSALS as error:
        raise SrkitError(f"optimizer '{recipe.name}': {error}") from error


def restore_optimizer(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Go on from an optimiser's `state_dict()`, wherever it was kept."""
    optimizer.load_state_dict(dict(state))
    for parameter, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                # Fused optimisers walk through memory: what belongs to a parameter has to lie as the parameter does.
                kept[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def near(name: str, known: Sequence[str]) -> str:
    """The nearest known names as the end of a message.

    >>> near("adma", ["adam", "sgd"])
    "; did you mean 'adam'?"
    """
    found = get_close_matches(name, known, n=1)
    return f"; did you mean '{found[0]}'?" if found else f"; known: {', '.join(sorted(known))}"


def _check_options(options: Mapping[str, Any], known: Sequence[str], whose: str) -> None:
    allowed = [name for name in known if name not in _OURS]
    for option in options:
        if option not in allowed:
            raise SrkitError(f"{whose} has no option '{option}'{near(option, allowed)}")


def _group(module: nn.Module, recipes: Sequence[GroupRecipe], known: Sequence[str]) -> list[dict[str, Any]]:
    """Parameters by the first group that matches, the rest at the front; every parameter that learns is in one."""
    named = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if not named:
        raise SrkitError(f"{type(module).__name__} has no parameters to train")
    groups = []
    for recipe in recipes:
        _check_options(recipe.options, known, f"optimizer group '{recipe.match}'")
        mine = [name for name in named if fnmatchcase(name, recipe.match)]
        if not mine:
            left = f"there are {', '.join(list(named)[:12])}" if named else "earlier groups have them all"
            raise SrkitError(f"optimizer group '{recipe.match}' matches no parameter that is left; {left}")
        rate = {} if recipe.lr is None else {"lr": recipe.lr}
        groups.append({"params": [named.pop(name) for name in mine], **rate, **_tuples(recipe.options)})
    rest = [{"params": list(named.values())}] if named else []
    return [*rest, *groups]


def _tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}


def _can_be_fused(module: nn.Module) -> bool:
    return all(
        parameter.device.type in _FUSED_ON and parameter.is_floating_point() for parameter in module.parameters()
    )
