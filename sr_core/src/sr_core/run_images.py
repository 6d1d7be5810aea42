"""The pictures a run leaves behind: a comparison sheet, the report's previews, and SR itself where asked."""

from __future__ import annotations

from sr_core.evaluation.benchmark import Benchmark, Comparison
from sr_core.file_names import file_name
from sr_core.imaging.files import Picture, write_picture
from sr_core.imaging.resize import resize
from sr_core.reporting.previews import write_previews
from sr_core.reporting.sheet import BETWEEN_FIGURES, Panel, draw_sheet
from sr_core.reporting.tables import format_value
from sr_core.run_directory import RunDirectory
from sr_core.scales import describe_scale


def write_images(comparison: Comparison, benchmark: Benchmark, directory: RunDirectory, *, save_sr: bool) -> None:
    """Write what there is to see of one picture at one scale.

    Args:
        comparison: the picture and its answers.
        benchmark: whose metrics and protocol label it.
        directory: where to.
        save_sr: also write every candidate's SR, whole and lossless.
    """
    scale = describe_scale(comparison.scale)
    place = f"{file_name(comparison.dataset)}/x{scale}"
    picture = file_name(comparison.picture)
    panels = _panels(comparison, benchmark)
    title = f"{comparison.dataset} / {comparison.picture}   x{scale}   protocol {benchmark.protocol}"
    with directory.writing(f"images/{place}/{picture}.png") as partial:
        draw_sheet(title, comparison.truth.hr, panels).save(partial)
    previews = directory.path / "previews" / place / picture
    write_previews(previews, comparison.dataset, comparison.scale, comparison.picture, panels)
    if save_sr:
        for name, answer in comparison.answers.items():
            folder = directory.path / "images" / place / file_name(name)
            suffix = ".png" if answer.picture.shape[1] in (1, 3) else ".tif"
            write_picture(Picture(answer.picture.cpu()), folder / f"{picture}{suffix}")


def _panels(comparison: Comparison, benchmark: Benchmark) -> list[Panel]:
    """LR with its pixels repeated, every candidate with its figures, and the truth."""
    hr, lr = comparison.truth.hr, comparison.truth.lr
    enlarged = resize(lr, comparison.scale, (hr.shape[-2], hr.shape[-1]), "nearest")
    panels = [Panel("LR", "pixels repeated", enlarged)]
    for name, answer in comparison.answers.items():
        figures = [_figure(benchmark, metric, value) for metric, value in comparison.values[name].items()]
        panels.append(Panel(name, BETWEEN_FIGURES.join(figures), answer.picture))
    return [*panels, Panel("HR", "the truth", hr)]


def _figure(benchmark: Benchmark, metric: str, value: float) -> str:
    described = benchmark.metrics[metric]
    return f"{metric} {format_value(value, described.decimals)} {described.unit}".rstrip()
