"""`srkit mos`: ask people, and collect what they say."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--collect", is_flag=True, help="PATHS are the raters' files: print mean opinion scores.")
@click.option("--seed", default=0, show_default=True, help="Of the order in which pictures are shown.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The rating page (default: RUN/mos.html).")
@click.option("--json", "as_json", is_flag=True, help="With --collect: print JSON.")
def mos(paths: tuple[Path, ...], *, collect: bool, seed: int, output: Path | None, as_json: bool) -> None:
    """Write a blind rating page for a run, or collect mean opinion scores from raters' files.

    srkit mos RUN writes one HTML file to send to raters; srkit mos --collect *.json reads what they send back.
    """
    if not collect and len(paths) > 1:
        raise click.UsageError("give one run, or --collect with the raters' files")
    if collect:
        _print_scores(paths, as_json=as_json)
    else:
        click.echo(_write_page(paths[0], output or paths[0] / "mos.html", seed))


def _write_page(run: Path, target: Path, seed: int) -> Path:
    from sr_core.atomic import atomic_write
    from sr_core.reporting.opinion import rating_page
    from sr_core.reporting.run_results import read_run

    page = rating_page(read_run(run), seed)
    with atomic_write(target) as partial:
        partial.write_text(page, encoding="utf-8")
    return target


def _print_scores(files: tuple[Path, ...], *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from sr_core.reporting.opinion import collect
    from sr_core.scales import describe_scale

    scores = collect(files)
    if as_json:
        click.echo(json.dumps([score.model_dump() for score in scores], indent=2, ensure_ascii=False))
        return
    table = Table("data set", "candidate", "mean opinion score", "ratings", "raters", title="95 % confidence")
    for score in scores:
        margin = "" if score.margin is None else f" ± {score.margin:.2f}"
        figures = (f"{score.mean:.2f}{margin}", str(score.ratings), str(score.raters))
        table.add_row(f"{score.dataset} ×{describe_scale(score.scale)}", score.candidate, *figures)
    Console().print(table)
