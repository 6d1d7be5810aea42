"""The learning rate over time: PyTorch's schedules by name, a warm-up, and what a rollback leaves of the rate."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from torch.optim import Optimizer, lr_scheduler

from sr_core.errors import SrkitError
from sr_core.training.optimizers import REFUSALS, near
from sr_core.training.settings import ScheduleRecipe

_OURS = frozenset({"optimizer", "last_epoch", "verbose", "max_lr", "total_steps", "epochs", "steps_per_epoch", "mode"})

STEPS = "the run's steps"
"""Stands for them among the options that a schedule has where the spec is silent."""

SCHEDULES: Mapping[str, tuple[type[Any], Mapping[str, Any]]] = {
    "constant": (lr_scheduler.ConstantLR, {"factor": 1.0, "total_iters": STEPS}),
    "step": (lr_scheduler.StepLR, {}),
    "multi_step": (lr_scheduler.MultiStepLR, {}),
    "exponential": (lr_scheduler.ExponentialLR, {}),
    "linear": (lr_scheduler.LinearLR, {"start_factor": 1.0, "end_factor": 0.0, "total_iters": STEPS}),
    "polynomial": (lr_scheduler.PolynomialLR, {"total_iters": STEPS}),
    "cosine": (lr_scheduler.CosineAnnealingLR, {"T_max": STEPS}),
    "cosine_restarts": (lr_scheduler.CosineAnnealingWarmRestarts, {}),
    "one_cycle": (lr_scheduler.OneCycleLR, {"total_steps": STEPS}),
    "plateau": (lr_scheduler.ReduceLROnPlateau, {}),
}


class Schedule:
    """The rate of one optimiser, step by step.

    Attributes:
        halvings: how often a rollback has halved every rate.
    """

    def __init__(self, optimizer: Optimizer, recipe: ScheduleRecipe, steps: int, *, higher_is_better: bool) -> None:
        """Wire a schedule to an optimiser.

        Args:
            optimizer: whose groups' rates it sets.
            recipe: which schedule.
            steps: of the whole training.
            higher_is_better: the direction of the figure that `plateau` watches.

        Raises:
            SrkitError: an unknown name or option, or values that PyTorch refuses.
        """
        self._optimizer = optimizer
        self._warmup = recipe.warmup
        self._steps, self._steps_done = steps, 0
        self.halvings = 0
        if recipe.name not in SCHEDULES:
            raise SrkitError(f"unknown schedule '{recipe.name}'{near(recipe.name, list(SCHEDULES))}")
        schedule_class, defaults = SCHEDULES[recipe.name]
        allowed = [name for name in inspect.signature(schedule_class).parameters if name not in _OURS]
        for option in recipe.options:
            if option not in allowed:
                raise SrkitError(f"schedule '{recipe.name}' has no option '{option}'{near(option, allowed)}")
        usual = {option: steps if value == STEPS else value for option, value in defaults.items()}
        options = {**usual, **recipe.options}
        if recipe.name == "one_cycle":
            options["max_lr"] = [group["lr"] for group in optimizer.param_groups]
        if recipe.name == "plateau":
            options["mode"] = "max" if higher_is_better else "min"
        try:
            self._schedule = schedule_class(optimizer, **options)
        except REFUSALS as error:
            raise SrkitError(f"schedule '{recipe.name}': {error}") from error

    @property
    def watches(self) -> bool:
        """Whether it goes by validation figures."""
        return isinstance(self._schedule, lr_scheduler.ReduceLROnPlateau)

    @property
    def factor(self) -> float:
        """What the scheduled rates are multiplied by in the next step: warm-up and rollbacks."""
        risen = min(1.0, (self._steps_done + 1) / self._warmup) if self._warmup else 1.0
        return float(risen * 0.5**self.halvings)

    @property
    def rate(self) -> float:
        """The rate of the first group in the next step."""
        return float(self._optimizer.param_groups[0]["lr"]) * self.factor

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A block in which the optimiser's groups have the rates of the next step."""
        groups, factor = self._optimizer.param_groups, self.factor
        scheduled = [group["lr"] for group in groups]
        for group in groups:
            group["lr"] = group["lr"] * factor
        try:
            yield
        finally:
            for group, rate in zip(groups, scheduled, strict=True):
                group["lr"] = rate

    def stepped(self) -> None:
        """A step is done."""
        self._steps_done += 1
        if self.watches:
            return
        # Where float16 gradients overflowed, a step is done though the optimiser took none yet: PyTorch would warn.
        with _in_any_order() if self._steps_done == 1 else nullcontext():
            self._schedule.step()

    def validated(self, figure: float) -> None:
        """A validation is done; only `plateau` cares."""
        if self.watches:
            self._schedule.step(figure)

    def go_to(self, state: Mapping[str, Any]) -> None:
        """Go to the step where the schedule of another recipe was, as if this one had been there from the start."""
        self.halvings = int(state["halvings"])
        for _ in range(min(int(state["steps_done"]), self._steps)):
            self.stepped()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"schedule": self._schedule.state_dict(), "steps_done": self._steps_done, "halvings": self.halvings}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state()`; the groups' rates come back with the optimiser's own state."""
        self._schedule.load_state_dict(state["schedule"])
        self._steps_done, self.halvings = int(state["steps_done"]), int(state["halvings"])


@contextmanager
def _in_any_order() -> Iterator[None]:
    """A block in which PyTorch does not care whether an optimiser or its schedule takes the first step."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        yield
