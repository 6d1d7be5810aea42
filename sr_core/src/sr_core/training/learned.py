"""Losses that learn: their own steps, and how they hold still in the network's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sr_core.data.patches import PatchBatch
from sr_core.errors import ContractError
from sr_core.guard import guarded
from sr_core.inference.precision import autocast
from sr_core.interfaces.loss import Batch, LearnedLoss
from sr_core.interfaces.model import Model
from sr_core.training.clipping import gradient_norm, gradients_of
from sr_core.training.devices import Devices
from sr_core.training.objective import Terms, checked_terms, final, predict
from sr_core.training.optimizers import make_optimizer, restore_optimizer
from sr_core.training.schedules import Schedule
from sr_core.training.settings import TrainingSettings, WeightedLoss


class _OwnObjective(nn.Module):
    """A loss's own objective as a module call, so that several devices average its gradients."""

    def __init__(self, loss: LearnedLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Terms:
        return self.loss.own_objective(sr, hr, batch)


class LossLearner:
    """The training of one learned loss, with its own optimiser and schedule."""

    def __init__(self, entry: WeightedLoss, settings: TrainingSettings, devices: Devices) -> None:
        assert isinstance(entry.loss, LearnedLoss)  # noqa: S101 - nothing else is given one
        self.name, self.loss = entry.name, entry.loss
        self._settings, self._devices = settings, devices
        self._objective = devices.parallel(_OwnObjective(entry.loss))
        self._optimizer = make_optimizer(entry.loss, entry.optimizer)
        self._schedule = Schedule(
            self._optimizer, entry.schedule, settings.steps * entry.loss.own_steps, higher_is_better=True
        )
        self._scaler = torch.amp.GradScaler(devices.device.type, enabled=settings.precision == "float16")

    def take_step(self, model: Model, patches: PatchBatch, step: int) -> tuple[Terms, str | None]:
        """One own step on a fresh batch.

        Returns:
            Its terms by name, and the name of a term that is not finite: then nothing was changed.
        """
        settings, device = self._settings, self._devices.device
        progress = step / settings.steps
        with buffers_kept(model), autocast(settings.precision, device):
            with torch.no_grad():
                shown = final(predict(model, patches, progress))
            self._optimizer.zero_grad(set_to_none=True)
            batch = Batch(patches.lr, patches.scale, step, progress)
            with guarded(f"loss '{self.name}' failed in its own step"):
                found = self._objective(shown.image.detach(), shown.target, batch)
        terms = checked_terms(found, f"loss '{self.name}', own objective")
        if "objective" not in terms:
            raise ContractError(f"loss '{self.name}': own_objective must hold 'objective', it holds {sorted(terms)}")
        self._scaler.scale(terms["objective"]).backward()  # type: ignore[no-untyped-call] # torch's own
        self._scaler.unscale_(self._optimizer)
        is_finite = bool(torch.isfinite(terms["objective"].detach() + gradient_norm(gradients_of(self._optimizer))))
        (failed,) = self._devices.any([not is_finite])
        if not failed or self._scaler.is_enabled():
            with self._schedule.applied():
                self._scaler.step(self._optimizer)
            self._scaler.update()
        if not failed:
            self._schedule.stepped()
            with guarded(f"loss '{self.name}' failed after its own step"), torch.no_grad():
                self.loss.after_own_step()
        logged = {f"{self.name}/{name}": value.detach() for name, value in terms.items()}
        culprit = next((name for name, value in logged.items() if not bool(value.isfinite())), f"{self.name}/gradient")
        return logged, culprit if failed else None

    def halve_rate(self) -> None:
        """Half the learning rate from here on."""
        self._schedule.halvings += 1

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "loss": dict(self.loss.state_dict()),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state()`."""
        self.loss.load_state_dict(state["loss"])
        restore_optimizer(self._optimizer, state["optimizer"])
        self._schedule.restore(state["schedule"])
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(state["scaler"])


@contextmanager
def holding_still(losses: list[LossLearner]) -> Iterator[None]:
    """The network's step: learned losses judge, and neither their parameters nor their buffers change."""
    kept = [(parameter, parameter.requires_grad) for learner in losses for parameter in learner.loss.parameters()]
    for parameter, _ in kept:
        parameter.requires_grad_(False)
    buffers = [_copies(learner.loss) for learner in losses]
    try:
        yield
    finally:
        for parameter, learns in kept:
            parameter.requires_grad_(learns)
        for copies in buffers:
            _put_back(copies)


@contextmanager
def buffers_kept(module: nn.Module) -> Iterator[None]:
    """A block after which the module's buffers (batch statistics) are what they were."""
    copies = _copies(module)
    try:
        yield
    finally:
        _put_back(copies)


def _copies(module: nn.Module) -> list[tuple[Tensor, Tensor]]:
    return [(buffer, buffer.detach().clone()) for buffer in module.buffers()]


def _put_back(copies: list[tuple[Tensor, Tensor]]) -> None:
    with torch.no_grad():
        for buffer, copy in copies:
            buffer.copy_(copy)
