"""The program `srkit`: its commands, those of plugins, and what a mistake looks like."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click

from sr_core import __version__
from sr_core.commands import distances, doctor, interpolation, models, opinions, pictures, plugins, reports, runs
from sr_core.commands.shared_options import installed
from sr_core.errors import RunStopped, SrkitError
from sr_core.guard import describe, guarded

BAD_INPUT = 2
INTERRUPTED = 130


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
        with _ending_at_once():
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
        except RunStopped as stopped:
            _stop(str(stopped), stopped.status)
        except KeyboardInterrupt:
            _stop("stopped; what was finished is kept", INTERRUPTED)


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """A block that ends the process, where it is one of several that `torchrun` started, without taking it to pieces.

    PyTorch's process group would be destroyed then, and may hang at it (see `training.devices`): a training of which
    one process failed would never end.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    status = 0
    try:
        yield
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - it is told as Python tells it
        sys.excepthook(*sys.exc_info())
        status = 1
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _stop(message: str, status: int) -> NoReturn:
    click.echo(click.style(message, fg="red"), err=True)
    sys.exit(status)


def _plugin_commands(context: click.Context) -> dict[str, click.Command]:
    """The commands that plugins bring, asked for once; a plugin that fails at it is told of and left out."""
    root = context.find_root()
    if "srkit commands" not in root.meta:
        commands: dict[str, click.Command] = {}
        for plugin in installed(context).plugins:
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


for built_in in (
    *(runs.run, runs.check, reports.report, opinions.mos, pictures.upscale),
    *(interpolation.interpolate, distances.distance),
    *(plugins.list_plugins, plugins.show, models.models, plugins.schema, doctor.doctor),
):
    main.add_command(built_in)
