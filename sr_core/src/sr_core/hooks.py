"""What srkit asks of plugins: the pluggy hook specifications, and the `hookimpl` that marks an answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pluggy

if TYPE_CHECKING:
    import click

    from sr_core.registry import Registrar

PROJECT = "srkit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

RunEvent = Literal["started", "resumed", "step", "validated", "stopped", "record", "finished", "failed"]


@hookspec
def srkit_register(registry: Registrar) -> None:
    """Register components, one call each: `registry.model("mine", "my_package.mine:Mine", summary="…")`.

    Called once at start-up. Keep the module free of heavy imports: the class is imported when it is used.
    """


@hookspec
def srkit_commands() -> list[click.Command]:
    """More commands for the `srkit` program. Called whenever the program starts, so import late."""
    return []


@hookspec
def srkit_run_event(event: RunEvent, run_directory: Path, details: Mapping[str, object]) -> None:
    """Follow a run, for experiment trackers.

    `started` brings the resolved `spec` and `notes`, `record` one result as in `results.json`, `finished` nothing,
    `failed` the `error`'s text. In training, `step` brings its number and the `values` of every curve (loss, learning
    rate, …), `validated` the `step` and its `records`, `resumed` the `step` that is gone on from, `stopped` the `step`
    and the `reason` why training ended before its last one. An exception raised here is reported once and does not
    stop the run.
    """
