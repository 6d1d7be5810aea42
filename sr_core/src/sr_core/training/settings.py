"""What the loop is told: every choice of a spec's `train`, as objects and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from sr_core.inference.precision import Precision
from sr_core.interfaces.loss import Loss


@dataclass(frozen=True)
class GroupRecipe:
    """Parameters that learn at a rate of their own.

    Attributes:
        match: shell pattern on parameter names.
        lr: their learning rate; None for the optimiser's.
        options: other options of the optimiser.
    """

    match: str
    lr: float | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class OptimizerRecipe:
    """An optimiser of `torch.optim`: its name in small letters, its rate and its options."""

    name: str = "adam"
    lr: float = 1e-3
    groups: Sequence[GroupRecipe] = ()
    options: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class ScheduleRecipe:
    """A schedule of the learning rate, and the steps at the start in which the rate rises from 0."""

    name: str = "constant"
    warmup: int = 0
    options: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Clipping:
    """What keeps gradients small; at most one of them is set.

    Attributes:
        norm: largest norm of all gradients together.
        value: largest size of any element.
        theta: largest size of any element times the learning rate (Kim et al., VDSR, CVPR 2016, section 3.2).
    """

    norm: float | None = None
    value: float | None = None
    theta: float | None = None


@dataclass(frozen=True)
class WeightedLoss:
    """One loss of the objective.

    Attributes:
        name: in curves; unique.
        loss: on the training device.
        weight: its share.
        predictions: factors on it for predictions of a network that has several, by their names; 1 for others.
        on: the only prediction that it sees; by default all, and for a loss that learns the final one.
        optimizer: of a learned loss's own parameters.
        schedule: likewise.
    """

    name: str
    loss: Loss
    weight: float = 1.0
    optimizer: OptimizerRecipe = OptimizerRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    predictions: Mapping[str, float] = field(default_factory=dict)
    on: str | None = None

    def weight_of(self, prediction: str) -> float:
        """Its share for one of the network's predictions."""
        return self.weight * self.predictions.get(prediction, 1.0)


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how to train.

    Attributes:
        losses: what is minimised.
        steps: of the optimiser.
        optimizer: of the network.
        schedule: of its learning rate.
        precision: of the forward pass.
        seed: of every random number.
        accumulate: parts a batch is cut into.
        clip: of gradients.
        ema: decay of the moving average of the weights; None for none.
        compile: by `torch.compile`.
        log: steps between two points of the curves.
        validate: steps between two validations.
        stop_after: validations without improvement before training ends early; None for never.
        checkpoint: steps between two checkpoints.
        in_a_row: steps that are not finite in a row before the state is rolled back.
        rollbacks: how often that may happen.
        begins_at: steps of the phases before this one: batches, chances, curves and files count from the run's begin.
    """

    losses: Sequence[WeightedLoss]
    steps: int
    optimizer: OptimizerRecipe = OptimizerRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    precision: Precision = "float32"
    seed: int = 0
    accumulate: int = 1
    clip: Clipping = Clipping()
    ema: float | None = None
    compile: bool = False
    log: int = 100
    validate: int = 1000
    stop_after: int | None = None
    checkpoint: int = 1000
    in_a_row: int = 5
    rollbacks: int = 2
    begins_at: int = 0
