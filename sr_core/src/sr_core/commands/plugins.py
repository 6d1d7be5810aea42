"""`srkit list-plugins`, `srkit show` and `srkit schema`: what is installed."""

from __future__ import annotations

import json
import sys

import click

from sr_core.commands.shared_options import installed
from sr_core.component import KINDS, Kind
from sr_core.discovery import strict


@click.command("list-plugins")
@click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
@click.option("--check", is_flag=True, help="Import every component and say which ones cannot be.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def list_plugins(context: click.Context, kind: Kind | None, *, check: bool, as_json: bool) -> None:
    """List installed plugins, their components, and what failed to load."""
    from sr_core.listing import has_problems, list_json, list_text

    discovery = installed(context)
    if as_json:
        listed = list_json(discovery, kind, check=check)
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False, default=str))  # a stranger's variants hold anything
    else:
        click.echo("\n".join(list_text(discovery, kind, check=check)))
    if check and strict() and has_problems(discovery, kind):
        sys.exit(1)


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.pass_context
def show(context: click.Context, kind: Kind, name: str) -> None:
    """Show one component: parameters, documentation, paper."""
    from sr_core.listing import component_text

    click.echo("\n".join(component_text(installed(context).registry.get(kind, name))))


@click.command()
@click.pass_context
def schema(context: click.Context) -> None:
    """Print the JSON Schema of specs, with every installed component, for editors."""
    from sr_core.spec.schema import spec_schema

    click.echo(json.dumps(spec_schema(installed(context).registry), indent=2, ensure_ascii=False))
