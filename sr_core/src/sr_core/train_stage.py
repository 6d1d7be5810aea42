"""The train stage of a run: pictures loaded, the network trained or fitted, its weights kept."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console

from sr_core.checkpoint import load_weights, write_weights
from sr_core.data.patches import Patches, load_patches
from sr_core.data.training_pairs import TrainingPairs, training_pairs
from sr_core.errors import RunStopped, SrkitError
from sr_core.inference.devices import process_rank, world_size
from sr_core.interfaces.model import FittedModel, Model
from sr_core.progress import bar
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.training.checkpoints import Checkpoints, Loaded, load_latest
from sr_core.training.devices import Devices, joined_devices
from sr_core.training.fitting import fit
from sr_core.training.loop import Trained, train
from sr_core.training.settings import TrainingSettings
from sr_core.training.stopping import stop_on_signals
from sr_core.training_journal import TrainingJournal
from sr_core.training_plan import TrainingPlan

_log = logging.getLogger("srkit")

FIT_PARTS = 1000
"""Pieces that the progress of a fit is shown in."""


Pictures = Patches | TrainingPairs


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
    """What the first device tells the others: that all is done, where batches that fail go, where to go on from."""

    is_done: bool
    nonfinite: Path
    checkpoints: Path
    step: int | None


def load_pictures(plan: TrainingPlan, device: torch.device, seed: int, console: Console | None) -> Pictures:
    """Read and check every picture to learn from; this process's part of them, where there are several.

    Args:
        plan: which.
        device: where they are needed.
        seed: of every random number.
        console: where progress is shown; None for nowhere.

    Raises:
        DatasetError: pictures cannot be used: all of them are named.
    """
    count, shape = len(plan.pictures.hr), plan.patches
    shown = bar(console, "reading pictures", count) if console is not None else contextlib.nullcontext()
    with shown as progress:
        tell = None if progress is None else lambda done, _: progress.update(done)
        if isinstance(plan.model, FittedModel):
            return training_pairs(
                *(plan.pictures, shape.scales, plan.model.channels, plan.degradation, device, seed),
                *(shape.small, shape.memory, tell),
            )
        return load_patches(
            *(plan.pictures, shape, plan.model.channels, plan.degradation, device, seed),
            *(process_rank(), world_size(), tell),
        )


def forget_end(directory: RunDirectory) -> None:
    """Let a training that came to its end go on, under another spec."""
    Checkpoints(directory.path / "checkpoints", keep=1).remove_final()


def carry_out(plan: TrainingPlan, device: torch.device, seed: int, home: Home, pictures: Pictures | None) -> Model:
    """Train, as the first of all devices.

    Args:
        plan: what to do.
        device: where.
        seed: of every random number.
        home: the run directory, and who is told.
        pictures: to learn from; None where they are to be loaded only if they are needed.

    Returns:
        The trained network, ready to be used.

    Raises:
        SrkitError: with what is wrong; what was saved stays.
        RunStopped: somebody asked for it; the state is saved.
    """
    checkpoints = Checkpoints(home.directory.path / "checkpoints", plan.keep)
    is_done = home.resumes and checkpoints.has_final
    loaded = _latest(checkpoints) if home.resumes and not is_done and plan.settings is not None else None
    if plan.settings is not None:
        with joined_devices(device) as devices:
            nonfinite = home.directory.path / "nonfinite"
            order = Order(is_done, nonfinite, checkpoints.folder, loaded.step if loaded is not None else None)
            devices.told(order)
            if not is_done:
                pictures = pictures or load_pictures(plan, device, seed, home.console)
                trained = _train(plan, pictures, devices, loaded, nonfinite, home, checkpoints)
                checkpoints.save_final(trained.step, lambda path: write_weights(path, trained.network, plan.card))
                return _ready(trained.network)
    elif not is_done:
        _fit(plan, pictures or load_pictures(plan, device, seed, home.console), home.console)
        checkpoints.save_final(0, lambda path: write_weights(path, plan.model, plan.card))
        return _ready(plan.model)
    load_weights(plan.model, checkpoints.final)
    return _ready(plan.model)


def take_part(plan: TrainingPlan, device: torch.device, seed: int) -> None:
    """Train as one of the other devices, which write nothing but batches that fail.

    Raises:
        SrkitError: with what is wrong.
    """
    if plan.settings is None:
        return
    pictures = load_pictures(plan, device, seed, None)
    with joined_devices(device) as devices:
        order: Order = devices.told(None)
        if order.is_done:
            return
        loaded = load_latest(order.checkpoints) if order.step is not None else None
        if order.step is not None and (loaded is None or loaded.step != order.step):
            raise SrkitError(
                f"process {devices.rank} does not find the checkpoint of step {order.step} in {order.checkpoints}; "
                "all processes need the same run directory"
            )
        _train(plan, pictures, devices, loaded, order.nonfinite, None, None)


def _latest(checkpoints: Checkpoints) -> Loaded | None:
    loaded = checkpoints.latest()
    if loaded is None:
        _log.warning("%s holds no checkpoint to resume from; training begins at step 0", checkpoints.folder)
    return loaded


def _train(
    plan: TrainingPlan,
    pictures: Pictures,
    devices: Devices,
    loaded: Loaded | None,
    nonfinite: Path,
    home: Home | None,
    checkpoints: Checkpoints | None,
) -> Trained:
    settings = plan.settings
    assert settings is not None and isinstance(pictures, Patches)  # noqa: S101, PT018 - fitted models alone have none
    with contextlib.ExitStack() as stack:
        patches = stack.enter_context(contextlib.closing(pictures))
        stop = stack.enter_context(stop_on_signals())
        journal = None
        if home is not None:
            _tell(patches.notes)
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
            nonfinite,
        )
        if not trained.is_complete:
            _stop(trained, settings, journal, int(stop.signal or signal.SIGTERM))
    return trained


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        _log.warning("%s", note)


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


def _fit(plan: TrainingPlan, pairs: Pictures, console: Console) -> None:
    assert isinstance(plan.model, FittedModel) and isinstance(pairs, TrainingPairs)  # noqa: S101, PT018 - as planned
    _tell(pairs.notes)
    with bar(console, "fitting", FIT_PARTS) as progress:
        fit(plan.model, pairs, lambda share: progress.update(round(share * FIT_PARTS)))


def _ready(network: Model) -> Model:
    network.zero_grad(set_to_none=True)
    return network.eval().requires_grad_(requires_grad=False)
