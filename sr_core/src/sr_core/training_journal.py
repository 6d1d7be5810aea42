"""What a training leaves behind while it goes on: curves, pictures, events, and a line for the person who watches."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console

from sr_core.errors import RunStopped
from sr_core.evaluation.benchmark import Comparison
from sr_core.progress import Bar
from sr_core.record import Record
from sr_core.reporting.curves import read_curves, validation_curve
from sr_core.reporting.learning import cut_back, keep_step, write_sheets
from sr_core.reporting.tables import format_value
from sr_core.reporting.training_results import HEALTH
from sr_core.run_directory import METRICS, RunDirectory
from sr_core.run_events import RunEvents
from sr_core.scales import describe_scale
from sr_core.tensorboard_curves import TensorBoardCurves
from sr_core.training.health import Health

_log = logging.getLogger("srkit")

LINE_SECONDS = 30.0
"""Where there is no terminal, a line is printed at most this often, and at each validation."""
BAR_SECONDS = 0.1
"""The bar is told of steps at most this often: small networks take thousands in a second."""


class TrainingJournal:
    """Keeps the curves, pictures and events of one training in its run directory.

    On a terminal it shows a bar with speed, time left, the last loss and the last validation. Elsewhere it prints one
    line, at most every `LINE_SECONDS` and at each validation, so that the log of a long run can be followed:
    `step 2000 of 60000  loss 0.00123  Set5 ×3 psnr 32.31  840 images/s  ETA 3 min`.
    """

    def __init__(
        self,
        directory: RunDirectory,
        events: RunEvents,
        console: Console,
        steps: int,
        *,
        tensorboard: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin.

        Args:
            directory: of the run.
            events: tells the run's log and the plugins.
            console: where the bar or the lines appear.
            steps: that the training will take.
            tensorboard: also write the curves into `tensorboard/`.
            clock: seconds, for speed and time left.

        Raises:
            SrkitError: TensorBoard is asked for and not installed.
        """
        self._directory, self._events, self._console, self._steps = directory, events, console, steps
        self._learning = directory.path / "learning"
        self._board = TensorBoardCurves(directory.path / "tensorboard") if tensorboard else None
        self._clock = clock
        self._started_at, self._started = 0, clock()
        self._line_at = self._bar_at = clock()
        self._line = self._shown = 0  # the steps of the last line, and of the last figures
        self._figures: dict[str, str] = {}
        self._bar = Bar(console, "training", steps)
        self._health = Health()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._board is not None:
            self._board.close()
        if self._shown != self._line:
            self._show(self._shown, is_line_due=True)
        if error is None or isinstance(error, RunStopped):  # a full disk must not hide what went wrong before
            write_sheets(self._learning)

    def described(self, facts: Mapping[str, str | int | float]) -> None:
        """Keep facts that the report lists, as `{"parameters": 24_336, "training pictures": 91}`."""
        self._directory.write_json("training.json", dict(facts))

    def advanced(self, step: int) -> None:
        """Step number `step` is done; cheap enough to be called after each."""
        now = self._clock()
        if now - self._bar_at >= BAR_SECONDS or step == self._steps:
            self._bar_at = now
            self._bar.update(step)

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        """The curves' values at a step: into `metrics.csv`, TensorBoard, and to plugins as the event `step`.

        Where a loss learns, what is wrong with them is told in words.

        Raises:
            RunDirectoryError: the disk is full, or the folder cannot be written to.
        """
        self._write(step, values)
        self._events.tell_plugins("step", step=step, values=dict(values))
        if "loss" in values:
            self._figures["loss"] = f"loss {values['loss']:.4g}"
        if "images per second" in values:
            self._figures["speed"] = f"{_rounded(values['images per second'])} images/s"
        self._show(step)
        for warning in self._health.saw(step, values):
            _log.warning("step %d: %s", step, warning, extra={"details": {"step": step, "subject": HEALTH}})

    def validated(self, step: int, records: Sequence[Record]) -> None:
        """The figures of a validation: curves `<data set> x<scale>/<metric>`, and the event `validated`.

        Args:
            step: at which it was made.
            records: of the network in training, one for each data set, scale and metric.

        Raises:
            RunDirectoryError: the disk is full, or the folder cannot be written to.
        """
        self._write(step, {validation_curve(r.dataset, r.scale, r.metric): r.mean for r in records})
        self._events.tell("validated", step=step, records=[record.plain() for record in records])
        if records:
            first = records[0]
            value = format_value(first.mean, first.decimals)
            figure = f"{first.dataset} ×{describe_scale(first.scale)} {first.metric} {value}"
            self._figures["validation"] = figure
        self._show(step, is_line_due=True)

    def pictured(self, step: int, comparison: Comparison) -> None:
        """Keep a detail of a validation picture as the network makes it now.

        Args:
            step: at which it was made.
            comparison: its first answer is the network's.

        Raises:
            OSError: the disk is full, or the folder cannot be written to.
        """
        candidate, answer = next(iter(comparison.answers.items()))
        figures = {
            metric: f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}"
            for metric, value in comparison.values[candidate].items()
        }
        place = (comparison.dataset, comparison.scale, comparison.picture)
        keep_step(self._learning, place, step, (comparison.truth.lr, answer.picture, comparison.truth.hr), figures)

    def cut_back(self, step: int) -> None:
        """Forget the curves, events and pictures after `step`: training comes to those steps again.

        Raises:
            RunDirectoryError: the disk is full, or the folder cannot be written to.
            OSError: likewise, of a picture's index.
        """
        self._directory.cut_back(step)
        cut_back(self._learning, step)
        if self._board is not None:
            self._board.cut_back(step)
        self._health = _health_after(self._directory.path / METRICS)
        self._started_at, self._started = step, self._clock()
        self._bar.begin_at(step)

    def resumed(self, step: int) -> None:
        """The run goes on from a checkpoint of `step`: what was kept of later steps is forgotten, and all are told."""
        self.cut_back(step)
        self._events.tell("resumed", step=step)

    def stopped(self, step: int, reason: str) -> None:
        """Training ended at `step`, before its last one; `reason` says why."""
        self._events.tell("stopped", step=step, reason=reason)

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        self._directory.add_metrics(step, values)
        if self._board is not None:
            self._board.add(step, values)

    def _show(self, step: int, *, is_line_due: bool = False) -> None:
        """Bring the bar up to date, or print a line where there is none."""
        figures = "  ".join(self._figures[key] for key in ("loss", "validation", "speed") if key in self._figures)
        self._bar.update(step, figures)
        self._shown, now = step, self._clock()
        if self._console.is_terminal or not (is_line_due or now - self._line_at >= LINE_SECONDS):
            return
        self._line_at, self._line = now, step
        parts = (f"step {step} of {self._steps}", figures, self._time_left(step, now))
        self._console.print("  ".join(part for part in parts if part), markup=False, highlight=False, soft_wrap=True)

    def _time_left(self, step: int, now: float) -> str:
        done, left = step - self._started_at, self._steps - step
        if done <= 0 or left <= 0:
            return ""
        return f"ETA {_duration((now - self._started) / done * left)}"


def _health_after(metrics: Path) -> Health:
    """A watch that knows the points of the curves, and so what has been told of them."""
    health, points = Health(), dict[int, dict[str, float]]()
    for name, curve in (read_curves(metrics) if metrics.is_file() else {}).items():
        for step, value in zip(curve.steps, curve.values, strict=True):
            points.setdefault(step, {})[name] = value
    for step in sorted(points):
        health.saw(step, points[step])
    return health


def _rounded(value: float) -> str:
    """Three significant digits, without an exponent."""
    if not math.isfinite(value) or value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _duration(seconds: float) -> str:
    """As a person says it: `45 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
