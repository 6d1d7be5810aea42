"""What several commands share: the options of the same name, and what is installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sr_core.discovery import Discovery, discover
from sr_core.errors import SrkitError
from sr_core.scales import Scale, parse_scale

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 120
"""Columns of a table that goes into a file or a pipe."""

SOME_FAILED = 1
"""The status at the end where some pictures could not be enlarged and the others were."""

device_option = click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")


def installed(context: click.Context) -> Discovery:
    """What is installed, looked up once for a process."""
    root = context.find_root()
    if not isinstance(root.obj, Discovery):
        root.obj = discover()
    return root.obj


def scale_of(text: str) -> Scale:
    """The scale that `text` means; what means none is a bad parameter of the command."""
    try:
        return parse_scale(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def key_and_value(text: str, example: str) -> tuple[str, str]:
    """The two sides of what `--set` is given.

    Raises:
        SrkitError: it has no two sides; says how to write it, as in `example`.
    """
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise SrkitError(f"--set {text}: write KEY=VALUE, as {example}")
    return key, value


def table_console() -> Console:
    """Where tables are printed: as wide as the terminal is."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
