"""The program `srkit`: each command reads its options, calls the house, and prints. Torch is imported inside."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from sr_core import __version__
from sr_core.component import KINDS, Kind
from sr_core.discovery import Discovery, discover, strict
from sr_core.errors import SrkitError
from sr_core.guard import describe, guarded

BAD_INPUT = 2
INTERRUPTED = 130
PLAIN_WIDTH = 120
"""Columns of a table that goes into a file or a pipe."""


class Program(click.Group):
    """The group of commands: the built-in ones, and those that plugins bring."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Built-in commands first, in the order of this file; then the plugins'."""
        return [*self.commands, *sorted(set(_plugin_commands(context)) - set(self.commands))]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """A built-in command, else a plugin's."""
        return self.commands.get(name) or _plugin_commands(context).get(name)

    def main(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run the program; a user's mistake is printed in plain words and ends with status 2."""
        try:
            return super().main(*arguments, **options)
        except SrkitError as error:
            _stop(str(error), BAD_INPUT)
        except ImportError as error:
            _stop(f"a package srkit needs cannot be imported: {describe(error)}; reinstall it", BAD_INPUT)
        except MemoryError:
            _stop("there is not enough memory for this", BAD_INPUT)
        except OSError as error:
            _stop(describe(error), BAD_INPUT)

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command; Ctrl-C ends it with one line."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            _stop("stopped; what was finished is kept", INTERRUPTED)


def _stop(message: str, status: int) -> NoReturn:
    click.echo(click.style(message, fg="red"), err=True)
    sys.exit(status)


def _installed(context: click.Context) -> Discovery:
    """What is installed, looked up once for a process."""
    root = context.find_root()
    if not isinstance(root.obj, Discovery):
        root.obj = discover()
    return root.obj


def _plugin_commands(context: click.Context) -> dict[str, click.Command]:
    """The commands that plugins bring, asked for once; a plugin that fails at it is told of and left out."""
    root = context.find_root()
    if "srkit commands" not in root.meta:
        commands: dict[str, click.Command] = {}
        for plugin in _installed(context).plugins:
            try:
                with guarded(f"{plugin.distribution}: its commands are left out"):
                    for command in [command for answer in plugin.hooks.srkit_commands() for command in answer]:
                        if not isinstance(command, click.Command) or not command.name:
                            raise TypeError(f"srkit_commands must return named click commands, found {command!r}")
                        commands.setdefault(command.name, command)
            except SrkitError as error:
                click.echo(str(error), err=True)
        root.meta["srkit commands"] = commands
    found: dict[str, click.Command] = root.meta["srkit commands"]
    return found


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="srkit")
def main() -> None:
    """Image super-resolution, composed from one spec file."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)


_spec_argument = click.argument("spec", type=click.Path(path_type=Path))
_set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Replace a value of the spec: evaluate.metrics='[psnr]'.",
)
_device_option = click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")


@main.command()
@_spec_argument
@_set_option
@click.option("--output", type=click.Path(path_type=Path), help="The run directory (default: runs/NAME/TIME).")
@_device_option
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be done, write nothing.")
@click.pass_context
def run(
    context: click.Context,
    spec: Path,
    overrides: tuple[str, ...],
    output: Path | None,
    device: str | None,
    *,
    dry_run: bool,
) -> None:
    """Carry out a spec: evaluate candidates, upscale pictures."""
    from rich.console import Console

    from sr_core.planning import make_plan
    from sr_core.run_directory import default_path
    from sr_core.spec.reading import read_spec

    discovery = _installed(context)
    read = read_spec(spec, discovery.registry, _pairs(overrides, device))
    plan = make_plan(read, discovery.registry)
    _say_notes(plan.notes)
    if dry_run:
        click.echo(plan.summary())
        return

    from sr_core.reporting.tables import protocol_line, terminal_table
    from sr_core.runner import run as carry_out

    directory = output or default_path(read.run.name)
    records = carry_out(read, plan, discovery.plugins, directory, Console(stderr=True))
    if records:
        console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
        console.print(terminal_table(records, read.run.name))
        click.echo(protocol_line(records))
    click.echo(f"Everything is in {directory}" + (", comparison sheets in its images/" if records else ""))


@main.command()
@_spec_argument
@_set_option
@_device_option
@click.pass_context
def check(context: click.Context, spec: Path, overrides: tuple[str, ...], device: str | None) -> None:
    """Find everything wrong in a spec; do nothing else."""
    from sr_core.planning import make_plan
    from sr_core.spec.reading import read_spec

    registry = _installed(context).registry
    plan = make_plan(read_spec(spec, registry, _pairs(overrides, device)), registry)
    _say_notes(plan.notes)
    click.echo(f"{spec} is good: {plan.summary()}")


@main.command()
@click.pass_context
def schema(context: click.Context) -> None:
    """Print the JSON Schema of specs, with every installed component, for editors."""
    from sr_core.spec.schema import spec_schema

    click.echo(json.dumps(spec_schema(_installed(context).registry), indent=2, ensure_ascii=False))


@main.command("list-plugins")
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@click.option("--check", is_flag=True, help="Import every component and say which ones cannot be.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_plugins(context: click.Context, kind: Kind | None, *, check: bool, as_json: bool) -> None:
    """List installed plugins, their components, and what failed to load."""
    from sr_core.listing import has_problems, list_json, list_text

    discovery = _installed(context)
    if as_json:
        click.echo(json.dumps(list_json(discovery, kind, check=check), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(list_text(discovery, kind, check=check)))
    if check and strict() and has_problems(discovery, kind):
        sys.exit(1)


@main.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.pass_context
def show(context: click.Context, kind: Kind, name: str) -> None:
    """Show one component: parameters, documentation, paper."""
    from sr_core.listing import component_text

    click.echo("\n".join(component_text(_installed(context).registry.get(kind, name))))


@main.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="A file for one picture, else a folder.",
)
@click.option("--scale", required=True, type=click.FloatRange(1, 64), help="SR size over LR size, e.g. 2 or 2.5.")
@click.option("--model", default="bicubic", show_default=True, metavar="NAME", help="The method.")
@_device_option
@click.pass_context
def upscale(
    context: click.Context,
    images: tuple[Path, ...],
    output: Path,
    scale: float,
    model: str,
    device: str | None,
) -> None:
    """Enlarge pictures."""
    from sr_core.upscaling import upscale_files

    for written in upscale_files(_installed(context).registry, images, output, scale, model, device or "auto"):
        click.echo(written)


def _say_notes(notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _pairs(overrides: Sequence[str], device: str | None) -> list[tuple[str, str]]:
    """`--set` and `--device` as (key path, value) pairs."""
    pairs = []
    for text in overrides:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise SrkitError(f"--set {text}: write KEY=VALUE, as evaluate.metrics='[psnr]'")
        pairs.append((key, value))
    return [*pairs, ("device", device)] if device else pairs
