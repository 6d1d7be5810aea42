"""`train` of a spec built and put together, every fault placed in the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sr_core.assembling import Assembler
from sr_core.building import resolved_parameters
from sr_core.checkpoint import WeightsCard
from sr_core.data.dataset import Dataset
from sr_core.data.patches import PatchSettings
from sr_core.data.training_set import TrainingSet
from sr_core.errors import SrkitError
from sr_core.evaluation.benchmark import Benchmark
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.inference.precision import choose_training_precision
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.loss import LearnedLoss, Loss
from sr_core.interfaces.model import FittedModel, Model
from sr_core.protocol import PROTOCOLS, Protocol
from sr_core.registry import Registry
from sr_core.spec.faults import FaultCollector
from sr_core.spec.pathless import without_paths
from sr_core.spec.reading import Spec
from sr_core.spec.train_spec import OptimizerSpec, ScheduleSpec, TrainSpec, ValidateSpec
from sr_core.tensorboard_curves import check_tensorboard
from sr_core.training.devices import to_training_layout
from sr_core.training.learner import moving_average
from sr_core.training.settings import (
    Clipping,
    GroupRecipe,
    OptimizerRecipe,
    ScheduleRecipe,
    TrainingSettings,
    WeightedLoss,
)
from sr_core.training.trial import try_optimizer, try_schedule
from sr_core.training.validation import Validator
from sr_core.training_plan import TrainingPlan
from sr_core.weights import load_into, load_what_fits

_OF_CROPS = frozenset({"crop", "lr_crop", "batch", "augment", "shrink"})
"""Keys of `train.data` that only a loop has a use for."""


class TrainAssembler:
    """Builds what `train` names; the assembler's own model is then the one that is trained."""

    def __init__(self, spec: Spec, registry: Registry, faults: FaultCollector, assembler: Assembler) -> None:
        assert spec.run.train is not None  # noqa: S101 - it is only made for specs that train
        self._spec, self._registry, self._faults, self._assembler = spec, registry, faults, assembler
        self._train: TrainSpec = spec.run.train

    def plan(self, pictures: TrainingSet | None, validation: Sequence[Dataset]) -> TrainingPlan | None:
        """The whole stage; None where parts of it are faulty."""
        run, train, device = self._spec.run, self._train, self._assembler.device
        degradation = self._assembler.build(("degradation",), "degradation", run.degradation)
        model = self._model()
        if model is None or degradation is None or pictures is None:
            return None
        if train.tensorboard:
            with self._faults.at("train", "tensorboard"):
                check_tensorboard()
        validator = self._validator(train.validation, validation, model) if train.validation is not None else None
        if isinstance(model, FittedModel):
            self._refuse_loop_keys()
            settings = None
        else:
            settings = self._settings(model)
        return TrainingPlan(
            model=model,
            card=self._card(model),
            settings=settings,
            pictures=pictures,
            patches=self._patches(),
            degradation=degradation.to(device),
            validator=validator,
            keep=train.checkpoint.keep,
            tensorboard=train.tensorboard,
        )

    def _model(self) -> Model | None:
        torch.manual_seed(self._spec.run.seed)
        model: Model | None = self._assembler.build(("train", "model"), "model", self._train.model)
        if model is None:
            return None
        with self._faults.at("train", "model"):
            self._assembler.check_scales(self._train.model.name, model)
        if self._train.scale is not None:
            with self._faults.at("train", "scale"):
                self._assembler.check_scales(self._train.model.name, model, self._spec.run.trained_scales)
        if self._train.weights is not None:
            with self._faults.at("train", "weights"):
                start = Path(self._train.weights)
                if self._train.partial_weights:
                    self._assembler.notes.append(load_what_fits(model, start))
                else:
                    load_into(self._registry, self._train.model, model, start, self._assembler.filled)
        to_training_layout(model, self._assembler.device)
        return model

    def _refuse_loop_keys(self) -> None:
        """Fitted models have no loop: keys that speak of one are mistakes."""
        fields = TrainSpec.model_fields
        given = {fields[key].alias or key for key in self._train.model_fields_set - {"model", "data"}}
        given |= {f"data.{key}" for key in self._train.data.model_fields_set & _OF_CROPS}
        with self._faults.at("train"):
            if given:
                name, keys = self._train.model.name, ", ".join(sorted(given))
                raise SrkitError(f"'{name}' is fitted to whole pictures; {keys} mean nothing to it: remove them")

    def _settings(self, model: Model) -> TrainingSettings | None:
        train, run = self._train, self._spec.run
        crop = train.data.crop or train.data.lr_crop
        with self._faults.at("train"):
            missing = [
                key
                for key, value in (
                    ("steps", train.steps),
                    ("loss", train.loss or None),
                    ("data.crop (or data.lr_crop)", crop),
                )
                if value is None
            ]
            if missing:
                raise SrkitError(f"{', '.join(missing)} missing; say how long, by what loss and on what crops to train")
        if train.steps is None or not train.loss or crop is None:
            return None
        validation = train.validation
        settings = TrainingSettings(
            losses=self._losses(model.channels),
            steps=train.steps,
            optimizer=_optimizer(train.optimizer),
            schedule=_schedule(train.schedule),
            precision=self._assembler.precision(choose_training_precision),
            seed=run.seed,
            accumulate=train.accumulate,
            clip=Clipping(**train.clip.model_dump()) if train.clip is not None else Clipping(),
            ema=train.ema,
            compile=train.compile,
            log=train.log,
            validate=validation.every if validation is not None else train.steps,
            stop_after=validation.stop_after if validation is not None else None,
            checkpoint=train.checkpoint.every,
            in_a_row=train.nonfinite.in_a_row,
            rollbacks=train.nonfinite.rollbacks,
        )
        self._try_optimizers(model, settings)
        return settings

    def _losses(self, channels: Channels) -> list[WeightedLoss]:
        names = Counter[str]()
        losses = []
        for index, wanted in enumerate(self._train.loss):
            path = ("train", "loss", index)
            torch.manual_seed(self._spec.run.seed)  # whatever was built before must not change its first weights
            loss: Loss | None = self._assembler.build(path, "loss", wanted.component, {"channels": channels})
            if loss is None:
                continue
            with self._faults.at(*path):
                if not _fits(loss.channels, channels):
                    raise SrkitError(
                        f"'{wanted.component.name}' compares {_planes(loss.channels)}, "
                        f"and '{self._train.model.name}' makes {_planes(channels)}"
                    )
                if not isinstance(loss, LearnedLoss) and (wanted.optimizer or wanted.schedule):
                    raise SrkitError(f"'{wanted.component.name}' learns nothing; it takes no optimizer or schedule")
            if not isinstance(loss, LearnedLoss):
                loss.requires_grad_(requires_grad=False)  # a feature network judges; it does not learn
            name = wanted.component.name.rpartition(":")[2]
            names[name] += 1
            own_optimizer = wanted.optimizer or self._train.optimizer.model_copy(update={"groups": ()})
            losses.append(
                WeightedLoss(
                    name if names[name] == 1 else f"{name} {names[name]}",
                    loss.to(self._assembler.device),
                    wanted.weight,
                    _optimizer(own_optimizer),
                    _schedule(wanted.schedule or self._train.schedule),
                )
            )
        return losses

    def _try_optimizers(self, model: Model, settings: TrainingSettings) -> None:
        """Find what PyTorch refuses before anything is written."""
        self._try(("train",), model, settings.optimizer, settings.schedule, settings.steps)
        for index, entry in enumerate(settings.losses):
            if isinstance(entry.loss, LearnedLoss):
                path = ("train", "loss", index)
                self._try(path, entry.loss, entry.optimizer, entry.schedule, settings.steps)
        if settings.ema is not None:
            with self._faults.at("train", "ema"):
                moving_average(model, settings.ema)

    def _try(
        self,
        path: tuple[str | int, ...],
        module: torch.nn.Module,
        recipe: OptimizerRecipe,
        wanted: ScheduleRecipe,
        steps: int,
    ) -> None:
        with self._faults.at(*path, "optimizer"):
            try_optimizer(module, recipe)
            with self._faults.at(*path, "schedule"):
                try_schedule(recipe, wanted, steps, is_validated=self._train.validation is not None)

    def _patches(self) -> PatchSettings:
        data = self._train.data
        with self._faults.at("train", "data", "batch"):
            if data.batch % self._train.accumulate:
                raise SrkitError(f"{data.batch} crops cannot be cut into {self._train.accumulate} equal parts")
        return PatchSettings(
            crop=data.crop or data.lr_crop or 1,
            crop_in="lr" if data.lr_crop is not None else "hr",
            batch=data.batch,
            scales=self._spec.run.trained_scales,
            augment=data.augment,
            shrink=data.shrink,
            small=data.small,
            memory=data.memory,
        )

    def _validator(self, wanted: ValidateSpec, datasets: Sequence[Dataset], model: Model) -> Validator | None:
        metrics: dict[str, Any] = {
            reference.name: self._assembler.build(("train", "validate", "metrics", index), "metric", reference)
            for index, reference in enumerate(wanted.metrics)
        }
        degradation = self._assembler.build(("degradation",), "degradation", self._spec.run.degradation)
        if degradation is None or None in metrics.values():
            return None
        candidate = MethodCandidate("trained", model, f"model '{self._train.model}'", self._assembler.device)
        benchmark = Benchmark(
            datasets=datasets,
            scales=self._spec.run.scale,
            candidates=[candidate],
            metrics=metrics,
            protocol=self._protocol(wanted),
            degradation=degradation.to(self._assembler.device),
            device=self._assembler.device,
            seed=self._spec.run.seed,
            degradation_name=str(self._spec.run.degradation),
        )
        return Validator(benchmark, candidate, wanted.best or wanted.metrics[0].name, wanted.pictures)

    def _protocol(self, wanted: ValidateSpec) -> Protocol:
        if wanted.protocol is not None:
            return wanted.protocol.protocol
        evaluate = self._spec.run.evaluate
        return evaluate.protocol.protocol if evaluate is not None else PROTOCOLS["modern"]

    def _card(self, model: Model) -> WeightsCard:
        reference = self._train.model
        component = self._registry.get("model", reference.name)
        return WeightsCard(
            component=component.name,
            distribution=component.distribution.name,
            parameters=resolved_parameters(self._registry, "model", reference, self._assembler.filled),
            scales=self._spec.run.trained_scales,
            channels=model.channels,
            spec=without_paths(self._spec.run.model_dump(mode="json", by_alias=True, exclude_none=True)),
        )


def _optimizer(spec: OptimizerSpec) -> OptimizerRecipe:
    groups = [GroupRecipe(group.match, group.lr, group.options) for group in spec.groups]
    return OptimizerRecipe(spec.name, spec.lr, groups, spec.options)


def _schedule(spec: ScheduleSpec) -> ScheduleRecipe:
    return ScheduleRecipe(spec.name, spec.warmup, spec.options)


def _fits(taken: Channels, made: Channels) -> bool:
    planes = {"y": 1, "rgb": 3}
    return "any" in (taken, made) or planes.get(str(taken), taken) == planes.get(str(made), made)


def _planes(channels: Channels) -> str:
    return f"{channels} planes" if isinstance(channels, int) else str(channels)
