"""An optimiser and a schedule tried out before anything is written: PyTorch refuses some options only in a step."""

from __future__ import annotations

from dataclasses import replace

import torch

from sr_core.errors import SrkitError
from sr_core.guard import guarded
from sr_core.training.optimizers import make_optimizer
from sr_core.training.schedules import Schedule
from sr_core.training.settings import OptimizerRecipe, ScheduleRecipe


def try_optimizer(module: torch.nn.Module, recipe: OptimizerRecipe) -> None:
    """Make the optimiser of a module's parameters, and take one step with its options.

    Raises:
        SrkitError: it does not exist, or PyTorch refuses it.
    """
    make_optimizer(module, recipe)
    with guarded(f"optimizer '{recipe.name}'", SrkitError):
        _stepped_stand_in(recipe)


def try_schedule(recipe: OptimizerRecipe, wanted: ScheduleRecipe, steps: int, *, is_validated: bool) -> None:
    """Make the schedule of such an optimiser, and take one step with it.

    Raises:
        SrkitError: it does not exist, goes by validations that there are none of, or PyTorch refuses it.
    """
    stand_in = _stepped_stand_in(recipe)
    schedule = Schedule(stand_in, wanted, steps, higher_is_better=True)
    if schedule.watches and not is_validated:
        raise SrkitError("'plateau' goes by validation figures; add train.validate")
    with guarded(f"schedule '{wanted.name}'", SrkitError):
        stand_in.step()
        schedule.stepped()


def _stepped_stand_in(recipe: OptimizerRecipe) -> torch.optim.Optimizer:
    """The optimiser on a parameter of no meaning, after one step."""
    layer = torch.nn.Linear(1, 1)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer = make_optimizer(layer, replace(recipe, groups=()))
    optimizer.step()
    return optimizer
