"""`train` of a spec built and put together, every fault placed in the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from sr_core.assembling import Assembler
from sr_core.building import resolved_parameters
from sr_core.checkpoint import WeightsCard
from sr_core.data.dataset import Dataset
from sr_core.data.training_set import TrainingSet
from sr_core.errors import SrkitError
from sr_core.interfaces.model import FittedModel, Model
from sr_core.loss_assembling import Learned
from sr_core.phase_assembling import PhaseAssembler
from sr_core.registry import Registry
from sr_core.spec.document import KeyPath
from sr_core.spec.faults import FaultCollector
from sr_core.spec.pathless import without_paths
from sr_core.spec.phases_spec import place_in_phases
from sr_core.spec.reading import Spec
from sr_core.spec.train_spec import TrainSpec
from sr_core.tensorboard_curves import check_tensorboard
from sr_core.training.devices import to_training_layout
from sr_core.training_plan import PhasePlan, TrainingPlan
from sr_core.weights import load_into, load_what_fits


class TrainAssembler:
    """Builds what `train` names; the assembler's own model is then the one that is trained."""

    def __init__(self, spec: Spec, registry: Registry, faults: FaultCollector, assembler: Assembler) -> None:
        self._spec, self._registry, self._faults, self._assembler = spec, registry, faults, assembler
        self._train: TrainSpec = spec.run.train[0]

    def plan(self, pictures: Sequence[TrainingSet | None], watched: Sequence[Sequence[Dataset]]) -> TrainingPlan | None:
        """The whole stage, from the pictures and the validation sets of each phase; None where parts are faulty."""
        run = self._spec.run
        degradation = self._assembler.build(("degradation",), "degradation", run.degradation)
        model = self._model()
        if model is None or degradation is None:
            return None
        for index, train in enumerate(run.train):
            if train.tensorboard:
                with self._faults.at(*place_in_phases(self._spec.document, index, "tensorboard")):
                    check_tensorboard()
        if isinstance(model, FittedModel) and len(run.train) > 1:
            with self._faults.at("train"):
                raise SrkitError(f"'{self._train.model.name}' is fitted at once; it has no phases")
        phases: list[PhasePlan] = []
        learned: Sequence[Learned] = ()
        begins_at = 0
        for index, (found, datasets) in enumerate(zip(pictures, watched, strict=True)):
            if found is None:
                continue
            phase = PhaseAssembler(self._spec, index, self._faults, self._assembler, begins_at, learned)
            phases.append(phase.plan(found, datasets, model))
            learned = phase.learned
            begins_at += run.train[index].steps or 0
        return TrainingPlan(
            model=model,
            card=self._card(model),
            degradation=degradation.to(self._assembler.device),
            phases=tuple(phases),
            tensorboard=any(train.tensorboard for train in run.train),
        )

    def _model(self) -> Model | None:
        torch.manual_seed(self._spec.run.seed)
        model: Model | None = self._assembler.build(self._at("model"), "model", self._train.model)
        if model is None:
            return None
        with self._faults.at(*self._at("model")):
            self._assembler.check_scales(self._train.model.name, model)
        if self._train.scale is not None:
            with self._faults.at(*self._at("scale")):
                self._assembler.check_scales(self._train.model.name, model, self._spec.run.trained_scales)
        if self._train.weights is not None:
            with self._faults.at(*self._at("weights")):
                start = Path(self._train.weights)
                if self._train.partial_weights:
                    self._assembler.notes.append(load_what_fits(model, start))
                else:
                    load_into(self._registry, self._train.model, model, start, self._assembler.filled)
        to_training_layout(model, self._assembler.device)
        return model

    def _at(self, *path: str) -> KeyPath:
        return place_in_phases(self._spec.document, 0, *path)

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
