"""`srkit upscale`: pictures enlarged without a spec."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sr_core.commands.shared_options import SOME_FAILED, device_option, installed


@click.command()
@click.argument("sources", metavar="PICTURES...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    help="A file for one picture, else a folder (or end it in /).",
)
@click.option("--scale", required=True, type=click.FloatRange(1, 64), help="SR size over LR size, e.g. 2 or 2.5.")
@click.option("--model", default="bicubic", show_default=True, metavar="NAME", help="The method.")
@click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG (default 95) and WebP (default lossless).")
@device_option
@click.pass_context
def upscale(
    context: click.Context,
    sources: tuple[str, ...],
    output: str,
    scale: float,
    model: str,
    quality: int | None,
    device: str | None,
) -> None:
    """Enlarge pictures: files, folders or glob patterns.

    A picture that cannot be read does not stop the others; the program then ends with status 1.
    """
    from rich.console import Console

    from sr_core.upscaling import upscale_files

    registry, console = installed(context).registry, Console(stderr=True)
    target = Path(output)
    if output.endswith(("/", os.sep)):
        target.mkdir(parents=True, exist_ok=True)
    failures = 0
    for done in upscale_files(registry, sources, target, scale, model, device or "auto", quality, console):
        if done.error is None:
            click.echo(done.target)
        else:
            click.echo(click.style(str(done.error), fg="red"), err=True)
            failures += 1
    if failures:
        sys.exit(SOME_FAILED)
