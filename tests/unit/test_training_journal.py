"""What a training tells while it goes on: to files, plugins, TensorBoard and the person who watches."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from sr_core.errors import SrkitError
from sr_core.reporting.curves import read_curves
from sr_core.reporting.learning import read_learning
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.training_journal import TrainingJournal
from tests.trained_run import comparison, record, values_at


class Clock:
    """Seconds that pass only when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Tracker:
    """A plugin that notes what it is told."""

    distribution = "tracker 1.0"

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.hooks = SimpleNamespace(srkit_run_event=self._note)

    def _note(self, event: str, run_directory: Path, details: dict[str, Any]) -> None:
        self.told.append((event, dict(details)))
        details.clear()  # what a listener does to it is its own affair


class Watched:
    """A journal with everything around it that can be looked at."""

    def __init__(self, path: Path, *, is_terminal: bool = False, steps: int = 1000, **options: Any) -> None:
        self.path, self.clock, self.tracker, self.screen = path, Clock(), Tracker(), io.StringIO()
        self.console = Console(file=self.screen, force_terminal=is_terminal, width=120, color_system=None)
        directory = RunDirectory(path)
        events = RunEvents(directory, [self.tracker])  # type: ignore[list-item]
        self.journal = TrainingJournal(directory, events, self.console, steps, clock=self.clock, **options)

    @property
    def lines(self) -> list[str]:
        return self.screen.getvalue().splitlines()

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.path / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    begun: list[Watched] = []

    def begin(**options: Any) -> Watched:
        begun.append(Watched(tmp_path, **options))
        return begun[-1]

    yield begin
    for watched in begun:
        watched.journal.__exit__(None, None, None)


