"""A run that goes on: its folder is found again, and what happened after its last checkpoint is forgotten."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from sr_core.errors import RunDirectoryError
from sr_core.run_directory import RunDirectory, latest_run


def points(run: RunDirectory) -> list[tuple[int, str, float]]:
    with (run.path / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [(int(row["step"]), row["curve"], float(row["value"])) for row in csv.DictReader(file)]


def events(run: RunDirectory) -> list[str]:
    lines = (run.path / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_metrics_are_one_value_a_line_to_the_last_digit(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path)
    third = 1 / 3
    run.add_metrics(100, {"loss": third, "Set5 x3/psnr": 32.5})
    run.add_metrics(200, {"loss": math.inf, 'odd, "name"\n': 1})
    lines = (tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["step,curve,value", "100,loss,0.3333333333333333", "100,Set5 x3/psnr,32.5"]
    assert points(run) == [
        (100, "loss", third),
        (100, "Set5 x3/psnr", 32.5),
        (200, "loss", math.inf),
        (200, 'odd, "name"', 1),
    ]


def test_what_came_after_the_checkpoint_is_cut_away(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path)
    run.log("started")
    for step in (100, 200, 300):
        run.add_metrics(step, {"loss": 1 / step, "a,b": step})
        run.log("validated", step=step)
    run.log("stopped", reason="no step of its own")
    run.cut_back(200)
    assert [step for step, _, _ in points(run)] == [100, 100, 200, 200]
    assert events(run) == ["started", "validated", "validated", "stopped"]
    run.add_metrics(250, {"loss": 0.0})
    assert points(run)[-1] == (250, "loss", 0.0)
    assert (tmp_path / "metrics.csv").read_text(encoding="utf-8").count("step,curve,value") == 1


@pytest.mark.parametrize("torn", ["30", "300,lo", "300,loss,0.1", "200,loss,0.12", "\x00\x00"])
def test_a_line_that_was_torn_by_a_kill_is_dropped(torn: str, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path)
    run.add_metrics(100, {"loss": 0.5})
    run.log("validated", step=100)
    for name in ("metrics.csv", "log.jsonl"):
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write(torn)
    run.cut_back(200)
    assert points(run) == [(100, "loss", 0.5)]
    assert events(run) == ["validated"]


def test_bytes_that_are_no_text_are_dropped_with_their_line(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path)
    run.log("started")
    run.add_metrics(100, {"loss": 0.5})
    for name in ("metrics.csv", "log.jsonl"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"\xff\xfe{\n")
    run.cut_back(200)
    assert points(run) == [(100, "loss", 0.5)]
    assert events(run) == ["started"]


def test_cutting_back_before_anything_was_written_is_nothing(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path).cut_back(0)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_reopened_by_its_spec(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run").write_text("spec.yaml", "name: a\n")
    assert RunDirectory.reopen(tmp_path / "run").path == tmp_path / "run"


@pytest.mark.parametrize(("name", "why"), [("empty", "it has no spec.yaml"), ("nowhere", "there is no such folder")])
def test_a_folder_without_a_run_cannot_go_on(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunDirectoryError, match=f"{name} holds no run that could go on: {why}"):
        RunDirectory.reopen(tmp_path / name)


def test_a_folder_that_is_not_empty_is_told_of_resume(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").touch()
    with pytest.raises(RunDirectoryError, match="not empty; go on with --resume"):
        RunDirectory.create(tmp_path)


def test_the_latest_run_is_the_newest_by_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert latest_run("a:b") is None
    times = ["2025-01-02_03-04-05", "2025-01-02_03-04-05_2", "2025-01-02_03-04-05_10", "2024-12-31_23-59-59"]
    for name in (*times, "mine"):
        (tmp_path / "runs/a_b" / name).mkdir(parents=True)
        (tmp_path / "runs/a_b" / name / "spec.yaml").touch()
    (tmp_path / "runs/a_b/2026-01-01_00-00-00").mkdir()  # killed before it had a spec
    assert latest_run("a:b") == Path("runs/a_b/2025-01-02_03-04-05_10")
