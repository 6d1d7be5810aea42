"""`srkit run` and `srkit check`: a spec carried out, or only looked through."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from sr_core.commands.shared_options import SOME_FAILED, device_option, installed, key_and_value, table_console

_spec_argument = click.argument("spec", type=click.Path(path_type=Path))
_set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Replace a value of the spec: evaluate.metrics='[psnr]'.",
)


@click.command()
@_spec_argument
@_set_option
@click.option("--output", type=click.Path(path_type=Path), help="The run directory (default: runs/NAME/TIME).")
@device_option
@click.option("--resume", is_flag=True, help="Go on with the run in --output (default: the newest of this name).")
@click.option("--accept-changes", is_flag=True, help="Resume even where the spec has changed since.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, write nothing.")
@click.pass_context
def run(
    context: click.Context,
    spec: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    device: str | None,
    *,
    resume: bool,
    accept_changes: bool,
    dry_run: bool,
) -> None:
    """Carry out a spec: train a network, evaluate candidates, upscale pictures."""
    from rich.console import Console

    from sr_core.planning import make_plan
    from sr_core.run_directory import default_path, latest_run
    from sr_core.spec.reading import read_spec

    discovery = installed(context)
    read = read_spec(spec, discovery.registry, _pairs(overrides, device))
    plan = make_plan(read, discovery.registry)
    from sr_core.host_allocator import keep_freed_memory
    from sr_core.inference.devices import process_rank

    keep_freed_memory()
    if process_rank() > 0:  # torchrun started several; the first one speaks and writes
        from sr_core.runner import help_training

        if not dry_run:
            help_training(read, plan)
        return
    _say_notes(plan.notes)
    if dry_run:
        click.echo(plan.summary())
        return

    from sr_core.reporting.tables import protocol_line, terminal_table
    from sr_core.runner import run as carry_out

    newest = latest_run(read.run.name) if resume and output is None else None
    directory = output or newest or default_path(read.run.name)
    console = Console(stderr=True)
    records, failures = carry_out(
        read, plan, discovery.plugins, directory, console, resume=resume, accept_changes=accept_changes
    )
    if records:
        table_console().print(terminal_table(records, read.run.name))
        click.echo(protocol_line(records))
    click.echo(f"Everything is in {directory}" + (", comparison sheets in its images/" if records else ""))
    for failure in failures:
        click.echo(click.style(str(failure.error), fg="red"), err=True)
    if failures:
        sys.exit(SOME_FAILED)


@click.command()
@_spec_argument
@_set_option
@device_option
@click.pass_context
def check(context: click.Context, spec: Path, overrides: tuple[str, ...], device: str | None) -> None:
    """Find everything wrong in a spec; do nothing else."""
    from sr_core.planning import make_plan
    from sr_core.spec.reading import read_spec

    registry = installed(context).registry
    plan = make_plan(read_spec(spec, registry, _pairs(overrides, device)), registry)
    _say_notes(plan.notes)
    click.echo(f"{spec} is good: {plan.summary()}")


def _say_notes(notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _pairs(overrides: Sequence[str], device: str | None) -> list[tuple[str, str]]:
    """`--set` and `--device` as (key path, value) pairs."""
    pairs = [key_and_value(text, "evaluate.metrics='[psnr]'") for text in overrides]
    return [*pairs, ("device", device)] if device else pairs
