"""`srkit report`: the report drawn again, or several runs side by side."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The HTML file (default: report.html in the run)."
)
def report(runs: tuple[Path, ...], output: Path | None) -> None:
    """Draw the report of a run again, or of several runs side by side."""
    from sr_core.atomic import atomic_write
    from sr_core.reporting.report import render_report
    from sr_core.reporting.run_results import read_run

    if output is None and len(runs) > 1:
        raise click.UsageError("several runs need --output, the HTML file to write")
    page = render_report([read_run(run) for run in runs])
    target = output or runs[0] / "report.html"
    with atomic_write(target) as partial:
        partial.write_text(page, encoding="utf-8")
    click.echo(target)
