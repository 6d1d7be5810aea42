"""One phase of a spec's `train` built and put together, every fault placed in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from sr_core.assembling import Assembler
from sr_core.data.dataset import Dataset
from sr_core.data.patches import PatchSettings
from sr_core.data.training_set import TrainingSet
from sr_core.errors import SrkitError
from sr_core.evaluation.benchmark import Benchmark
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.inference.precision import choose_training_precision
from sr_core.interfaces.loss import LearnedLoss
from sr_core.interfaces.model import FittedModel, Model
from sr_core.loss_assembling import Learned, LossAssembler, optimizer_recipe, schedule_recipe
from sr_core.protocol import PROTOCOLS, Protocol
from sr_core.spec.document import KeyPath
from sr_core.spec.faults import FaultCollector
from sr_core.spec.phases_spec import place_in_phases
from sr_core.spec.reading import Spec
from sr_core.spec.train_spec import TrainSpec, ValidateSpec
from sr_core.training.learner import moving_average
from sr_core.training.settings import (
    Clipping,
    OptimizerRecipe,
    ScheduleRecipe,
    TrainingSettings,
)
from sr_core.training.trial import try_optimizer, try_schedule
from sr_core.training.validation import Validator
from sr_core.training_plan import PhasePlan

_OF_CROPS = frozenset({"crop", "lr_crop", "batch", "augment", "shrink", "unpaired_lr"})
"""Keys of `train.data` that only a loop has a use for."""


class PhaseAssembler:
    """Builds what one phase of `train` names.

    Args:
        spec: of the run.
        index: of the phase.
        faults: where faults are noted.
        assembler: builds components.
        begins_at: steps of the phases before.
        before: the learned losses of the phase before, which go on where this one names them just so.
    """

    def __init__(
        self,
        spec: Spec,
        index: int,
        faults: FaultCollector,
        assembler: Assembler,
        begins_at: int,
        before: Sequence[Learned],
    ) -> None:
        self._spec, self._index, self._faults, self._assembler = spec, index, faults, assembler
        self._train: TrainSpec = spec.run.train[index]
        self._begins_at = begins_at
        self._losses = LossAssembler(spec, index, faults, assembler, before)

    @property
    def learned(self) -> Sequence[Learned]:
        """Its losses that learn, once the plan is made."""
        return self._losses.learned

    def plan(self, pictures: TrainingSet, watched: Sequence[Dataset], model: Model) -> PhasePlan:
        """The phase; its settings lack what is faulty."""
        train = self._train
        validator = self._validator(train.validation, watched, model) if train.validation is not None else None
        if isinstance(model, FittedModel):
            self._refuse_loop_keys()
        return PhasePlan(
            name=train.name if len(self._spec.run.train) > 1 else None,
            settings=None if isinstance(model, FittedModel) else self._settings(model),
            pictures=pictures,
            patches=self._patches(),
            validator=validator,
            keep=train.checkpoint.keep,
            goes_on=self._losses.goes_on,
        )

    def _at(self, *path: str | int) -> KeyPath:
        return place_in_phases(self._spec.document, self._index, *path)

    def _refuse_loop_keys(self) -> None:
        """Fitted models have no loop: keys that speak of one are mistakes."""
        fields = TrainSpec.model_fields
        given = {fields[key].alias or key for key in self._train.model_fields_set - {"model", "data"}}
        given |= {f"data.{key}" for key in self._train.data.model_fields_set & _OF_CROPS}
        with self._faults.at(*self._at()):
            if given:
                name, keys = self._train.model.name, ", ".join(sorted(given))
                raise SrkitError(f"'{name}' is fitted to whole pictures; {keys} mean nothing to it: remove them")

    def _settings(self, model: Model) -> TrainingSettings | None:
        train, run = self._train, self._spec.run
        crop = train.data.crop or train.data.lr_crop
        with self._faults.at(*self._at()):
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
            losses=self._losses.losses(model),
            steps=train.steps,
            optimizer=optimizer_recipe(train.optimizer),
            schedule=schedule_recipe(train.schedule),
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
            begins_at=self._begins_at,
        )
        self._try_optimizers(model, settings)
        return settings

    def _try_optimizers(self, model: Model, settings: TrainingSettings) -> None:
        """Find what PyTorch refuses before anything is written."""
        self._try(self._at(), model, settings.optimizer, settings.schedule, settings.steps)
        for index, entry in enumerate(settings.losses):
            if isinstance(entry.loss, LearnedLoss):
                path = self._at("loss", index)
                self._try(path, entry.loss, entry.optimizer, entry.schedule, settings.steps)
        if settings.ema is not None:
            with self._faults.at(*self._at("ema")):
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
        with self._faults.at(*self._at("data", "batch")):
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
            reference.name: self._assembler.build(self._at("validate", "metrics", index), "metric", reference)
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
