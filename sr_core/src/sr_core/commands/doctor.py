"""`srkit doctor`: what this machine has, what is wrong, and the command that mends it."""

from __future__ import annotations

import sys

import click

from sr_core.commands.shared_options import installed

MARKS = {"good": ("✓", "green"), "note": ("·", "yellow"), "wrong": ("✗", "red")}


@click.command()
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at Python, torch, devices, codecs and plugins, and say what is wrong and how to mend it."""
    from sr_core.diagnosis import diagnose

    findings = diagnose(installed(context))
    for finding in findings:
        mark, colour = MARKS[finding.state]
        click.echo(f"{click.style(mark, fg=colour)} {finding.what}")
        if finding.mend:
            click.echo(f"    {finding.mend}")
    if any(finding.state == "wrong" for finding in findings):
        sys.exit(1)
