"""Everything that changes while a network learns, and how one step changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sr_core.data.patches import PatchBatch
from sr_core.errors import ContractError, SrkitError
from sr_core.guard import describe, guarded
from sr_core.inference.precision import autocast
from sr_core.interfaces.loss import LearnedLoss
from sr_core.interfaces.model import Model
from sr_core.training.checkup import Checkup
from sr_core.training.compiled import CompiledCalls
from sr_core.training.devices import Devices
from sr_core.training.learned import LossLearner, holding_still
from sr_core.training.objective import Objective, Terms
from sr_core.training.randomness import seed_everything
from sr_core.training.settings import TrainingSettings
from sr_core.training.update import Update


@dataclass(frozen=True)
class Failure:
    """Something that was not finite.

    Attributes:
        what: the loss term or gradient, in words.
        batch: in which it was found on this device; None where another device found it.
    """

    what: str
    batch: PatchBatch | None


@dataclass(frozen=True)
class StepOutcome:
    """What one step came to.

    Attributes:
        terms: by name, before weighting; `loss` is what was minimised, `gradient norm` before clipping.
        failure: what was not finite: then nothing was changed. None where all went well.
    """

    terms: Terms
    failure: Failure | None


class Learner:
    """A network in training.

    Attributes:
        model: the network.
        step: optimiser steps done in this phase.
        best: the best validation figure so far.
        best_step: when it was.
        validations_since_best: validations since then.
        rollbacks: how often the state went back.
        update: the network's optimiser and schedule.
        losses: those that learn.
    """

    def __init__(
        self,
        model: Model,
        settings: TrainingSettings,
        devices: Devices,
        *,
        higher_is_better: bool,
        measured_by: str = "",
    ) -> None:
        """Get a network ready, on its device.

        Args:
            model: the network.
            settings: how long and how.
            devices: this one among all.
            higher_is_better: the direction of the validation figure.
            measured_by: what that figure is; figures of another are not compared with it.

        Raises:
            SrkitError: an optimiser or schedule does not exist, or refuses its options; the network cannot be averaged.
        """
        self.model = model
        self.step, self.rollbacks = 0, 0
        self.best: float | None = None
        self.best_step, self.validations_since_best = 0, 0
        self._settings, self._devices, self._measured_by = settings, devices, measured_by
        self.update = Update(
            model,
            settings.optimizer,
            settings.schedule,
            settings.steps,
            settings.clip,
            settings.precision,
            devices,
            higher_is_better=higher_is_better,
        )
        self.losses = [
            LossLearner(entry, settings, devices, higher_is_better=higher_is_better)
            for entry in settings.losses
            if isinstance(entry.loss, LearnedLoss)
        ]
        self._average = moving_average(model, settings.ema) if settings.ema is not None else None
        self._compiled = (
            CompiledCalls(model, devices.device, once_a_step=settings.accumulate == 1) if settings.compile else None
        )
        self._objective = devices.parallel(Objective(model, settings.losses))

    @property
    def run_step(self) -> int:
        """Steps done since the run began, in the phases before this one too."""
        return self._settings.begins_at + self.step

    @property
    def network(self) -> Model:
        """The network as it is measured and kept: its moving average where there is one."""
        if self._average is None:
            return self.model
        averaged: Model = self._average.module  # type: ignore[assignment] # a deep copy of the model
        return averaged

    def is_point(self, step: int) -> bool:
        """Whether the curves have a point after so many steps."""
        return step % self._settings.log == 0 or step == self._settings.steps

    def take_step(self, patches: PatchBatch, fresh: Callable[[int], PatchBatch]) -> StepOutcome:
        """The own steps of every learned loss, then one step of the network.

        Args:
            patches: this device's part of the batch.
            fresh: the batch of another stream at this step.
        """
        with self._compiled.in_place() if self._compiled is not None else contextlib.nullcontext():
            own_terms, failure = self._own_steps(fresh)
            if failure is not None:
                return StepOutcome(own_terms, failure)
            seed_everything(self._settings.seed, self.run_step, "network", self._devices.device)
            is_looked_at = bool(self.losses) and self.is_point(self.step + 1)
            checkup = Checkup(self.update.loss_scale, self._devices.world) if is_looked_at else None
            total, terms = self._backward(patches, self._settings.accumulate, checkup)
        applied = self.update.apply(total)
        curves = {"loss": total, "gradient norm": applied.norm.detach()}
        curves |= {f"loss/{name}": value for name, value in terms.items()}
        if applied.is_faulty:
            bad = next((name for name, value in terms.items() if not bool(value.isfinite())), None)
            what = None if bad is None else f"loss term '{bad}'"
            return StepOutcome(curves | own_terms, self._failure(what, "the gradient", patches))
        if not applied.is_changed:
            return StepOutcome(own_terms, None)
        for update in (self.update, *(learner.update for learner in self.losses)):
            update.schedule.stepped()
        if self._average is not None:
            self._average.update_parameters(self.model)
        found = checkup.curves() if checkup is not None else {}
        return StepOutcome(curves | own_terms | found, None)

    def rehearse(self, patches: PatchBatch) -> None:
        """Take the memory of one step for so many crops, in one part, and change nothing."""
        for learner in self.losses:
            learner.backward(self.model, patches, self.step, parts=1)
            learner.update.clear()
        self._backward(patches, parts=1)
        self.update.clear()

    def _own_steps(self, fresh: Callable[[int], PatchBatch]) -> tuple[Terms, Failure | None]:
        terms: Terms = {}
        stream = 0
        for learner in self.losses:
            for own_step in range(learner.loss.own_steps):
                stream += 1
                role = f"{learner.name}/{own_step}"
                seed_everything(self._settings.seed, self.run_step, role, self._devices.device)
                batch = fresh(stream)
                found, is_faulty, culprit = learner.take_step(self.model, batch, self.step)
                terms |= {f"own/{name}": value for name, value in found.items()}
                if is_faulty:
                    what = None if culprit is None else f"loss term 'own/{culprit}'"
                    return terms, self._failure(what, f"the own gradient of loss '{learner.name}'", batch)
        return terms, None

    def _failure(self, term: str | None, gradient: str, batch: PatchBatch) -> Failure:
        """Agree on what failed: a term that any device found, and its batch; else the gradient, and every batch."""
        agreed = self._devices.first_of(term)
        return Failure(agreed or gradient, batch if agreed is None or term is not None else None)

    def _backward(self, patches: PatchBatch, parts: int, checkup: Checkup | None = None) -> tuple[Tensor, Terms]:
        """Forward and backward of one batch in its parts; gradients are left in the network."""

        def run(part: PatchBatch) -> tuple[Tensor, Terms]:
            with autocast(self._settings.precision, self._devices.device):
                total, terms = self._objective(part, self.step, self.step / self._settings.steps, checkup)
            if not total.requires_grad:
                names = ", ".join(f"'{entry.name}'" for entry in self._settings.losses)
                raise ContractError(f"nothing can be learned: what loss {names} says has no gradient")
            return total, terms

        with holding_still(self.losses):
            return self.update.backward_in_parts(self._objective, patches, parts, run)

    def judged(self, figure: float, *, higher_is_better: bool) -> bool:
        """Note a validation's figure; True where it is the best so far."""
        for update in (self.update, *(learner.update for learner in self.losses)):
            update.schedule.validated(figure)
        better = self.best is None or (figure > self.best if higher_is_better else figure < self.best)
        if better:
            self.best, self.best_step = figure, self.step
        self.validations_since_best = 0 if better else self.validations_since_best + 1
        return better

    def go_back(self, state: Mapping[str, Any]) -> None:
        """Restore a state, with half of its learning rates; what was best since then is forgotten too."""
        rollbacks = self.rollbacks + 1
        self.restore(state, with_scaler=False)
        for update in (self.update, *(learner.update for learner in self.losses)):
            update.schedule.halvings = rollbacks
        self.rollbacks = rollbacks
        self.best, self.validations_since_best = None, 0

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly from here."""
        return {
            "step": self.step,
            "rollbacks": self.rollbacks,
            "best": self.best,
            "best_step": self.best_step,
            "validations_since_best": self.validations_since_best,
            "measured_by": self._measured_by,
            "threads": torch.get_num_threads(),
            "model": dict(self.model.state_dict()),
            "average": None if self._average is None else dict(self._average.state_dict()),
            "update": self.update.state(),
            "losses": {learner.name: learner.state() for learner in self.losses},
        }

    def restore(self, state: Mapping[str, Any], *, with_scaler: bool = True) -> list[str]:
        """Go on from `state()`, as far as it fits this training.

        Returns:
            What was not taken over because the spec has changed, in words.

        Raises:
            SrkitError: it is the state of another network.
        """
        try:
            return self._take_over(state, with_scaler=with_scaler)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise SrkitError(
                f"the checkpoint does not fit this spec: {describe(error)}; begin anew in another --output"
            ) from error

    def _take_over(self, state: Mapping[str, Any], *, with_scaler: bool) -> list[str]:
        self.model.load_state_dict(state["model"])
        self.step, self.rollbacks = int(state["step"]), int(state["rollbacks"])
        self.best, self.best_step = state["best"], int(state["best_step"])
        self.validations_since_best = int(state["validations_since_best"])
        if state["measured_by"] != self._measured_by:
            self.best, self.validations_since_best = None, 0
        lost = self.update.restore(state["update"], with_scaler=with_scaler)
        if self._average is not None and state["average"] is not None:
            self._average.load_state_dict(state["average"])
        elif self._average is not None:
            self._average.module.load_state_dict(state["model"])
            lost.append("a moving average: it begins with the weights of now")
        for learner in self.losses:
            if learner.name in state["losses"]:
                lost += learner.restore(state["losses"][learner.name], with_scaler=with_scaler)
            else:
                lost.append(f"a state of loss '{learner.name}': it is new")
        return lost


def moving_average(model: Model, decay: float) -> AveragedModel:
    """A copy of the network that follows it slowly.

    Raises:
        ContractError: the network cannot be copied.
    """
    with guarded(f"{type(model).__name__} cannot be copied for a moving average (train.ema)"):
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        return AveragedModel(model, multi_avg_fn=average, use_buffers=True)
