"""`srkit interpolate`: the weights between two trainings of one network."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import click

from sr_core.commands.shared_options import SOME_FAILED, device_option, installed, scale_of
from sr_core.errors import SrkitError
from sr_core.scales import Scale


def _alpha(text: str) -> float:
    """The alpha that `text` means; click's own range lets NaN through."""
    try:
        alpha = float(text)
    except ValueError:
        alpha = math.nan
    if not 0 <= alpha <= 1:
        raise click.BadParameter(f"a number between 0 (the first weights) and 1 (the second), not {text}")
    return alpha


@click.command()
@click.argument("first", metavar="A.safetensors", type=click.Path(path_type=Path))
@click.argument("second", metavar="B.safetensors", type=click.Path(path_type=Path))
@click.option(
    "--alpha",
    "alphas",
    multiple=True,
    type=_alpha,
    metavar="ALPHA",
    help="Write (1 - ALPHA) A + ALPHA B; from 0 to 1, as 0.8. May be given several times.",
)
@click.option(
    "--picture",
    "pictures",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="IMAGE",
    help="Also draw a sheet: this picture enlarged at every alpha (0, 0.2 ... 1 without --alpha), side by side.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A file for one result, else a folder.  [default: this folder]",
)
@click.option("--scale", type=scale_of, metavar="SCALE", help="SR size over LR size, where the files do not say it.")
@click.option("--model", metavar="NAME", help="The network, of files that do not say it: those of others (.pth).")
@device_option
@click.pass_context
def interpolate(
    context: click.Context,
    first: Path,
    second: Path,
    alphas: tuple[float, ...],
    pictures: tuple[Path, ...],
    output: Path | None,
    scale: Scale | None,
    model: str | None,
    device: str | None,
) -> None:
    """Mix two trainings of one network, weight by weight.

    A is at 0, usually trained for PSNR; B at 1, trained on from A with a GAN. Between them lie networks that keep
    more or less of B's texture (network interpolation, Wang et al. 2018).
    """
    if not alphas and not pictures:
        raise click.UsageError("give --alpha ALPHA for weights, --picture IMAGE for a sheet, or both")
    from sr_core.alpha_sweep import SWEEP, Sweep, read_pair, write_between
    from sr_core.imaging.files import read_picture
    from sr_core.inference.devices import choose_device

    chosen = tuple(dict.fromkeys(alphas))
    results = [f"interpolated_{alpha:g}.safetensors" for alpha in chosen]
    sheets = [f"{picture.stem}_alpha.png" for picture in pictures]
    targets = _targets(output, [*results, *sheets], (first, second, *pictures))
    registry = installed(context).registry
    pair = read_pair(registry, first, second, model, scale)
    for alpha, target in zip(chosen, targets, strict=False):
        write_between(pair, alpha, target)
        click.echo(target)
    if not pictures:
        return
    scale = scale or pair.only_scale
    if scale is None:
        raise SrkitError(f"{first} takes more than one scale; choose one with --scale")
    shown = sorted({0.0, *chosen, 1.0}) if chosen else SWEEP
    sweep = Sweep(registry, pair, shown, scale, choose_device(device or "auto"))
    failures = 0
    for picture, target in zip(pictures, targets[len(chosen) :], strict=True):
        try:
            sweep.draw(read_picture(picture), picture.name, target)
            click.echo(target)
        except SrkitError as error:
            click.echo(click.style(str(error), fg="red"), err=True)
            failures += 1
    if failures:
        sys.exit(SOME_FAILED)


def _targets(output: Path | None, names: list[str], sources: tuple[Path, ...]) -> list[Path]:
    """Where each result goes; every mistake in that is found before the work."""
    target = output or Path()
    if target.suffix and not target.is_dir():
        if len(names) > 1:
            raise SrkitError(f"{target}: {len(names)} results need a folder as --output")
        wanted = Path(names[0]).suffix
        if target.suffix != wanted:
            raise SrkitError(f"{target}: this result is a {wanted} file")
        targets = [target]
    else:
        targets = [target / name for name in names]
    if len(set(targets)) < len(targets):
        twice = next(made for made in targets if targets.count(made) > 1)
        raise SrkitError(f"{twice} would be written twice; make the results one by one")
    for made in targets:
        if any(made.exists() and source.exists() and made.samefile(source) for source in sources):
            raise SrkitError(f"{made} is one of the files given, which would be lost; choose another --output")
    return targets