def test_every_value_goes_into_the_curves_and_to_plugins(watch: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watch()
    watched.journal.logged(100, {"loss": 0.25, "learning rate": 0.001})
    watched.journal.validated(100, [record("trained", 31.5), record("trained", 29.0, "Set14")])
    curves = read_curves(tmp_path / "metrics.csv")
    assert {name: curve.values for name, curve in curves.items()} == {
        "loss": (0.25,),
        "learning rate": (0.001,),
        "Set5 x3/psnr": (31.5,),
        "Set14 x3/psnr": (29.0,),
    }
    (step, first), (validated, second) = watched.tracker.told
    assert (step, first) == ("step", {"step": 100, "values": {"loss": 0.25, "learning rate": 0.001}})
    assert (validated, second["step"], second["records"][0]["mean"]) == ("validated", 100, 31.5)
    assert [event["event"] for event in watched.log] == ["validated"]  # the values of steps are in metrics.csv


def test_a_loss_that_is_no_number_is_kept_as_it_is(watch: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watch()
    watched.journal.logged(100, {"loss": math.nan, "loss/mse": math.inf})
    watched.journal.validated(100, [record("trained", math.inf)])
    assert read_curves(tmp_path / "metrics.csv")["loss/mse"].values == (math.inf,)
    assert "loss nan" in watched.lines[0]


def test_without_a_terminal_there_is_a_line_now_and_then_and_at_each_validation(watch: Callable[..., Watched]) -> None:
    watched = watch(steps=60_000)
    for step in range(100, 2001, 100):
        watched.clock.now += 3.1
        watched.journal.advanced(step)
        watched.journal.logged(step, {"loss": 0.00123, "images per second": 840.4})
    watched.journal.validated(2000, [record("trained", 32.313)])
    # 62 seconds for 2000 steps: 58 000 more take 1798 seconds
    assert watched.lines == [
        "step 1000 of 60000  loss 0.00123  840 images/s  ETA 30 min",
        "step 2000 of 60000  loss 0.00123  840 images/s  ETA 30 min",
        "step 2000 of 60000  loss 0.00123  Set5 ×3 psnr 32.31  840 images/s  ETA 30 min",
    ]


@pytest.mark.parametrize(
    ("seconds", "left"), [(1, "9 s"), (9, "81 s"), (20, "3 min"), (1000, "2 h 30 min"), (20_000, "50 h 0 min")]
)
def test_the_time_left_is_told_as_a_person_says_it(watch: Callable[..., Watched], seconds: float, left: str) -> None:
    watched = watch()
    watched.clock.now = seconds
    watched.journal.validated(100, [])
    assert watched.lines == [f"step 100 of 1000  ETA {left}"]


def test_the_last_step_has_its_line_and_no_time_left(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.clock.now = 1
    watched.journal.logged(1000, {"loss": 0.5, "images per second": 3.25})
    assert watched.lines == []  # a validation may follow, and has a line of its own
    watched.journal.__exit__(None, None, None)
    assert watched.lines == ["step 1000 of 1000  loss 0.5  3.25 images/s"]


def test_on_a_terminal_a_bar_shows_steps_loss_validation_and_speed(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    class AtOnce:
        def __init__(self, delay: float, act: Callable[[], None]) -> None:
            self.start = act

        def cancel(self) -> None: ...
        def join(self) -> None: ...

    monkeypatch.setattr("sr_core.progress.threading.Timer", AtOnce)
    watched = watch(is_terminal=True)
    watched.journal.logged(100, {"loss": 0.00123, "images per second": 840})
    watched.journal.validated(100, [record("trained", 32.313)])
    watched.clock.now = 1
    watched.journal.advanced(150)
    watched.journal.__exit__(None, None, None)
    shown = watched.screen.getvalue()
    for part in ("training", "150/1000", "loss 0.00123  Set5 ×3 psnr 32.31  840 images/s"):
        assert part in shown
    assert "step 100 of 1000" not in shown


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(watch: Callable[..., Watched], tmp_path: Path) -> None:
    watched = watch()
    for step in (0, 100, 200, 300):
        watched.journal.logged(step, {"loss": 1.0 - step / 1000})
        watched.journal.pictured(step, comparison("Set5", "butterfly", step / 1000))
        watched.journal.validated(step, [record("trained", 30 + step / 100)])
    with (tmp_path / "metrics.csv").open("a", encoding="utf-8") as file:
        file.write("400,lo")
    watched = watch()
    watched.journal.resumed(200)
    curves = read_curves(tmp_path / "metrics.csv")
    assert {curve.steps for curve in curves.values()} == {(0, 100, 200)}
    [(_, index)] = read_learning(tmp_path / "learning")
    assert [kept.step for kept in index.steps] == [0, 100, 200]
    assert watched.tracker.told == [("resumed", {"step": 200})]
    assert [event["step"] for event in watched.log if event["event"] == "validated"] == [0, 100, 200]
    watched.clock.now = 10  # 100 steps in 10 seconds, whatever the first 200 took
    watched.journal.validated(300, [])
    assert watched.lines == ["step 300 of 1000  ETA 70 s"]


def test_a_stop_is_told_with_its_reason(watch: Callable[..., Watched]) -> None:
    watched = watch()
    watched.journal.stopped(120, "SIGTERM")
    assert watched.tracker.told == [("stopped", {"step": 120, "reason": "SIGTERM"})]
    assert (watched.log[-1]["event"], watched.log[-1]["step"]) == ("stopped", 120)


def test_pictures_are_kept_with_their_figures_and_their_sheet_at_the_end(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    watched = watch()
    watched.journal.pictured(500, comparison("Set5", "butterfly", 0.75))
    watched.journal.__exit__(None, None, None)
    [(folder, index)] = read_learning(tmp_path / "learning")
    assert index.steps[0].figures == {"psnr": "32.32"}
    assert folder.with_name("butterfly.png").is_file()


def test_the_curves_go_to_tensorboard_too(watch: Callable[..., Watched], tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    watched = watch(tensorboard=True)
    for step in (100, 200, 300):
        watched.journal.logged(step, {"loss": 1 / step, "learning rate": 0.001})
    watched.journal.resumed(200)
    watched.journal.validated(250, [record("trained", 31.5)])
    watched.journal.__exit__(None, None, None)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "learning_rate", "Set5_x3/psnr"}
    assert [point.step for point in events.Scalars("loss")] == [100, 200]
    assert events.Scalars("Set5_x3/psnr")[0].value == 31.5


def test_without_tensorboard_installed_the_command_that_installs_it_is_told(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(SrkitError, match=r"pip install 'srkit-core\[tensorboard\]'"):
        watch(tensorboard=True)


def test_a_full_disk_is_told_of_and_does_not_hide_what_went_wrong_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path)
    watched.journal.pictured(0, comparison("Set5", "butterfly", 0.0))

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(SrkitError, match=r"metrics\.csv cannot be written: .*No space left"), watched.journal:
        watched.journal.logged(100, values_at(0.1))
    assert not list(tmp_path.rglob("butterfly.png"))
