"""What one step minimises: a network's predictions, compared by every loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sr_core.data.patches import PatchBatch
from sr_core.errors import ContractError
from sr_core.guard import guarded
from sr_core.interfaces.loss import Batch, LearnedLoss
from sr_core.interfaces.model import Model, Prediction
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

    def forward(self, patches: PatchBatch, step: int, progress: float) -> tuple[Tensor, Terms]:
        """(what is minimised, every term by name, detached and before weighting)."""
        predictions = predict(self.model, patches, progress)
        batch = Batch(patches.lr, patches.scale, step, progress)
        total = torch.zeros((), device=patches.lr.device)
        terms: Terms = {}
        for entry in self._losses:
            compared = (final(predictions),) if isinstance(entry.loss, LearnedLoss) else predictions
            for prediction in compared:
                where = entry.name if len(predictions) == 1 else f"{prediction.name}/{entry.name}"
                for name, value in compare(entry, prediction, batch).items():
                    total = total + prediction.weight * entry.weight * value
                    terms[f"{where}/{name}" if name else where] = value.detach()
        return total, terms


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
    return tuple(
        Prediction(made_one.name, made_one.image.float(), made_one.target.float(), made_one.weight) for made_one in made
    )


def final(predictions: Sequence[Prediction]) -> Prediction:
    """The prediction that learned losses see: the one called `sr`, else the last."""
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
