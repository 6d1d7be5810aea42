"""`srkit models`: the field's map, with what each network costs."""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from sr_core.commands.shared_options import installed, scale_of, table_console
from sr_core.errors import SrkitError
from sr_core.field_map import FRAMEWORKS, Variant, VariantCost, Which, field_map, giga
from sr_core.scales import Scale, describe_scale

if TYPE_CHECKING:
    from rich.table import Table

UNKNOWN = "—"
NOT_COUNTED = VariantCost(1)
_FACTS: Mapping[str, int] = {"year": 0, "framework": 75, "upsampling": 92, "design": 108, "scales": 0}
"""What the map says of a network, and from how many columns of a terminal on."""


def _one_scale(text: str) -> Scale:
    """The scale that `text` means, the same on both axes."""
    scale = scale_of(text)
    if isinstance(scale, tuple):
        raise click.BadParameter(f"the figures are at scales that are the same on both axes, not {text}")
    return scale


@click.command()
@click.option("--framework", type=click.Choice(tuple(FRAMEWORKS)), help="Only networks in which the picture grows so.")
@click.option(
    "--scale", type=_one_scale, metavar="SCALE", help="Figures at this scale, of the networks that have it or take any."
)
@click.option(
    "--sort",
    type=click.Choice(("year", "parameters", "multiply-adds")),
    default="year",
    show_default=True,
    help="Smallest first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: every figure, without --scale at every scale.")
@click.pass_context
def models(context: click.Context, framework: str | None, scale: Scale | None, sort: str, *, as_json: bool) -> None:
    """Show the installed networks: year, design, parameters and multiply-adds.

    Multiply-adds are those of a 1280x720 result. Figures are at the smallest of the paper's scales unless --scale or
    --json says otherwise.
    """
    registry = installed(context).registry
    chosen = [c for c in registry.all("model") if framework in (None, c.facts.get("framework"))]
    at: Which = scale if scale is not None else "all" if as_json else "smallest"
    with _uncollected():
        variants = [v for v in field_map(registry, chosen, at) if scale is None or v.cost(scale)]
    if scale is not None and not variants:
        of_it = f"of framework {framework} " if framework else ""
        raise SrkitError(f"no installed network {of_it}has the scale {describe_scale(scale)}")
    variants.sort(key=lambda variant: _place(variant, scale, sort))
    if as_json:
        click.echo(json.dumps([_plain(variant) for variant in variants], indent=2, ensure_ascii=False))
    else:
        console = table_console()
        console.print(_table(variants, scale, console.width))
    for trouble in dict.fromkeys(variant.trouble for variant in variants if variant.trouble):
        click.echo(click.style(trouble, fg="yellow"), err=True)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Without searches for garbage, here and as the process ends: each would go through all that PyTorch is made of.

    With them the command takes a third longer.
    """
    atexit.register(gc.freeze)
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # and back: what came meanwhile counts as old, so nothing searches it at once
        gc.unfreeze()
        if enabled:
            gc.enable()


def _place(variant: Variant, scale: Scale | None, sort: str) -> float:
    """Where it belongs in the order; what is not known comes last."""
    cost = variant.cost(scale) or NOT_COUNTED
    value = {"parameters": cost.parameters, "multiply-adds": cost.multiply_adds, "year": variant.fact("year")}[sort]
    return value if isinstance(value, int | float) else math.inf


def _plain(variant: Variant) -> dict[str, Any]:
    """A variant as JSON has it."""
    component = variant.component
    return {
        "variant": variant.name,
        "component": component.name,
        "distribution": component.distribution.name,
        "summary": component.summary,
        "reference": component.reference,
        "facts": dict(component.facts),
        "arguments": variant.arguments,
        "costs": [
            {"scale": cost.scale, "parameters": cost.parameters, "multiply_adds": cost.multiply_adds}
            for cost in variant.costs
        ],
        "trouble": variant.trouble,
    }


def _table(variants: Sequence[Variant], scale: Scale | None, width: int) -> Table:
    """A row a variant; where there is no room, without the facts that explain least."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    where = "the smallest scale" if scale is None else f"×{describe_scale(scale)}"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.caption, table.caption_justify = f"Figures at {where}; multiply-adds for a 1280×720 result", "left"
    table.add_column("variant", overflow="fold")
    table.add_column("name", overflow="fold")
    facts = [fact for fact, least in _FACTS.items() if width >= least]
    for fact in facts:
        table.add_column(fact, no_wrap=fact != "design")
    for figure in ("parameters", "multiply-adds"):
        table.add_column(figure, justify="right", no_wrap=True)
    for variant in variants:
        cost = variant.cost(scale) or NOT_COUNTED
        table.add_row(
            escape(variant.name),
            escape(variant.component.name),
            *(escape(_text(variant.fact(fact))) for fact in facts),
            UNKNOWN if cost.parameters is None else f"{cost.parameters:,}",
            UNKNOWN if cost.multiply_adds is None else f"{giga(cost.multiply_adds)} G",
        )
    return table


def _text(fact: object) -> str:
    if fact is None:
        return UNKNOWN
    if not isinstance(fact, tuple):
        return str(fact)
    return (", " if any(isinstance(item, str) for item in fact) else " ").join(map(str, fact))
