"""`srkit upscale`: pictures enlarged without a spec."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import click

from sr_core.commands.shared_options import SOME_FAILED, device_option, installed, key_and_value, scale_of
from sr_core.scales import Scale, per_axis


def _enlarging_scale(text: str) -> Scale:
    """The scale that `text` means, 1 or more on both axes."""
    scale = scale_of(text)
    if min(per_axis(scale)) < 1:
        raise click.BadParameter(f"pictures are enlarged by 1 or more, not {text}")
    return scale


@click.command()
@click.argument("sources", metavar="PICTURES...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    required=True,
    help="A file for one picture, else a folder (or end it in /).",
)
@click.option(
    "--scale",
    type=_enlarging_scale,
    metavar="SCALE",
    help="SR size over LR size: 2, 2.5 or 2x3 (vertical x horizontal); needed but for weights that know one alone.",
)
@click.option(
    "--model",
    default="bicubic",
    show_default=True,
    metavar="NAME",
    help="An upsampler, or a weights file that srkit wrote; with --weights, a name or variant in srkit models.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the model: blocks=32.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The weights of the network that --model names: .safetensors, .pth, .pt or .mat.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Of networks; auto is bfloat16 where the hardware is fast at it.",
)
@click.option(
    "--tile",
    type=int,
    metavar="PIXELS",
    help="Side of the tiles a picture is cut in, 16 or more; by default only what does not fit into memory is cut.",
)
@click.option("--quality", type=click.IntRange(1, 100), help="Of JPEG (default 95) and WebP (default lossless).")
@device_option
@click.pass_context
def upscale(
    context: click.Context,
    sources: tuple[str, ...],
    output: str,
    scale: Scale | None,
    model: str,
    settings: tuple[str, ...],
    weights: Path | None,
    precision: Literal["auto", "float32", "bfloat16", "float16"],
    tile: int | None,
    quality: int | None,
    device: str | None,
) -> None:
    """Enlarge pictures: files, folders or glob patterns.

    A picture that cannot be read does not stop the others; the program then ends with status 1.
    """
    from rich.console import Console

    from sr_core.host_allocator import keep_freed_memory
    from sr_core.spec.document import Document
    from sr_core.upscaling import upscale_files

    keep_freed_memory()
    registry, console = installed(context).registry, Console(stderr=True)
    target = Path(output)
    if output.endswith(("/", os.sep)):
        target.mkdir(parents=True, exist_ok=True)
    parameters = Document({}, "--set", {}, {})
    for name, value in (key_and_value(text, "blocks=32") for text in settings):
        parameters.set(name, value)
    failures = 0
    for done in upscale_files(
        *(registry, sources, target, scale, model, device or "auto", console),
        parameters=parameters.data,
        weights=weights,
        precision=precision,
        tile=tile,
        quality=quality,
    ):
        if done.error is None:
            click.echo(done.target)
        else:
            click.echo(click.style(str(done.error), fg="red"), err=True)
            failures += 1
    if failures:
        sys.exit(SOME_FAILED)
