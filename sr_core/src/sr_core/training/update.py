"""From a loss to changed weights: backward, one look at whether all is finite, clipping, the optimiser's step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sr_core.data.patches import PatchBatch
from sr_core.inference.precision import Precision
from sr_core.training.clipping import clip_gradients, gradient_norm, gradients_of
from sr_core.training.devices import Devices, gathering
from sr_core.training.objective import Terms
from sr_core.training.optimizers import make_optimizer, restore_optimizer
from sr_core.training.schedules import Schedule
from sr_core.training.settings import Clipping, OptimizerRecipe, ScheduleRecipe

LOWEST_LOSS_SCALE = 1.0
"""Where a float16 loss is scaled by less and its gradients still overflow, it is no matter of precision any more."""


class Applied(NamedTuple):
    """What became of one update.

    Attributes:
        norm: of all gradients, before clipping.
        is_changed: whether the weights changed.
        is_faulty: whether something was not finite; float16 gradients that overflow now and then are no fault.
    """

    norm: Tensor
    is_changed: bool
    is_faulty: bool


class Update:
    """The optimiser, schedule and loss scaler of one module's parameters.

    Args:
        module: whose parameters learn.
        optimizer: how.
        schedule: of the rate.
        steps: of the whole training.
        clip: of gradients.
        precision: of the forward pass; float16 needs its losses scaled.
        devices: all agree on whether a step is good.
        higher_is_better: the direction of the figure that `plateau` watches.

    Raises:
        SrkitError: an optimiser or schedule does not exist, or refuses its options.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: OptimizerRecipe,
        schedule: ScheduleRecipe,
        steps: int,
        clip: Clipping,
        precision: Precision,
        devices: Devices,
        *,
        higher_is_better: bool,
    ) -> None:
        self._recipes: dict[str, Any] = {"optimizer": asdict(optimizer), "schedule": asdict(schedule), "steps": steps}
        self._clip, self._devices = clip, devices
        self.optimizer = make_optimizer(module, optimizer)
        self.schedule = Schedule(self.optimizer, schedule, steps, higher_is_better=higher_is_better)
        self._scaler = torch.amp.GradScaler(devices.device.type, enabled=precision == "float16")

    @property
    def loss_scale(self) -> float:
        """What gradients are multiplied by until `apply`: 1 but in float16."""
        return float(self._scaler.get_scale())

    def clear(self) -> None:
        """Forget all gradients."""
        self.optimizer.zero_grad(set_to_none=True)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a part of the batch."""
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call] # torch's own

    def backward_in_parts(
        self, module: nn.Module, patches: PatchBatch, parts: int, run: Callable[[PatchBatch], tuple[Tensor, Terms]]
    ) -> tuple[Tensor, Terms]:
        """Forward and backward of a batch in so many parts; the gradients are left in the parameters.

        Args:
            module: what `run` calls; it may be wrapped for several devices.
            patches: the batch.
            parts: to take one after the other.
            run: a part's loss and terms.

        Returns:
            The loss and the terms of the whole batch.
        """
        self.clear()
        total, sums = torch.zeros((), device=self._devices.device), dict[str, Tensor]()
        for part, share, is_last in patches.parts(parts):
            with gathering(module, is_last=is_last):
                loss, terms = run(part)
                self.backward(loss * share)
            total += loss.detach() * share
            for name, value in terms.items():
                shared = value.detach() * share
                sums[name] = sums[name] + shared if name in sums else shared
        return total, sums

    def apply(self, loss: Tensor) -> Applied:
        """Change the weights, unless the loss or a gradient is not finite on any device; the rate's step is not taken.

        Args:
            loss: of the whole batch.
        """
        self._scaler.unscale_(self.optimizer)
        norm = gradient_norm(gradients_of(self.optimizer), self._devices.device)
        finite = torch.stack([loss.detach(), norm]).isfinite().tolist()
        is_loss_bad, is_norm_bad = self._devices.any([not flag for flag in finite])
        if not is_loss_bad and is_norm_bad and self._overflows():
            self._step_scaler()
            return Applied(norm, is_changed=False, is_faulty=False)
        if is_loss_bad or is_norm_bad:
            self.clear()
            if self._scaler.is_enabled():
                self._scaler.update()
            return Applied(norm, is_changed=False, is_faulty=True)
        with self.schedule.applied():
            clip_gradients(self.optimizer, self._clip, norm)
            self._step_scaler()
        return Applied(norm, is_changed=True, is_faulty=False)

    def _overflows(self) -> bool:
        return self._scaler.is_enabled() and self._scaler.get_scale() > LOWEST_LOSS_SCALE

    def _step_scaler(self) -> None:
        self._scaler.step(self.optimizer)
        self._scaler.update()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "recipes": self._recipes,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: Mapping[str, Any], *, with_scaler: bool = True) -> list[str]:
        """Go on from `state()`.

        Args:
            state: of an update with the same recipes, or with others: then what still fits is taken over.
            with_scaler: not where training goes back because numbers overflowed.

        Returns:
            What was not taken over, in words.
        """
        before = state["recipes"]
        lost = []
        # What `plateau` has done so far depends on figures, not on how long the training is.
        compared = ("optimizer", "schedule") if self.schedule.watches else ("optimizer", "schedule", "steps")
        if all(before[key] == self._recipes[key] for key in compared):
            restore_optimizer(self.optimizer, state["optimizer"])
            self.schedule.restore(state["schedule"])
        elif before["optimizer"]["name"] == self._recipes["optimizer"]["name"]:
            lost += self._take_over_moments(state["optimizer"])
            self.schedule.go_to(state["schedule"])
        else:
            lost.append("the optimizer's state, since it is another optimizer now")
            self.schedule.go_to(state["schedule"])
        if with_scaler and self._scaler.is_enabled() and state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])
        return lost

    def _take_over_moments(self, state: Mapping[str, Any]) -> list[str]:
        """The moments of every parameter, under the groups and rates of the new recipe; what is lost, in words."""
        own = self.optimizer.state_dict()
        if _group_sizes(state) != _group_sizes(own):
            return ["the optimizer's state, since its groups are others now"]
        restore_optimizer(self.optimizer, {"state": state["state"], "param_groups": own["param_groups"]})
        return []


def _group_sizes(state: Mapping[str, Any]) -> list[int]:
    return [len(group["params"]) for group in state["param_groups"]]
