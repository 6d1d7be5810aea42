"""The train stage of a run: the network trained or fitted, its weights kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from sr_core.checkpoint import load_weights, write_weights
from sr_core.data.training_pairs import TrainingPairs
from sr_core.errors import RunDirectoryError
from sr_core.interfaces.model import FittedModel, Model
from sr_core.progress import bar
from sr_core.run_directory import RunDirectory
from sr_core.train_phases import Home, Phases
from sr_core.training.checkpoints import Checkpoints
from sr_core.training.devices import joined_devices
from sr_core.training.fitting import fit
from sr_core.training_pictures import PatchesInTurn, Pictures, load_pictures
from sr_core.training_plan import TrainingPlan, phase_folder

_log = logging.getLogger("srkit")

FIT_PARTS = 1000
"""Pieces that the progress of a fit is shown in."""
FINISHED = "checkpoints"
"""The folder in the run directory with what the whole training came to."""


def forget_end(directory: RunDirectory, plan: TrainingPlan | None) -> None:
    """Let a training that came to its end, or to that of a phase, go on under another spec."""
    folders = (
        [] if plan is None else [phase.folder for phase in plan.phases if _has_begun(directory.path, phase.folder)]
    )
    for folder in {FINISHED, *folders[-1:]}:
        Checkpoints(directory.path / folder, keep=1).remove_final()


def refuse_other_phases(path: Path, before: Mapping[str, Any], plan: TrainingPlan) -> None:
    """Phases that have begun stay what they were, but for how long the last of them is: the others build on them.

    Args:
        path: the run directory.
        before: the resolved spec that the run was begun with.
        plan: of now.

    Raises:
        RunDirectoryError: they are others.
    """
    written = before.get("train") or []
    phases = written if isinstance(written, list) else [{**written, "name": None}]
    old = [(phase_folder(phase["name"]), phase.get("steps")) for phase in phases]
    new = [(phase.folder, phase.settings.steps if phase.settings is not None else None) for phase in plan.phases]
    begun = [folder for folder, _ in old if _has_begun(path, folder)]
    count = max((number for number, (folder, _) in enumerate(old, start=1) if folder in begun), default=0)
    is_renamed = [folder for folder, _ in old[:count]] != [folder for folder, _ in new[:count]]
    if is_renamed or (count and old[: count - 1] != new[: count - 1]):
        raise RunDirectoryError(
            f"{path}: {', '.join(begun)} belongs to other phases; names and order of phases that have begun, and the "
            "steps of all but the last of them, cannot change any more: begin anew in another --output, with 'weights'"
        )


def carry_out(plan: TrainingPlan, device: torch.device, seed: int, home: Home, pictures: Pictures | None) -> Model:
    """Train, as the first of all devices.

    Args:
        plan: what to do.
        device: where.
        seed: of every random number.
        home: the run directory, and who is told.
        pictures: of the first phase; None where they are to be loaded only if they are needed.

    Returns:
        The trained network, ready to be used.

    Raises:
        SrkitError: with what is wrong; what was saved stays.
        RunStopped: somebody asked for it; the state is saved.
    """
    finished = Checkpoints(home.directory.path / FINISHED, plan.phases[-1].keep)
    is_done = home.resumes and finished.has_final
    if is_done:
        load_weights(plan.model, finished.final)
    if plan.is_fitted and not is_done:
        _fit(plan, pictures or load_pictures(plan, device, seed, home.console), home.console)
        finished.save_final(0, lambda path: write_weights(path, plan.model, plan.card))
    if not plan.is_fitted:
        with joined_devices(device) as devices:
            devices.told(is_done)
            if not is_done:
                Phases(plan, devices, PatchesInTurn(plan, device, seed, home.console, pictures), home).train()
        if not finished.has_final:
            finished.save_final(plan.steps, lambda path: write_weights(path, plan.model, plan.card))
    return _ready(plan.model)


def take_part(plan: TrainingPlan, device: torch.device, seed: int) -> None:
    """Train as one of the other devices, which write nothing but batches that fail.

    Raises:
        SrkitError: with what is wrong.
    """
    if plan.is_fitted:
        return
    pictures = load_pictures(plan, device, seed, None)
    with joined_devices(device) as devices:
        if not devices.told(None):
            Phases(plan, devices, PatchesInTurn(plan, device, seed, None, pictures), None).train()


def _has_begun(path: Path, folder: str) -> bool:
    return any((path / folder).glob("[!.]*"))


def _fit(plan: TrainingPlan, pairs: Pictures, console: Console) -> None:
    assert isinstance(plan.model, FittedModel) and isinstance(pairs, TrainingPairs)  # noqa: S101, PT018 - as planned
    for note in pairs.notes:
        _log.warning("%s", note)
    with bar(console, "fitting", FIT_PARTS) as progress:
        fit(plan.model, pairs, lambda share: progress.update(round(share * FIT_PARTS)))


def _ready(network: Model) -> Model:
    network.zero_grad(set_to_none=True)
    return network.eval().requires_grad_(requires_grad=False)
