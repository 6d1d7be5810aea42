"""What one step minimises: a network's predictions, compared by every loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from sr_core.data.patches import PatchBatch
from sr_core.errors import ContractError, SrkitError
from sr_core.guard import guarded
from sr_core.interfaces.loss import Batch, LearnedLoss
from sr_core.interfaces.model import Model, Prediction
from sr_core.training.checkup import Checkup
from sr_core.training.settings import WeightedLoss

Terms = dict[str, Tensor]


class Objective(nn.Module):
    """The network and its losses as one module, so that one forward pass is one call (several devices need that).

    Losses are not submodules: their own parameters are nobody's business here.
    """

    def __init__(self, model: Model, losses: Sequence[WeightedLoss]) -> None:
        super().__init__()
        self.model = model
        self._losses = tuple(losses)
        self._is_watched = any(isinstance(entry.loss, LearnedLoss) for entry in losses)

    def forward(
        self, patches: PatchBatch, step: int, progress: float, checkup: Checkup | None = None
    ) -> tuple[Tensor, Terms]:
        """(what is minimised, every term by name, detached and before weighting).

        Args:
            patches: the batch, or a part of it.
            step: optimiser steps done in this phase.
            progress: share of it done.
            checkup: looks at the final prediction, where a loss learns.
        """
        predictions = predict(self.model, patches, progress)
        last = final(predictions)
        if checkup is not None:
            checkup.look(last.image.detach(), patches)
        total = torch.zeros((), device=patches.lr.device)
        terms: Terms = {}
        for entry in self._losses:
            compared = seen_by(entry, predictions)
            for prediction in compared:
                where = entry.name if len(predictions) == 1 else f"{prediction.name}/{entry.name}"
                if prediction is last and self._is_watched:
                    # In each step, looked at or not: gradients are then always added up in the same order.
                    prediction = replace(prediction, image=prediction.image.view_as(prediction.image))
                    if checkup is not None:
                        checkup.listen(entry.name, prediction.image)
                batch = Batch(patches.lr, prediction.scale or patches.scale, step, progress)
                for name, value in compare(entry, prediction, batch).items():
                    total = total + prediction.weight * entry.weight_of(prediction.name) * value
                    terms[f"{where}/{name}" if name else where] = value.detach()
        return total, terms


def seen_by(entry: WeightedLoss, predictions: Sequence[Prediction]) -> Sequence[Prediction]:
    """The predictions that a loss compares: all, those that learn only the final one; or the one that the spec names.

    Raises:
        SrkitError: the spec names a prediction that the network does not make.
    """
    made = [prediction.name for prediction in predictions]
    named = [*entry.predictions, *([entry.on] if entry.on is not None else [])]
    if missing := [name for name in named if name not in made]:
        raise SrkitError(
            f"loss '{entry.name}' names predictions {', '.join(missing)}, and the network makes {', '.join(made)}"
        )
    if entry.on is not None:
        return [prediction for prediction in predictions if prediction.name == entry.on]
    return (final(predictions),) if isinstance(entry.loss, LearnedLoss) else predictions


def predict(model: Model, patches: PatchBatch, progress: float) -> tuple[Prediction, ...]:
    """The network's predictions in float32, held to their contract.

    Raises:
        ContractError: there is none, two have one name, or a shape differs from its target's.
    """
    with guarded(f"{type(model).__name__} failed in training"):
        made = tuple(model.predictions(patches.lr, patches.hr, patches.scale, progress))
    names = [prediction.name for prediction in made]
    if not made or len(set(names)) < len(names):
        raise ContractError(f"{type(model).__name__}: predictions need different names, found {names}")
    for prediction in made:
        if prediction.image.shape != prediction.target.shape:
            found, expected = tuple(prediction.image.shape), tuple(prediction.target.shape)
            raise ContractError(
                f"{type(model).__name__}: prediction '{prediction.name}' is {found}, its target {expected}"
            )
    return tuple(replace(one, image=one.image.float(), target=one.target.float()) for one in made)


def final(predictions: Sequence[Prediction]) -> Prediction:
    """The prediction that learned losses see by default: the one called `sr`, else the last."""
    return next((prediction for prediction in predictions if prediction.name == "sr"), predictions[-1])


def compare(entry: WeightedLoss, prediction: Prediction, batch: Batch) -> Terms:
    """A loss's terms by name; one without named terms has the name ''.

    Raises:
        ContractError: the loss failed, or a term is no scalar.
    """
    with guarded(f"loss '{entry.name}' failed on prediction '{prediction.name}'"):
        found = entry.loss(prediction.image, prediction.target, batch)
    return checked_terms(found, f"loss '{entry.name}'")


def checked_terms(found: Tensor | dict[str, Tensor], whose: str) -> Terms:
    """Scalars by name.

    Raises:
        ContractError: a term is no scalar tensor.
    """
    terms = found if isinstance(found, dict) else {"": found}
    for name, value in terms.items():
        if not isinstance(value, Tensor) or value.ndim != 0:
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ContractError(f"{whose}: term '{name or 'loss'}' must be a scalar tensor, it is {shape}")
    return terms
