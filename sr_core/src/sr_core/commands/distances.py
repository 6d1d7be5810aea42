"""`srkit distance`: how far the pictures of one folder are from another's, as sets."""

from __future__ import annotations

import click

from sr_core.commands.shared_options import device_option, installed, key_and_value, scale_of
from sr_core.errors import SrkitError
from sr_core.scales import Scale, describe_scale


@click.command()
@click.argument("first", metavar="PICTURES")
@click.argument("second", metavar="OTHERS")
@click.option("--metric", "name", default="feature_distance", show_default=True, help="A metric of sets.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A parameter of the metric, as network='{name: vgg19, weights: random}'. May be given several times.",
)
@click.option("--degradation", metavar="NAME", help="First degrade PICTURES: a name, or '{name: learned, ...}'.")
@click.option("--scale", type=scale_of, metavar="SCALE", help="Of the degradation.")
@device_option
@click.pass_context
def distance(
    context: click.Context,
    first: str,
    second: str,
    name: str,
    settings: tuple[str, ...],
    degradation: str | None,
    scale: Scale | None,
    device: str | None,
) -> None:
    """Tell how far PICTURES are from OTHERS, which need not show the same: both are folders, patterns or files.

    With --degradation the first are HR pictures, and the figure says how close a degradation comes to real LR.
    """
    from pathlib import Path

    from rich.console import Console

    from sr_core.building import build
    from sr_core.data.dataset import find_pictures
    from sr_core.inference.devices import choose_device
    from sr_core.interfaces.metric import SetMetric
    from sr_core.parameters import ComponentReference
    from sr_core.progress import bar
    from sr_core.set_distance import set_distance
    from sr_core.spec.document import Document

    if (degradation is None) != (scale is None):
        raise SrkitError("--degradation and --scale belong together: how HR is made LR, and how much smaller")
    registry = installed(context).registry
    example = "network='{name: vgg19, weights: random}'"
    pairs = [key_and_value(text, example) for text in settings]
    given = {key: Document.from_text(text, f"--set {key}").data for key, text in pairs}
    metric = build(registry, "metric", ComponentReference.of(name, given))
    if not isinstance(metric, SetMetric):
        raise SrkitError(f"'{name}' compares picture with picture; a metric of sets is needed, as feature_distance")
    filled = {} if scale is None else {"scale": scale, "scales": [scale]}
    through = None
    if degradation is not None:
        read = Document.from_text(degradation, "--degradation").data
        reference = {"name": read} if isinstance(read, str) else read
        if not isinstance(reference, dict) or not isinstance(reference.get("name"), str):
            raise SrkitError("--degradation: expected a name, or a mapping with 'name' and parameters")
        through = build(registry, "degradation", ComponentReference.model_validate(reference), filled)
    chosen = choose_device(device or "auto")
    sets = [find_pictures(first), find_pictures(second)]
    with bar(Console(stderr=True), "reading", sum(map(len, sets))) as progress:
        figure = set_distance(
            metric,
            sets[0],
            sets[1],
            chosen,
            None if through is None else through.to(chosen),
            1 if scale is None else scale,
            progress=lambda path: progress.advance(Path(path).name),
        )
    made = "" if degradation is None or scale is None else f", degraded by {degradation} at ×{describe_scale(scale)},"
    click.echo(
        f"{name} {figure:.{metric.decimals}f}{metric.unit and ' ' + metric.unit}: "
        f"{len(sets[0])} pictures{made} from {len(sets[1])} others"
    )
