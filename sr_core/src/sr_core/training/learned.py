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
from sr_core.training.devices import Devices
from sr_core.training.objective import Terms, checked_terms, predict, seen_by
from sr_core.training.settings import Clipping, TrainingSettings, WeightedLoss
from sr_core.training.update import Update


class _OwnObjective(nn.Module):
    """A loss's own objective as a module call, so that several devices average its gradients."""

    def __init__(self, loss: LearnedLoss) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Terms:
        return self.loss.own_objective(sr, hr, batch)


class LossLearner:
    """The training of one learned loss, with its own optimiser and schedule.

    Args:
        entry: the loss.
        settings: of the training.
        devices: that average its gradients.
        higher_is_better: the direction of the figure that `plateau` watches.
    """

    def __init__(
        self, entry: WeightedLoss, settings: TrainingSettings, devices: Devices, *, higher_is_better: bool
    ) -> None:
        assert isinstance(entry.loss, LearnedLoss)  # noqa: S101 - nothing else is given one
        self._entry = entry
        self.name, self.loss = entry.name, entry.loss
        self._settings, self._devices = settings, devices
        self._objective = devices.parallel(_OwnObjective(entry.loss))
        self.update = Update(
            entry.loss,
            entry.optimizer,
            entry.schedule,
            settings.steps,
            Clipping(),
            settings.precision,
            devices,
            higher_is_better=higher_is_better,
        )

    def take_step(self, model: Model, patches: PatchBatch, step: int) -> tuple[Terms, bool, str | None]:
        """One own step on a fresh batch; the rate's step is the network's.

        Returns:
            Its terms by name; whether something was not finite, so that nothing was changed; and the term that was not,
            if it was one of this device's.
        """
        objective, terms = self.backward(model, patches, step, self._settings.accumulate)
        applied = self.update.apply(objective)
        if applied.is_faulty:
            return terms, True, next((name for name, value in terms.items() if not bool(value.isfinite())), None)
        if applied.is_changed:
            with guarded(f"loss '{self.name}' failed after its own step"), torch.no_grad():
                self.loss.after_own_step()
            terms = {**terms, f"{self.name}/gradient norm": applied.norm.detach()}
        return terms, False, None

    def backward(self, model: Model, patches: PatchBatch, step: int, parts: int) -> tuple[Tensor, Terms]:
        """Forward and backward of its own objective for one batch in its parts."""

        def run(part: PatchBatch) -> tuple[Tensor, Terms]:
            found = self._own_terms(model, part, step)
            return found["objective"], {f"{self.name}/{name}": value for name, value in found.items()}

        return self.update.backward_in_parts(self._objective, patches, parts, run)

    def _own_terms(self, model: Model, patches: PatchBatch, step: int) -> Terms:
        progress = step / self._settings.steps
        with buffers_kept(model), autocast(self._settings.precision, self._devices.device):
            with torch.no_grad():
                (shown,) = seen_by(self._entry, predict(model, patches, progress))
            batch = Batch(patches.lr, shown.scale or patches.scale, step, progress)
            with guarded(f"loss '{self.name}' failed in its own step"):
                found = self._objective(shown.image.detach(), shown.target, batch)
        terms = checked_terms(found, f"loss '{self.name}', own objective")
        if "objective" not in terms:
            raise ContractError(f"loss '{self.name}': own_objective must hold 'objective', it holds {sorted(terms)}")
        if not terms["objective"].requires_grad:
            raise ContractError(f"loss '{self.name}': its objective does not depend on its parameters")
        return terms

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"loss": dict(self.loss.state_dict()), "update": self.update.state()}

    def restore(self, state: Mapping[str, Any], *, with_scaler: bool = True) -> list[str]:
        """Go on from `state()`; what was not taken over, in words."""
        self.loss.load_state_dict(state["loss"])
        return self.update.restore(state["update"], with_scaler=with_scaler)


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
    parts = (part for part in module.modules() if part.training)  # a frozen feature network's change nowhere
    return [(buffer, buffer.detach().clone()) for part in parts for buffer in part.buffers(recurse=False)]


def _put_back(copies: list[tuple[Tensor, Tensor]]) -> None:
    with torch.no_grad():
        for buffer, copy in copies:
            buffer.copy_(copy)
