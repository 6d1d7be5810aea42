"""The training loop: one for every network, from a laptop to several GPUs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sr_core.data.patches import Batches, PatchBatch
from sr_core.errors import SrkitError
from sr_core.guard import describe
from sr_core.interfaces.model import Model
from sr_core.training.checkpoints import Checkpoints
from sr_core.training.devices import Devices, another_ended
from sr_core.training.journal import Journal
from sr_core.training.learner import Learner, StepOutcome
from sr_core.training.memory import is_out_of_memory, parts_that_fit
from sr_core.training.pace import Pace
from sr_core.training.recovery import Recovery
from sr_core.training.settings import TrainingSettings
from sr_core.training.stopping import StopRequest
from sr_core.training.validation import Validator

_log = logging.getLogger("srkit")

WriteNetwork = Callable[[Model, Path], None]


@dataclass(frozen=True)
class Trained:
    """What a training came to.

    Attributes:
        network: with the final weights (their moving average, where there is one).
        step: steps done since the run began.
        is_complete: False where somebody asked the run to stop.
        best: the best validation figure; None without validation.
        best_step: when it was.
    """

    network: Model
    step: int
    is_complete: bool
    best: float | None
    best_step: int


def train(
    model: Model,
    patches: Batches,
    settings: TrainingSettings,
    checkpoints: Checkpoints | None,
    write_weights: WriteNetwork,
    journal: Journal | None,
    devices: Devices,
    validator: Validator | None = None,
    state: Mapping[str, Any] | None = None,
    stop: StopRequest | None = None,
    nonfinite: Path | None = None,
) -> Trained:
    """Train a network.

    Args:
        model: on its device; it is changed.
        patches: this device's part of every batch.
        settings: how long and how.
        checkpoints: where the state is saved; None on all devices but the first.
        write_weights: writes a network's weights file.
        journal: is told what happens; None on all devices but the first.
        devices: this one among all.
        validator: measures the network now and then; only the first device's is called.
        state: of a checkpoint to go on from.
        stop: asks the loop to finish its step, save and return.
        nonfinite: the folder for batches that made no finite loss; None keeps none.

    Raises:
        SrkitError: losses stay not finite, memory is too small, the disk is full, or a component failed.
    """
    higher_is_better = validator.higher_is_better if validator is not None else True
    measured_by = validator.figure if validator is not None else ""
    learner = Learner(model, settings, devices, higher_is_better=higher_is_better, measured_by=measured_by)
    recovery = Recovery(settings, nonfinite)
    pace = Pace(devices)
    if state is not None:
        _go_on(learner, state)
    model.train()
    recovery.remember(learner)

    def keep_best() -> None:
        if checkpoints is not None:
            checkpoints.save_best(learner.run_step, lambda path: write_weights(learner.network, path))

    # Where a phase before this one ended in the same place, its last validation is in the journal already.
    begins = journal if settings.begins_at == 0 else None
    if learner.step == 0 and _validate(learner, validator, begins, devices):
        keep_best()
    is_stopped = False
    is_over = _has_stalled(learner, settings)
    while learner.step < settings.steps and not is_stopped and not is_over:
        pace.starts()
        batch = patches.batch(learner.run_step)
        pace.has_data()
        outcome, full = _try_step(learner, batch, patches, devices)
        if outcome is None:  # out of the except block: what the step held in memory is free again
            raise _out_of_memory(learner, patches, settings, devices, full)
        pace.finished(outcome, len(batch.lr) * devices.world)
        learner.step += 1
        if recovery.saw(learner, outcome.failure):
            if journal is not None:
                journal.cut_back(learner.run_step)
            continue

        (is_stopped,) = devices.any([bool(stop)])
        is_last = learner.step == settings.steps
        if learner.is_point(learner.step):
            values = pace.point(learner.update.schedule.rate)
            if journal is not None:
                journal.logged(learner.run_step, values)
        if journal is not None:
            journal.advanced(learner.run_step)
        if validator is not None and (learner.step % settings.validate == 0 or is_last):
            if _validate(learner, validator, journal, devices):
                keep_best()
            is_over = _has_stalled(learner, settings)
        if learner.step % settings.checkpoint == 0 or is_last or is_stopped or is_over:
            if checkpoints is not None:
                checkpoints.save(learner.run_step, learner.state(), lambda path: write_weights(learner.network, path))
            recovery.remember(learner)
    if is_over:
        _log.warning(
            "step %d: %d validations brought nothing better than step %d; training ends here",
            *(learner.run_step, learner.validations_since_best, settings.begins_at + learner.best_step),
        )
    is_complete = not is_stopped or learner.step >= settings.steps
    return Trained(learner.network, learner.run_step, is_complete, learner.best, settings.begins_at + learner.best_step)


def _validate(learner: Learner, validator: Validator | None, journal: Journal | None, devices: Devices) -> bool:
    """Measure; True where the network is the best so far. The first device measures, and all are told."""
    if validator is None:
        return False
    figure = validator.measure(learner.network, learner.run_step, journal) if devices.is_first else 0.0
    return learner.judged(float(devices.told(figure)), higher_is_better=validator.higher_is_better)


def _has_stalled(learner: Learner, settings: TrainingSettings) -> bool:
    return settings.stop_after is not None and learner.validations_since_best >= settings.stop_after


def _go_on(learner: Learner, state: Mapping[str, Any]) -> None:
    """Restore a checkpoint's state, and say what of it could not be used."""
    for lost in learner.restore(state):
        _log.warning("not in the checkpoint: %s", lost)
    before, now = state.get("threads"), torch.get_num_threads()
    if before != now:
        _log.warning("this run was begun with %s threads and goes on with %d; the last bits will differ", before, now)


def _try_step(
    learner: Learner, batch: PatchBatch, patches: Batches, devices: Devices
) -> tuple[StepOutcome | None, str]:
    """A step's outcome; or None and the reason, where memory was too small.

    Raises:
        SrkitError: a component failed, or another process of this training ended.
    """
    try:
        return learner.take_step(batch, lambda stream: patches.batch(learner.run_step, stream)), ""
    except (RuntimeError, MemoryError, SrkitError) as error:
        if is_out_of_memory(error):
            return None, describe(error)
        if devices.world > 1 and isinstance(error, RuntimeError):
            raise another_ended(error) from error
        raise


def _out_of_memory(
    learner: Learner, patches: Batches, settings: TrainingSettings, devices: Devices, reason: str
) -> SrkitError:
    """The error that says what was tried and what would fit."""
    batch = patches.batch(learner.run_step)
    crops, parts = len(batch.lr), settings.accumulate
    lr, hr = (f"{image.shape[-2]}×{image.shape[-1]}" for image in (batch.lr, batch.hr))
    tried = (
        f"step {learner.run_step}: {devices.device} has not enough memory for {crops} crops of {lr} LR ({hr} HR) "
        f"in {parts} part{'s' * (parts > 1)}, precision {settings.precision}"
    )
    if devices.world > 1:  # trying would take all of them
        return SrkitError(f"{tried}; make train.accumulate or the number of devices larger ({reason})")
    learner.update.clear()
    enough = parts_that_fit(lambda count: learner.rehearse(batch.first(count)), crops, parts)
    if enough is None:
        return SrkitError(f"{tried}; not even one crop fits: make train.data.crop smaller ({reason})")
    return SrkitError(f"{tried}; with train.accumulate: {enough} it fits, and learns the same")
