"""The train stage of a run: pictures loaded, the network trained or fitted, its weights kept."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console

from sr_core.checkpoint import load_weights, write_weights
from sr_core.data.patches import Patches, load_patches
from sr_core.data.training_pairs import training_pairs
from sr_core.errors import RunStopped
from sr_core.interfaces.model import FittedModel, Model
from sr_core.progress import bar
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.train_assembling import TrainingPlan
from sr_core.training.checkpoints import Checkpoints, Loaded, load_latest
from sr_core.training.devices import Devices, joined_devices
from sr_core.training.fitting import fit
from sr_core.training.loop import Trained, train
from sr_core.training.settings import TrainingSettings
from sr_core.training.stopping import stop_on_signals
from sr_core.training_journal import TrainingJournal

_log = logging.getLogger("srkit")

FIT_PARTS = 1000
"""Pieces that the progress of a fit is shown in."""


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
    resumes: bool


def carry_out(plan: TrainingPlan, device: torch.device, seed: int, home: Home) -> Model:
    """Train, as the first of all devices.

    Args:
        plan: what to do.
        device: where.
        seed: of every random number.
        home: the run directory, and who is told.

    Returns:
        The trained network, ready to be used.

    Raises:
        SrkitError: with what is wrong; what was saved stays.
        RunStopped: somebody asked for it; the state is saved.
    """
    checkpoints = Checkpoints(home.directory.path / "checkpoints", plan.keep)
    is_done = home.resumes and checkpoints.has_final
    if isinstance(plan.model, FittedModel):
        if not is_done:
            _fit(plan, plan.model, device, seed, home.console)
            checkpoints.save_final(0, lambda path: write_weights(path, plan.model, plan.card))
            return _ready(plan.model)
    else:
        with joined_devices(device) as devices:
            devices.told(Order(is_done, checkpoints.folder if home.resumes else None))
            if not is_done:
                loaded = _latest(checkpoints) if home.resumes else None
                trained = _train(plan, devices, seed, loaded, home, checkpoints)
                checkpoints.save_final(trained.step, lambda path: write_weights(path, trained.network, plan.card))
                return _ready(trained.network)
    load_weights(plan.model, checkpoints.final)
    return _ready(plan.model)


class Order(NamedTuple):
    """What the first device tells the others: that all is done, or where to go on from."""

    is_done: bool
    checkpoints: Path | None


def take_part(plan: TrainingPlan, device: torch.device, seed: int) -> None:
    """Train as one of the other devices, which write nothing."""
    if isinstance(plan.model, FittedModel):
        return
    with joined_devices(device) as devices:
        order: Order = devices.told(None)
        if not order.is_done:
            loaded = load_latest(order.checkpoints) if order.checkpoints is not None else None
            _train(plan, devices, seed, loaded, None, None)


def _latest(checkpoints: Checkpoints) -> Loaded | None:
    loaded = checkpoints.latest()
    if loaded is None:
        _log.warning("%s holds no checkpoint to resume from; training begins at step 0", checkpoints.folder)
    return loaded


def _train(
    plan: TrainingPlan,
    devices: Devices,
    seed: int,
    loaded: Loaded | None,
    home: Home | None,
    checkpoints: Checkpoints | None,
) -> Trained:
    settings = plan.settings
    assert settings is not None  # noqa: S101 - only fitted models have none
    with contextlib.ExitStack() as stack:
        patches = stack.enter_context(contextlib.closing(_load(plan, devices, seed, home)))
        stop = stack.enter_context(stop_on_signals())
        journal = None
        if home is not None:
            journal = TrainingJournal(
                home.directory, home.events, home.console, settings.steps, tensorboard=plan.tensorboard
            )
            stack.enter_context(journal)
            journal.described(_facts(plan, settings, patches, devices))
            if home.resumes:
                journal.resumed(loaded.step if loaded is not None else 0)
        trained = train(
            plan.model,
            patches,
            settings,
            checkpoints,
            lambda network, path: write_weights(path, network, plan.card),
            journal,
            devices,
            plan.validator,
            loaded.state if loaded is not None else None,
            stop,
        )
        if not trained.is_complete:
            _stop(trained, settings, journal, int(stop.signal or 0))
    return trained


def _facts(
    plan: TrainingPlan, settings: TrainingSettings, patches: Patches, devices: Devices
) -> dict[str, str | int | float]:
    """What the report says of the training."""
    return {
        "parameters": sum(parameter.numel() for parameter in plan.model.parameters()),
        "training pictures": patches.pictures,
        "kept": patches.placement,
        "precision": settings.precision,
        "devices": devices.world,
    }


def _stop(trained: Trained, settings: TrainingSettings, journal: TrainingJournal | None, number: int) -> None:
    if journal is not None:
        journal.stopped(trained.step, "asked to")
    message = f"stopped after step {trained.step} of {settings.steps}; the state is saved: --resume goes on from there"
    raise RunStopped(message, 128 + number)


def _load(plan: TrainingPlan, devices: Devices, seed: int, home: Home | None) -> Patches:
    count = len(plan.pictures.hr)
    shown = bar(home.console, "reading pictures", count) if home is not None else contextlib.nullcontext()
    with shown as progress:
        patches = load_patches(
            plan.pictures,
            plan.patches,
            plan.model.channels,
            plan.degradation,
            devices.device,
            seed,
            devices.rank,
            devices.world,
            None if progress is None else lambda done, _: progress.update(done),
        )
    if home is not None:
        for note in patches.notes:
            _log.warning("%s", note)
    return patches


def _fit(plan: TrainingPlan, model: FittedModel, device: torch.device, seed: int, console: Console) -> None:
    pairs = training_pairs(plan.pictures, plan.patches.scales, plan.model.channels, plan.degradation, device, seed)
    with bar(console, "fitting", FIT_PARTS) as progress:
        fit(model, pairs, lambda share: progress.update(round(share * FIT_PARTS)))


def _ready(network: Model) -> Model:
    return network.eval().requires_grad_(requires_grad=False)
