"""Everything that changes while a network learns, and how one step changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sr_core.data.patches import PatchBatch
from sr_core.inference.precision import autocast
from sr_core.interfaces.loss import LearnedLoss
from sr_core.interfaces.model import Model
from sr_core.training.clipping import clip_gradients, gradient_norm, gradients_of
from sr_core.training.devices import Devices
from sr_core.training.learned import LossLearner, holding_still
from sr_core.training.objective import Objective, Terms
from sr_core.training.optimizers import make_optimizer, restore_optimizer
from sr_core.training.randomness import seed_everything
from sr_core.training.schedules import Schedule
from sr_core.training.settings import TrainingSettings

SMALL_NETWORK = 1_000_000
"""Parameters up to which a compiled network is replayed as a CUDA graph: launching it takes longer than computing."""


@dataclass(frozen=True)
class StepOutcome:
    """What one step came to.

    Attributes:
        total: what was minimised.
        terms: by name, before weighting.
        norm: of all gradients, before clipping.
        fault: the term that was not finite, or `gradient`: then nothing was changed. None where all went well.
    """

    total: Tensor
    terms: Terms
    norm: Tensor
    fault: str | None


class Learner:
    """A network in training.

    Attributes:
        model: the network.
        step: optimiser steps done.
        best: the best validation figure so far.
        best_step: when it was.
        validations_since_best: validations since then.
        rollbacks: how often the state went back.
    """

    def __init__(self, model: Model, settings: TrainingSettings, devices: Devices, *, higher_is_better: bool) -> None:
        """Get a network ready, on its device.

        Raises:
            SrkitError: an optimiser or schedule does not exist, or refuses its options.
        """
        self.model = model
        self.step, self.rollbacks = 0, 0
        self.best: float | None = None
        self.best_step, self.validations_since_best = 0, 0
        self._settings, self._devices = settings, devices
        self.optimizer = make_optimizer(model, settings.optimizer)
        self.schedule = Schedule(self.optimizer, settings.schedule, settings.steps, higher_is_better=higher_is_better)
        self._scaler = torch.amp.GradScaler(devices.device.type, enabled=settings.precision == "float16")
        self._average = None
        if settings.ema is not None:
            average = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self.losses = [
            LossLearner(entry, settings, devices) for entry in settings.losses if isinstance(entry.loss, LearnedLoss)
        ]
        objective = Objective(model, settings.losses)
        if settings.compile:
            objective.predictions = _compiled(model, devices.device)
        self._objective = devices.parallel(objective)

    @property
    def network(self) -> Model:
        """The network as it is measured and kept: its moving average where there is one."""
        if self._average is None:
            return self.model
        averaged: Model = self._average.module  # type: ignore[assignment] # a deep copy of the model
        return averaged

    def take_step(self, patches: PatchBatch, fresh: Callable[[int], PatchBatch]) -> StepOutcome:
        """The own steps of every learned loss, then one step of the network.

        Args:
            patches: this device's part of the batch.
            fresh: the batch of another stream at this step.
        """
        settings, own_terms, stream = self._settings, {}, 0
        for learner in self.losses:
            for own_step in range(learner.loss.own_steps):
                stream += 1
                seed_everything(settings.seed, self.step, f"{learner.name}/{own_step}")
                terms, fault = learner.take_step(self.model, fresh(stream), self.step)
                own_terms.update({f"own/{name}": value for name, value in terms.items()})
                if fault is not None:
                    nothing = torch.zeros((), device=self._devices.device)
                    return StepOutcome(nothing, own_terms, nothing, f"own/{fault}")
        seed_everything(settings.seed, self.step, "network")
        with holding_still(self.losses):
            total, terms = self.backward(patches, settings.accumulate)
        return self._update(total, {**terms, **own_terms})

    def backward(self, patches: PatchBatch, parts: int) -> tuple[Tensor, Terms]:
        """Forward and backward of one batch in so many parts; gradients are left in the network."""
        settings, count = self._settings, len(patches.lr)
        self.optimizer.zero_grad(set_to_none=True)
        size = -(-count // parts)
        totals, sums = torch.zeros((), device=self._devices.device), dict[str, Tensor]()
        for start in range(0, count, size):
            part = patches if size >= count else cut(patches, start, min(start + size, count))
            share = len(part.lr) / count
            is_last = start + size >= count
            with self._not_yet_averaged() if not is_last else contextlib.nullcontext():
                with autocast(settings.precision, self._devices.device):
                    total, terms = self._objective(part, self.step, self.step / settings.steps)
                self._scaler.scale(total * share).backward()
            totals += total.detach() * share
            for name, value in terms.items():
                sums[name] = sums[name] + value * share if name in sums else value * share
        return totals, sums

    def _not_yet_averaged(self) -> contextlib.AbstractContextManager[None]:
        if isinstance(self._objective, DistributedDataParallel):
            return self._objective.no_sync()
        return contextlib.nullcontext()

    def _update(self, total: Tensor, terms: Terms) -> StepOutcome:
        """Change the weights, unless something is not finite."""
        self._scaler.unscale_(self.optimizer)
        norm = gradient_norm(gradients_of(self.optimizer))
        finite = [bool(flag) for flag in torch.stack([total, norm]).isfinite().tolist()]
        if self._scaler.is_enabled():  # gradients that overflow in float16 are its everyday work
            finite[1] = True
        (failed,) = self._devices.any([not all(finite)])
        if failed:
            self.optimizer.zero_grad(set_to_none=True)
            culprit = next((name for name, value in terms.items() if not bool(value.isfinite())), "gradient")
            return StepOutcome(total, terms, norm, culprit)
        with self.schedule.applied():
            clip_gradients(self.optimizer, self._settings.clip, norm)
            self._scaler.step(self.optimizer)
        self._scaler.update()
        self.schedule.stepped()
        if self._average is not None:
            self._average.update_parameters(self.model)
        return StepOutcome(total, terms, norm, None)

    def judged(self, figure: float, *, higher_is_better: bool) -> bool:
        """Note a validation's figure; True where it is the best so far."""
        self.schedule.validated(figure)
        better = self.best is None or (figure > self.best if higher_is_better else figure < self.best)
        if better:
            self.best, self.best_step = figure, self.step
        self.validations_since_best = 0 if better else self.validations_since_best + 1
        return better

    def halve_rates(self, times: int) -> None:
        """Half every learning rate, as many times."""
        self.schedule.halvings += times
        for learner in self.losses:
            for _ in range(times):
                learner.halve_rate()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly from here."""
        return {
            "step": self.step,
            "rollbacks": self.rollbacks,
            "best": self.best,
            "best_step": self.best_step,
            "validations_since_best": self.validations_since_best,
            "threads": torch.get_num_threads(),
            "model": dict(self.model.state_dict()),
            "average": None if self._average is None else dict(self._average.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state(),
            "scaler": self._scaler.state_dict(),
            "losses": {learner.name: learner.state() for learner in self.losses},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state()`."""
        self.step, self.rollbacks = int(state["step"]), int(state["rollbacks"])
        self.best, self.best_step = state["best"], int(state["best_step"])
        self.validations_since_best = int(state["validations_since_best"])
        self.model.load_state_dict(state["model"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        restore_optimizer(self.optimizer, state["optimizer"])
        self.schedule.restore(state["schedule"])
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(state["scaler"])
        for learner in self.losses:
            learner.restore(state["losses"][learner.name])


def _compiled(model: Model, device: torch.device) -> Callable[..., Any]:
    """The model's predictions, compiled; small networks on CUDA are replayed as graphs."""
    size = sum(parameter.numel() for parameter in model.parameters())
    mode = "reduce-overhead" if device.type == "cuda" and size <= SMALL_NETWORK else "default"
    compiled: Callable[..., Any] = torch.compile(model.predictions, mode=mode)
    return compiled


def cut(patches: PatchBatch, start: int, stop: int) -> PatchBatch:
    """Some of the crops of a batch."""
    return PatchBatch(patches.lr[start:stop], patches.hr[start:stop], patches.scale, patches.indices[start:stop])


def copied_to_host(state: Any) -> Any:  # noqa: ANN401 - a nested state
    """A deep copy of a state on the host, which later steps do not touch."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, Mapping):
        return {key: copied_to_host(value) for key, value in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(copied_to_host(value) for value in state)
    return state


def to_training_layout(model: nn.Module, device: torch.device) -> None:
    """Move a network to its device, channels last where convolutions are faster so."""
    model.to(device)
    if device.type in ("cpu", "cuda"):
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stub lacks it
