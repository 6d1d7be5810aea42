"""What the report shows of trainings: curves, best figures, and pictures that get better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from sr_core.record import Record
from sr_core.reporting.curves import Curve, Panel, is_validation, training_panels, validation_curve
from sr_core.reporting.embedding import Budget, embedded_bytes
from sr_core.reporting.learned_losses import is_of_learned, learned_losses, learned_panels
from sr_core.reporting.learning import HR, LR, LearningIndex, LearningStep, chosen
from sr_core.reporting.panels import draw_panel
from sr_core.reporting.run_results import RunResults
from sr_core.reporting.tables import format_value

MOST_STEPS = 24
"""Of one picture in the report."""
SHARE = 0.4
"""Of the report's bytes that pictures over time may take together."""


@dataclass(frozen=True)
class Plot:
    """One plot with its title."""

    title: str
    drawn: Markup


@dataclass(frozen=True)
class BestFigure:
    """The best point of one curve of validation, as text."""

    dataset: str
    metric: str
    best: str
    step: str
    last: str
    baseline: str


@dataclass(frozen=True)
class ShownTraining:
    """The training of one run; `learned` are the plots of losses that learn, `warnings` what is said of them."""

    run: str
    facts: tuple[tuple[str, str], ...]
    best: tuple[BestFigure, ...]
    plots: tuple[Plot, ...]
    learned: tuple[Plot, ...]
    warnings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShownStep:
    """SR at one step: its label, and the picture as data address."""

    label: str
    source: str


@dataclass(frozen=True)
class ShownLearning:
    """One picture over time; `kept` says at how many steps the run holds it."""

    title: str
    side: int
    lr: str
    hr: str
    steps: tuple[ShownStep, ...]
    kept: int


def show_training(run: RunResults) -> ShownTraining | None:
    """Facts, best figures and curves of one run, but for those of validation; None where it did not train."""
    if run.training is None:
        return None
    curves, phases = run.training.curves, run.training.phases
    losses = learned_losses(curves)
    general = {name: curve for name, curve in curves.items() if not (losses and is_of_learned(name, losses))}
    return ShownTraining(
        run.name,
        run.training.facts,
        tuple(_best(run)),
        tuple(_plot(panel) for panel in training_panels(general, phases)),
        tuple(_plot(panel) for panel in learned_panels(curves, phases)) if losses else (),
        tuple((f"step {step:,}", text) for step, text in run.training.warnings),
    )


def validation_plots(runs: Sequence[RunResults]) -> tuple[Plot, ...]:
    """One plot for each metric, with the curves of all runs; dashed is what a curve is compared with."""
    curves: dict[str, dict[str, Curve]] = {}
    baselines: dict[str, dict[str, tuple[str, float]]] = {}
    for run in runs:
        if run.training is None:
            continue
        for name, curve in run.training.curves.items():
            if not is_validation(name):
                continue
            place, _, metric = name.partition("/")
            label = _place(place) if len(runs) == 1 else f"{run.name}: {_place(place)}"
            curves.setdefault(metric, {})[label] = curve
            baseline = _baseline(run, name)
            if baseline is not None:
                line = (f"{_place(place)} {baseline.candidate}", baseline.mean)
                drawn = baselines.setdefault(metric, {})
                if line not in drawn.values():  # of several runs one line is enough
                    drawn[label] = line
    phases = runs[0].training.phases if len(runs) == 1 and runs[0].training else ()
    return tuple(
        _plot(Panel(_metric_title(metric, runs), found, baselines.get(metric, {}), "but the start", phases=phases))
        for metric, found in curves.items()
    )


def _metric_title(metric: str, runs: Sequence[RunResults]) -> str:
    """With unit and direction, where a validation has told them."""
    for record in (record for run in runs if run.training for record in run.training.validated):
        if record.metric == metric:
            unit = f" ({record.unit})" if record.unit else ""
            return f"validation: {metric}{unit}, {'higher' if record.higher_is_better else 'lower'} is better"
    return f"validation: {metric}"


def show_learning(runs: Sequence[RunResults], budget: Budget) -> Iterator[ShownLearning]:
    """Every picture that was kept over time, with as many steps as there is room for."""
    pictures = [(run, *kept) for run in runs if run.training for kept in run.training.learning if kept[1].steps]
    room = int(SHARE * budget.most / max(1, len(pictures)))
    for run, folder, index in pictures:
        steps = [
            ShownStep(f"step {kept.step:,}   {kept.note}".strip(), budget.embed(folder / kept.file, needed=True))
            for kept in _fitting(folder, index, room)
        ]
        yield ShownLearning(
            title=index.title if len(runs) == 1 else f"{run.name}: {index.title}",
            side=index.detail[2],
            lr=budget.embed(folder / LR, needed=True),
            hr=budget.embed(folder / HR, needed=True),
            steps=tuple(steps),
            kept=len(index.steps),
        )


def _fitting(folder: Path, index: LearningIndex, room: int) -> list[LearningStep]:
    """As many steps as take at most `room` bytes, but at least the first and the last."""
    for most in range(MOST_STEPS, 2, -1):
        steps = chosen(index.steps, most)
        if embedded_bytes(folder / kept.file for kept in steps) <= room:
            return steps
    return chosen(index.steps, 2)


def _best(run: RunResults) -> Iterator[BestFigure]:
    assert run.training is not None  # noqa: S101 - called of runs that trained
    for record in run.training.validated:
        name = validation_curve(record.dataset, record.scale, record.metric)
        curve = run.training.curves.get(name)
        best = curve.best(higher_is_better=record.higher_is_better) if curve else None
        if curve is None or best is None:
            continue
        baseline = _baseline(run, name)
        yield BestFigure(
            dataset=_place(name.partition("/")[0]),
            metric=f"{record.metric} ({record.unit})" if record.unit else record.metric,
            best=format_value(best[1], record.decimals),
            step=f"{best[0]:,}",
            last=format_value(curve.values[-1], record.decimals),
            baseline="" if baseline is None else f"{baseline.candidate} {format_value(baseline.mean, record.decimals)}",
        )


def _baseline(run: RunResults, name: str) -> Record | None:
    """What a curve of validation can be compared with: bicubic, or the first method, measured in the same way."""
    assert run.training is not None  # noqa: S101 - called of runs that trained
    measured: Mapping[str, Record] = {
        validation_curve(record.dataset, record.scale, record.metric): record for record in run.training.validated
    }
    mine = measured.get(name)
    if mine is None:
        return None
    rivals = {record.candidate: record for record in run.records if _same_measure(record, mine)}
    rivals.pop(mine.candidate, None)
    return rivals.get("bicubic") or next(iter(rivals.values()), None)


def _same_measure(record: Record, other: Record) -> bool:
    parts = ("dataset", "scale", "metric", "protocol", "low_resolution")
    return all(getattr(record, part) == getattr(other, part) for part in parts)


def _place(name: str) -> str:
    """`Set5 x3` with a multiplication sign."""
    dataset, _, scale = name.rpartition(" x")
    return f"{dataset} ×{scale}"


def _plot(panel: Panel) -> Plot:
    # Drawn by matplotlib, which escapes every text it is given.
    return Plot(panel.title, Markup(draw_panel(panel)))  # noqa: S704
