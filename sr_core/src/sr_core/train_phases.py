"""The phases of a training, one after the other; each goes on with the network of the one before."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from sr_core.checkpoint import load_weights, write_weights
from sr_core.data.patches import Batches
from sr_core.errors import RunStopped, SrkitError
from sr_core.guard import guarded
from sr_core.interfaces.loss import LearnedLoss
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.training.checkpoints import WEIGHTS, Checkpoints, Loaded, load_latest
from sr_core.training.devices import Devices
from sr_core.training.loop import Trained, train
from sr_core.training.settings import TrainingSettings
from sr_core.training.stopping import stop_on_signals
from sr_core.training_journal import TrainingJournal
from sr_core.training_pictures import PatchesInTurn
from sr_core.training_plan import PhasePlan, TrainingPlan

_log = logging.getLogger("srkit")


class Home(NamedTuple):
    """Where a training belongs.

    Attributes:
        directory: its run directory.
        events: tells the log and the plugins.
        console: where progress is shown.
        resumes: whether it goes on from the directory's newest checkpoint.
    """

    directory: RunDirectory
    events: RunEvents
    console: Console
    resumes: bool = False


class Order(NamedTuple):
    """What the first device tells the others of a phase: whether it is done, and where to go on from.

    Attributes:
        run: the run directory.
        is_done: its final weights are there.
        step: of the checkpoint to go on from, counted since the run began; None to begin.
    """

    run: Path
    is_done: bool
    step: int | None


class Phases:
    """All phases, carried out on this device; the plan's network learns.

    Args:
        plan: what to do.
        devices: this one among all.
        patches: to learn from.
        home: where the training belongs; None on all devices but the first.
    """

    def __init__(self, plan: TrainingPlan, devices: Devices, patches: PatchesInTurn, home: Home | None) -> None:
        self._plan, self._devices, self._patches, self._home = plan, devices, patches, home
        self._is_resumed = False
        self._told_of: Batches | None = None

    def train(self) -> None:
        """One after the other, but those that are done.

        Raises:
            SrkitError: with what is wrong; what was saved stays.
            RunStopped: somebody asked for it; the state is saved.
        """
        before: PhasePlan | None = None
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._patches.closing())
            journal = None if self._home is None else stack.enter_context(self._journal(self._home))
            for phase in self._plan.phases:
                self._train_phase(phase, before, journal)
                before = phase

    def _journal(self, home: Home) -> TrainingJournal:
        return TrainingJournal(
            home.directory, home.events, home.console, self._plan.steps, tensorboard=self._plan.tensorboard
        )

    def _train_phase(self, phase: PhasePlan, before: PhasePlan | None, journal: TrainingJournal | None) -> None:
        model, settings, home = self._plan.model, phase.settings, self._home
        assert settings is not None  # noqa: S101 - fitted models have no phases
        checkpoints = None if home is None else Checkpoints(home.directory.path / phase.folder, phase.keep)
        loaded = self._newest(checkpoints)
        order: Order = self._devices.told(self._order(checkpoints, loaded))
        folder = order.run / phase.folder
        if order.is_done:
            load_weights(model, folder / "final" / WEIGHTS)
            return
        if loaded is None and order.step is not None:
            loaded = self._of_the_same_step(folder, order.step)
        patches = self._patches.of(phase)
        if loaded is None and before is not None and phase.goes_on:
            _go_on_with_what_was_learned(settings, phase.goes_on, order.run / before.folder)
        if journal is not None and home is not None:
            if patches is not self._told_of:
                _tell(patches.notes)
            self._told_of = patches
            journal.described(_facts(self._plan, settings, patches, self._devices))
            self._resume(journal, home, folder, loaded.step if loaded is not None else settings.begins_at)
        with stop_on_signals() as stop:
            trained = train(
                model,
                patches,
                settings,
                checkpoints,
                lambda network, path: write_weights(path, network, self._plan.card),
                journal,
                self._devices,
                phase.validator,
                loaded.state if loaded is not None else None,
                stop,
                order.run / "nonfinite",
            )
            if not trained.is_complete:
                self._stop(trained, journal, int(stop.signal or signal.SIGTERM))
        if checkpoints is not None:
            checkpoints.save_final(trained.step, lambda path: write_weights(path, trained.network, self._plan.card))
        if phase is not self._plan.phases[-1]:  # the next one must not forget what was asked in the last step of this
            (is_stopped,) = self._devices.any([bool(stop)])
            if is_stopped:
                self._stop(trained, journal, int(stop.signal or signal.SIGTERM))
        if trained.network is not model:
            model.load_state_dict(trained.network.state_dict())

    def _newest(self, checkpoints: Checkpoints | None) -> Loaded | None:
        if checkpoints is None or self._home is None or not self._home.resumes or checkpoints.has_final:
            return None
        return checkpoints.latest()

    def _order(self, checkpoints: Checkpoints | None, loaded: Loaded | None) -> Order | None:
        if checkpoints is None or self._home is None:
            return None
        is_done = self._home.resumes and checkpoints.has_final
        return Order(self._home.directory.path, is_done, loaded.step if loaded is not None else None)

    def _of_the_same_step(self, folder: Path, step: int) -> Loaded:
        loaded = load_latest(folder)
        if loaded is None or loaded.step != step:
            raise SrkitError(
                f"process {self._devices.rank} does not find the checkpoint of step {step} in {folder}; "
                "all processes need the same run directory"
            )
        return loaded

    def _resume(self, journal: TrainingJournal, home: Home, folder: Path, step: int) -> None:
        """Once: what was kept of later steps is forgotten."""
        if not home.resumes or self._is_resumed:
            return
        self._is_resumed = True
        if not any(folder.glob("step-*")):
            _log.warning("%s holds no checkpoint to resume from; training begins at step %d", folder, step)
        journal.resumed(step)

    def _stop(self, trained: Trained, journal: TrainingJournal | None, number: int) -> None:
        if journal is not None:
            journal.stopped(trained.step, "asked to")
        where = f"stopped after step {trained.step} of {self._plan.steps}"
        raise RunStopped(f"{where}; the state is saved: --resume goes on from there", 128 + number)


def _go_on_with_what_was_learned(settings: TrainingSettings, names: Mapping[str, str], folder: Path) -> None:
    """Losses that learn begin a phase as they ended the one before, whether or not this process saw it."""
    before = load_latest(folder)
    if before is None:
        raise SrkitError(f"{folder} holds no checkpoint, from which the losses {', '.join(names)} could go on")
    for entry in settings.losses:
        if entry.name in names and isinstance(entry.loss, LearnedLoss):
            with guarded(f"loss '{entry.name}' cannot go on with what it learned in the phase before", SrkitError):
                entry.loss.load_state_dict(before.state["losses"][names[entry.name]]["loss"])


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        _log.warning("%s", note)


def _facts(
    plan: TrainingPlan, settings: TrainingSettings, patches: Batches, devices: Devices
) -> dict[str, str | int | float]:
    """What the report says of the training."""
    return {
        "parameters": sum(parameter.numel() for parameter in plan.model.parameters()),
        "training pictures": patches.pictures,
        "kept": patches.placement,
        "precision": settings.precision,
        "devices": devices.world,
    }
