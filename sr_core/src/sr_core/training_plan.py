"""What the train stage of a run will do: everything found and built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sr_core.checkpoint import WeightsCard
from sr_core.data.patches import PatchSettings
from sr_core.data.training_set import TrainingSet
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.model import Model
from sr_core.scales import Scale, describe_scale
from sr_core.training.settings import TrainingSettings
from sr_core.training.validation import Validator

_MOST_NAMED = 5
"""Scales that are named one by one."""


@dataclass(frozen=True)
class TrainingPlan:
    """What the train stage will do.

    Attributes:
        model: the network, on the run's device.
        card: what its weights files will say of it.
        settings: of the loop; None for a model that is fitted.
        pictures: to learn from.
        patches: how they are cut.
        degradation: makes LR where the pictures bring none.
        validator: measures while training; None for none.
        keep: how many checkpoints.
        tensorboard: also write the curves for TensorBoard.
    """

    model: Model
    card: WeightsCard
    settings: TrainingSettings | None
    pictures: TrainingSet
    patches: PatchSettings
    degradation: Degradation
    validator: Validator | None
    keep: int
    tensorboard: bool

    def summary(self) -> str:
        """The plan in a few words."""
        count = f"{len(self.pictures.hr)} pictures{_at(self.patches.scales)}"
        if self.settings is None:
            return f"fit {self.card.component} to {count}"
        return f"train {self.card.component} on {count}, {self.settings.steps} steps of {self.patches.batch} crops"


def _at(scales: Sequence[Scale]) -> str:
    """Several scales in a few words; one is the run's, which is told elsewhere."""
    if len(scales) == 1:
        return ""
    if len(scales) <= _MOST_NAMED:
        return f" at {', '.join(f'×{describe_scale(scale)}' for scale in scales)}"
    return f" at {len(scales)} scales from ×{describe_scale(scales[0])} to ×{describe_scale(scales[-1])}"
