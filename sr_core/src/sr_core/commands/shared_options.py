"""What several commands share: the options of the same name, and what is installed."""

from __future__ import annotations

import click

from sr_core.discovery import Discovery, discover

SOME_FAILED = 1
"""The status at the end where some pictures could not be enlarged and the others were."""

device_option = click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps.")


def installed(context: click.Context) -> Discovery:
    """What is installed, looked up once for a process."""
    root = context.find_root()
    if not isinstance(root.obj, Discovery):
        root.obj = discover()
    return root.obj
