"""Models that are fitted rather than descended: dictionaries, regressors."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sr_core.errors import ContractError
from sr_core.guard import guarded
from sr_core.interfaces.model import FittedModel, TrainingPair


def fit(model: FittedModel, pairs: Iterable[TrainingPair], progress: Callable[[float], None]) -> None:
    """Let a model learn from whole pictures.

    Raises:
        ContractError: it failed, or holds numbers that are not finite.
    """
    with guarded(f"{type(model).__name__} failed in fit"):
        model.fit(pairs, progress)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise ContractError(f"{type(model).__name__}: after fit, '{name}' holds numbers that are not finite")
