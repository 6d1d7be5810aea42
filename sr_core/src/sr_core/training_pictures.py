"""The pictures that the phases of a training learn from, read when they are needed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from rich.console import Console

from sr_core.data.patches import Batches, load_patches
from sr_core.data.training_pairs import TrainingPairs, training_pairs
from sr_core.data.unpaired import load_unpaired
from sr_core.inference.devices import process_rank, world_size
from sr_core.interfaces.model import FittedModel
from sr_core.progress import bar
from sr_core.training_plan import PhasePlan, TrainingPlan

Pictures = Batches | TrainingPairs


def load_pictures(plan: TrainingPlan, device: torch.device, seed: int, console: Console | None) -> Pictures:
    """Read and check every picture to learn from; this process's part of them, where there are several.

    Those of later phases are checked too: what is wrong with them is better known now than in hours.

    Args:
        plan: which.
        device: where they are needed.
        seed: of every random number.
        console: where progress is shown; None for nowhere.

    Returns:
        The pictures of the first phase.

    Raises:
        DatasetError: pictures cannot be used: all of them are named.
    """
    checked = [plan.phases[0]]
    for phase in plan.phases[1:]:
        if not any(phase.learns_from_the_same(other) for other in checked):
            patches_of(plan, phase, device, seed, console).close()
            checked.append(phase)
    if not isinstance(plan.model, FittedModel):
        return patches_of(plan, plan.phases[0], device, seed, console)
    pictures, shape = plan.phases[0].pictures, plan.phases[0].patches
    with contextlib.nullcontext() if console is None else bar(console, "reading pictures", len(pictures.hr)) as shown:
        return training_pairs(
            *(pictures, shape.scales, plan.model.channels, plan.degradation, device, seed),
            *(shape.small, shape.memory, None if shown is None else lambda done, _: shown.update(done)),
        )


def patches_of(
    plan: TrainingPlan, phase: PhasePlan, device: torch.device, seed: int, console: Console | None
) -> Batches:
    """The crops of one phase.

    Args:
        plan: of the training.
        phase: which.
        device: where they are needed.
        seed: of every random number.
        console: where progress is shown; None for nowhere.

    Raises:
        DatasetError: pictures cannot be used: all of them are named.
    """
    count = len(phase.pictures.hr)
    with contextlib.nullcontext() if console is None else bar(console, "reading pictures", count) as shown:
        these = (process_rank(), world_size(), None if shown is None else lambda done, _: shown.update(done))
        if phase.pictures.unpaired_lr:
            return load_unpaired(phase.pictures, phase.patches, plan.model.channels, device, seed, *these)
        return load_patches(phase.pictures, phase.patches, plan.model.channels, plan.degradation, device, seed, *these)


class PatchesInTurn:
    """The crops of one phase after the other, each read once, and those of one phase at a time in memory.

    Args:
        plan: of the training.
        device: where they are needed.
        seed: of every random number.
        console: where progress is shown; None for nowhere.
        first: those of the first phase, where they are read already.
    """

    def __init__(
        self, plan: TrainingPlan, device: torch.device, seed: int, console: Console | None, first: Pictures | None
    ) -> None:
        assert first is None or isinstance(first, Batches)  # noqa: S101 - fitted models alone have pairs
        self._plan, self._device, self._seed, self._console = plan, device, seed, console
        self._held, self._phase = first, plan.phases[0]

    def of(self, phase: PhasePlan) -> Batches:
        """Those of a phase.

        Raises:
            DatasetError: a picture has become unusable since it was checked.
        """
        if self._held is None or not phase.learns_from_the_same(self._phase):
            self._close()
            self._held = patches_of(self._plan, phase, self._device, self._seed, self._console)
        self._phase = phase
        return self._held

    def _close(self) -> None:
        if self._held is not None:
            self._held.close()
        self._held = None

    @contextmanager
    def closing(self) -> Iterator[PatchesInTurn]:
        """A block after which nothing is read ahead any more."""
        try:
            yield self
        finally:
            self._close()
