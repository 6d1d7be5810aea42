"""The losses of one phase of a spec's `train`, built and held to what the phase gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import torch

from sr_core.assembling import Assembler
from sr_core.errors import SrkitError
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.loss import LearnedLoss, Loss
from sr_core.interfaces.model import Model
from sr_core.prediction_trial import try_names
from sr_core.spec.document import KeyPath
from sr_core.spec.faults import FaultCollector
from sr_core.spec.phases_spec import place_in_phases
from sr_core.spec.reading import Spec
from sr_core.spec.train_spec import LossSpec, OptimizerSpec, ScheduleSpec, TrainSpec
from sr_core.training.settings import GroupRecipe, OptimizerRecipe, ScheduleRecipe, WeightedLoss


class Learned(NamedTuple):
    """A learned loss of a phase.

    Attributes:
        name: in curves and checkpoints.
        spec: how the phase names it.
        loss: the loss.
    """

    name: str
    spec: LossSpec
    loss: LearnedLoss


class LossAssembler:
    """Builds the losses of one phase.

    Attributes:
        learned: those of them that learn.
        goes_on: which of these go on from the phase before: name here → name there.

    Args:
        spec: of the run.
        index: of the phase.
        faults: where faults are noted.
        assembler: builds components.
        before: the learned losses of the phase before, which go on where this one names them just so.
    """

    def __init__(
        self, spec: Spec, index: int, faults: FaultCollector, assembler: Assembler, before: Sequence[Learned]
    ) -> None:
        self._spec, self._index, self._faults, self._assembler = spec, index, faults, assembler
        self._train: TrainSpec = spec.run.train[index]
        self._before = list(before)
        self.learned: list[Learned] = []
        self.goes_on: dict[str, str] = {}

    def _at(self, *path: str | int) -> KeyPath:
        return place_in_phases(self._spec.document, self._index, *path)

    def losses(self, model: Model) -> list[WeightedLoss]:
        """All of them, but those that are faulty."""
        channels = model.channels
        names = Counter[str]()
        losses: list[WeightedLoss] = []
        for index, wanted in enumerate(self._train.loss):
            path = self._at("loss", index)
            torch.manual_seed(self._spec.run.seed)  # whatever was built before must not change its first weights
            before = self._of_the_phase_before(wanted)
            loss: Loss | None = before.loss if before is not None else None
            loss = loss or self._assembler.build(path, "loss", wanted.component, {"channels": channels})
            if loss is None:
                continue
            with self._faults.at(*path):
                if not _fits(loss.channels, channels):
                    raise SrkitError(
                        f"'{wanted.component.name}' compares {_planes(loss.channels)}, "
                        f"and '{self._train.model.name}' makes {_planes(channels)}"
                    )
                if loss.needs_pairs and self._train.data.unpaired_lr is not None:
                    raise SrkitError(
                        f"'{wanted.component.name}' compares with the truth, which unpaired pictures lack; use losses "
                        "that need none, as gan, cycle or consistency"
                    )
                if not isinstance(loss, LearnedLoss) and (wanted.optimizer or wanted.schedule):
                    raise SrkitError(f"'{wanted.component.name}' learns nothing; it takes no optimizer or schedule")
            if not isinstance(loss, LearnedLoss):
                loss.requires_grad_(requires_grad=False)  # a feature network judges; it does not learn
            name = wanted.component.name.rpartition(":")[2]
            names[name] += 1
            name = name if names[name] == 1 else f"{name} {names[name]}"
            if isinstance(loss, LearnedLoss):
                self.learned.append(Learned(name, wanted, loss))
                if before is not None:
                    self.goes_on[name] = before.name
            own_optimizer = wanted.optimizer or self._train.optimizer.model_copy(update={"groups": ()})
            entry = WeightedLoss(
                name,
                loss.to(self._assembler.device),
                wanted.weight,
                optimizer_recipe(own_optimizer),
                schedule_recipe(wanted.schedule or self._train.schedule),
                wanted.predictions,
                wanted.on,
            )
            with self._faults.at(*path):
                try_names(model, entry, self._spec.run.trained_scales, self._assembler.device)
            losses.append(entry)
        return losses

    def _of_the_phase_before(self, wanted: LossSpec) -> Learned | None:
        """The learned loss that the phase before had just so: it goes on learning."""
        same = (
            found for found in self._before if (found.spec.component, found.spec.on) == (wanted.component, wanted.on)
        )
        found = next(same, None)
        if found is not None:
            self._before.remove(found)
        return found


def optimizer_recipe(spec: OptimizerSpec) -> OptimizerRecipe:
    """An optimiser as the loop is told of it."""
    groups = [GroupRecipe(group.match, group.lr, group.options) for group in spec.groups]
    return OptimizerRecipe(spec.name, spec.lr, groups, spec.options)


def schedule_recipe(spec: ScheduleSpec) -> ScheduleRecipe:
    """A schedule, likewise."""
    return ScheduleRecipe(spec.name, spec.warmup, spec.options)


def _fits(taken: Channels, made: Channels) -> bool:
    planes = {"y": 1, "rgb": 3}
    return "any" in (taken, made) or planes.get(str(taken), taken) == planes.get(str(made), made)


def _planes(channels: Channels) -> str:
    return f"{channels} planes" if isinstance(channels, int) else str(channels)
