"""`train` of a spec: which network learns what from which pictures, and how."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, JsonValue, model_serializer, model_validator

from sr_core.parameters import ComponentReference
from sr_core.spec.measuring_spec import DatasetSpec, ProtocolSpec, SpecPart
from sr_core.spec.train_data_spec import TrainDataSpec, TrainScales
from sr_core.spec.values import FilePath, MetricReference, Name, known, one_or_many

Steps = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class NamedOptions(SpecPart):
    """A name, keys of ours, and options that the named thing checks itself when it is built."""

    options: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, value: object) -> object:
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict) or "options" in value:
            return value
        own = {key: item for key, item in value.items() if key in cls.model_fields}
        return {**own, "options": {key: item for key, item in value.items() if key not in own}}

    @model_serializer(mode="wrap")
    def _as_written(self, handler: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own callable
        written = handler(self)
        options = written.pop("options")
        return {**{key: value for key, value in written.items() if value not in (None, (), [])}, **options}


class ParameterGroupSpec(NamedOptions):
    """Parameters that learn at their own rate, as the last layer of SRCNN and FSRCNN.

    Attributes:
        match: shell pattern on parameter names, as `last.*` or `*.bias`; the first group that matches counts.
        lr: their learning rate.
        options: any other option of the optimiser, as `weight_decay`.
    """

    match: Annotated[str, Field(min_length=1)]
    lr: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class OptimizerSpec(NamedOptions):
    """An optimiser of `torch.optim` by name: `{name: adam, lr: 1e-3, betas: [0.9, 0.999]}`.

    Attributes:
        name: `adam`, `adamw`, `sgd` and the like.
        lr: the learning rate.
        groups: parameters that learn at a rate of their own.
        options: the optimiser's other options, as PyTorch names them.
    """

    name: str = "adam"
    lr: Rate = 1e-3
    groups: Annotated[tuple[ParameterGroupSpec, ...], Field(strict=False)] = ()


class ScheduleSpec(NamedOptions):
    """A schedule of `torch.optim.lr_scheduler` by name: `{name: multi_step, milestones: [1000], gamma: 0.1}`.

    Attributes:
        name: `constant`, `step`, `multi_step`, `cosine`, `one_cycle`, `plateau`, `exponential`, `linear`,
            `polynomial`.
        warmup: steps at the start in which the rate rises from 0.
        options: the schedule's other options, as PyTorch names them; lengths are in steps (`plateau`: validations).
    """

    name: str = "constant"
    warmup: Annotated[int, Field(ge=0)] = 0


class LossSpec(SpecPart):
    """One loss: `l1`, or `{name: l1, weight: 0.5}` with its parameters.

    Attributes:
        component: the loss with its parameters.
        weight: its share in the objective.
        predictions: factors on the weight for a network that makes several predictions (LapSRN's levels, SRFBN's
            steps), by their names, as curves have them: `{"x2": 0.5}`; 1 for those that are not named.
        on: the only prediction that it compares, by its name; by default all, and for a loss that learns the final one.
        optimizer: of a learned loss's own parameters; by default as the network's, without its groups.
        schedule: likewise.
    """

    component: Annotated[ComponentReference, known("loss")]
    weight: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    predictions: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(default_factory=dict)
    on: str | None = None
    optimizer: OptimizerSpec | None = None
    schedule: ScheduleSpec | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_component(cls, value: object) -> object:
        if isinstance(value, str):
            return {"component": value}
        if not isinstance(value, dict) or "component" in value:
            return value
        own = {key: item for key, item in value.items() if key in cls.model_fields}
        return {**own, "component": {key: item for key, item in value.items() if key not in own}}

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        own = {
            "weight": self.weight,
            "predictions": self.predictions,
            "on": self.on,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }
        written = {
            key: value.model_dump() if isinstance(value, SpecPart) else value
            for key, value in own.items()
            if value not in (None, 1.0, {})
        }
        if not written and not self.component.parameters:
            return self.component.name
        return {"name": self.component.name, **self.component.parameters, **written}


class ClipSpec(SpecPart):
    """What keeps gradients small; one of the three.

    Attributes:
        norm: largest norm of all gradients together.
        value: largest size of any element.
        theta: largest size of any element times the learning rate (VDSR's adjustable clipping).
    """

    norm: Rate | None = None
    value: Rate | None = None
    theta: Rate | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(bound is not None for bound in (self.norm, self.value, self.theta)) != 1:
            raise ValueError("give one of norm, value, theta")
        return self


class ValidateSpec(SpecPart):
    """Measure while training, under the same protocol as afterwards.

    Attributes:
        every: steps between two validations.
        on: the data sets.
        metrics: what is measured.
        best: the metric that picks the best checkpoint, by its mean over all data sets and scales.
        stop_after: stop when this many validations in a row brought nothing better.
        protocol: by default that of `evaluate`, else `modern`.
        pictures: of how many pictures the report shows how they improve.
    """

    every: Steps
    on: Annotated[tuple[DatasetSpec, ...], Field(strict=False, min_length=1), BeforeValidator(one_or_many)]
    metrics: Annotated[tuple[MetricReference, ...], Field(strict=False, min_length=1)] = (
        ComponentReference(name="psnr"),
    )
    best: Name | None = None
    stop_after: Steps | None = None
    protocol: ProtocolSpec | None = None
    pictures: Annotated[int, Field(ge=0, le=16)] = 4

    @model_validator(mode="after")
    def _best_is_measured(self) -> Self:
        names = [metric.name for metric in self.metrics]
        if self.best is not None and self.best not in names:
            raise ValueError(f"best: '{self.best}' is not measured here; metrics are {', '.join(names)}")
        return self


class CheckpointSpec(SpecPart):
    """Save the whole state now and then, so that a run can go on where it ended.

    Attributes:
        every: steps between two checkpoints.
        keep: how many of the newest are kept; the best and the final one are kept besides.
    """

    every: Steps = 1000
    keep: Annotated[int, Field(gt=0)] = 3


class NonFiniteSpec(SpecPart):
    """What happens when a loss or gradient is not a finite number; the step is always skipped.

    Attributes:
        in_a_row: after this many such steps in a row go back to the last good state with half the learning rate.
        rollbacks: how often, before the run stops.
    """

    in_a_row: Steps = 5
    rollbacks: Annotated[int, Field(ge=0)] = 2


class TrainSpec(SpecPart):
    """Train one network, or one phase of its training.

    A training of several phases is a list of these. Each phase goes on with the network of the one before, and what it
    leaves out is as it was there.

    Attributes:
        name: of the phase, where there are several.
        model: the network with its parameters.
        scale: what to train at, one drawn for each batch: a scale, several, or `{from: 1.1, to: 4, step: 0.1}`; by
            default the run's, which is what is measured in any case.
        weights: a weights file to start from.
        partial_weights: take over the tensors of `weights` that fit and let the others start anew, as papers do who
            begin ×3 and ×4 from ×2.
        data: the pictures.
        loss: what is minimised; several are added by weight.
        optimizer: how.
        schedule: of the learning rate.
        steps: of the optimiser.
        accumulate: parts that a batch is cut into, whose gradients are added up; for large batches on small devices.
        clip: of gradients.
        ema: decay of the moving average of the weights, which is then validated and kept; none by default.
        compile: by `torch.compile`.
        log: steps between two points of the curves.
        validation: measure while training (`validate` in the file).
        checkpoint: save while training.
        nonfinite: what happens to losses that are no number.
        tensorboard: also write the curves for TensorBoard.
    """

    name: Name | None = None
    model: Annotated[ComponentReference, known("model")]
    scale: TrainScales | None = None
    weights: FilePath | None = None
    partial_weights: bool = False
    data: TrainDataSpec
    loss: Annotated[tuple[LossSpec, ...], Field(strict=False), BeforeValidator(one_or_many)] = ()
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    steps: Steps | None = None
    accumulate: Annotated[int, Field(gt=0)] = 1
    clip: ClipSpec | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    compile: bool = False
    log: Steps = 100
    validation: ValidateSpec | None = Field(default=None, alias="validate")
    checkpoint: CheckpointSpec = CheckpointSpec()
    nonfinite: NonFiniteSpec = NonFiniteSpec()
    tensorboard: bool = False

    @model_validator(mode="before")
    @classmethod
    def _network_is_named(cls, value: object) -> object:
        if isinstance(value, dict) and isinstance(value.get("model"), str) and value["model"] == "trained":
            raise ValueError("model: 'trained' is what comes out of training; name the network to train")
        return value

    @model_validator(mode="after")
    def _something_to_take_over(self) -> Self:
        if self.partial_weights and self.weights is None:
            raise ValueError("'partial_weights' says how 'weights' are taken over; name the file there")
        return self
