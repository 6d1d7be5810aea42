"""What the train stage of a run will do: everything found and built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sr_core.checkpoint import WeightsCard
from sr_core.data.patches import PatchSettings
from sr_core.data.training_set import TrainingSet
from sr_core.file_names import file_name
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.model import Model
from sr_core.scales import Scale, describe_scale
from sr_core.training.settings import TrainingSettings
from sr_core.training.validation import Validator

_MOST_NAMED = 5
"""Scales that are named one by one."""


def phase_folder(name: str | None) -> str:
    """Where in the run directory the checkpoints of a phase are; of the only one, where `name` is None."""
    return "checkpoints" if name is None else f"phases/{file_name(name)}"


@dataclass(frozen=True)
class PhasePlan:
    """What one phase of the training will do.

    Attributes:
        name: its name; None where it is the only one.
        settings: of the loop; None for a model that is fitted.
        pictures: to learn from; phases that learn from the same have the very same object here.
        patches: how they are cut.
        validator: measures while training; None for none.
        keep: how many checkpoints.
        goes_on: learned losses that go on with what they learned in the phase before: name here → name there.
    """

    name: str | None
    settings: TrainingSettings | None
    pictures: TrainingSet
    patches: PatchSettings
    validator: Validator | None
    keep: int
    goes_on: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """Where in the run directory its checkpoints are."""
        return phase_folder(self.name)

    def learns_from_the_same(self, other: PhasePlan) -> bool:
        """Whether the pictures and crops are those of another phase."""
        return self.pictures is other.pictures and self.patches == other.patches


@dataclass(frozen=True)
class TrainingPlan:
    """What the train stage will do.

    Attributes:
        model: the network, on the run's device.
        card: what its weights files will say of it.
        degradation: makes LR where the pictures bring none.
        phases: one after the other; at least one.
        tensorboard: also write the curves for TensorBoard.
    """

    model: Model
    card: WeightsCard
    degradation: Degradation
    phases: tuple[PhasePlan, ...]
    tensorboard: bool

    @property
    def is_fitted(self) -> bool:
        """Whether the model is fitted, not trained by the loop."""
        return self.phases[0].settings is None

    @property
    def steps(self) -> int:
        """Of all phases together."""
        return sum(phase.settings.steps for phase in self.phases if phase.settings is not None)

    def summary(self) -> str:
        """The plan in a few words."""
        first = self.phases[0]
        count = f"{len(first.pictures.hr)} pictures{_at(first.patches.scales)}"
        if first.settings is None:
            return f"fit {self.card.component} to {count}"
        parts = [f"train {self.card.component} on {count}"]
        for phase in self.phases:
            if phase.settings is not None:
                name = "" if phase.name is None else f"{phase.name}: "
                parts.append(f"{name}{phase.settings.steps} steps of {phase.patches.batch} crops")
        return ", ".join(parts)


def _at(scales: Sequence[Scale]) -> str:
    """Several scales in a few words; one is the run's, which is told elsewhere."""
    if len(scales) == 1:
        return ""
    if len(scales) <= _MOST_NAMED:
        return f" at {', '.join(f'×{describe_scale(scale)}' for scale in scales)}"
    return f" at {len(scales)} scales from ×{describe_scale(scales[0])} to ×{describe_scale(scales[-1])}"
