"""Two processes train as one does, and whatever becomes of one of them ends both with a plain word."""

from __future__ import annotations

import csv
import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from ruamel.yaml import YAML
from safetensors.torch import load_file

from sr_core.errors import SrkitError
from sr_core.training.devices import Devices
from tests.conftest import textured

pytestmark = pytest.mark.slow

LONGEST = 60
"""Seconds that any of these may take; what hangs is ended and fails."""
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
FORKS = multiprocessing.get_context("forkserver")
"""Processes that are forked from one that has imported everything: that takes longer than what they do."""
FORKS.set_forkserver_preload(["sr_core.runner", "sr_core.planning", "sr_core.train_assembling", "tests.contracts.toys"])

PLUGIN = """
import os
import signal
import time

from torch import nn

from sr_core import Loss, batch_mean, hookimpl
from tests.contracts import toys


class Relativistic(toys.Relativistic):
    # without the batch statistics that would be others in each process

    def __init__(self):
        super().__init__()
        self.judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 1, 3))


def rank():
    return int(os.environ.get("RANK", "0"))


class NoNumberOnTheSecond(Loss):
    def forward(self, sr, hr, batch):
        found = (sr - hr).square().mean()
        return found * float("nan") if rank() == 1 and batch.step == 2 else found


class FailsOnTheSecond(Loss):
    def forward(self, sr, hr, batch):
        if rank() == 1 and batch.step == 2:
            raise ZeroDivisionError("the second one gives up")
        return (sr - hr).square().mean()


class DiesOnTheSecond(Loss):
    def forward(self, sr, hr, batch):
        if rank() == 1 and batch.step == 2:
            os._exit(9)
        return (sr - hr).square().mean()


class AsksToStop(Loss):
    # in step 15, where the test says so, the launcher is asked to stop

    def forward(self, sr, hr, batch):
        if rank() == 0 and batch.step == 15 and os.environ.pop("ASKS_TO_STOP", None):
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(1)
        return (sr - hr).square().mean()


@hookimpl
def srkit_register(registry):
    for name, target in (
        ("two-relativistic", Relativistic),
        ("two-nan", NoNumberOnTheSecond),
        ("two-fails", FailsOnTheSecond),
        ("two-dies", DiesOnTheSecond),
        ("two-stops", AsksToStop),
    ):
        registry.loss(name, f"two_plugin:{target.__name__}", summary="for two processes")
    registry.model("two-deep", "tests.contracts.toys:DeepSupervision", summary="two outputs")
"""


class Place:
    """A folder with pictures, a spec and an installed plugin, in which programs run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "train").mkdir()
        for seed in (1, 2):
            Image.fromarray(textured((40, 44), 3, seed)).save(folder / "train" / f"{seed}.png")
        site = folder / "site"
        information = site / "two-1.0.dist-info"
        information.mkdir(parents=True)
        (site / "two_plugin.py").write_text(PLUGIN, encoding="utf-8")
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: two\nVersion: 1.0\n", encoding="utf-8")
        (information / "entry_points.txt").write_text("[srkit.plugins]\ntwo = two_plugin\n", encoding="utf-8")
        self._paths = [str(site), str(Path(__file__).parents[2])]

    def spec(self, **train: Any) -> Path:
        whole: Mapping[str, Any] = {
            "name": "two",
            "scale": 2,
            "precision": "float32",
            "deterministic": True,
            "device": "cpu",
            "train": {
                "model": "two-deep",
                "data": {"hr": "train", "crop": 16, "batch": 4},
                "loss": "mse",
                "steps": 5,
                "log": 1,
                "checkpoint": {"every": 10, "keep": 2},
                **train,
            },
        }
        path = self.folder / "spec.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(whole, file)
        return path

    def run(self, *arguments: str | Path, processes: int = 2) -> tuple[list[int], str]:
        """The program in several processes, each told who it is as torchrun does; their statuses and what they said.

        Nobody ends one when another ends: each has to by itself.
        """
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        output = self.folder / "output.txt"
        output.write_text("", encoding="utf-8")
        started = [
            FORKS.Process(
                target=one_of_them,
                args=([str(argument) for argument in arguments], self._paths, output, rank, processes, port),
            )
            for rank in range(processes)
        ]
        for process in started:
            process.start()
        for process in started:
            process.join(LONGEST)
        hanging = [process for process in started if process.is_alive()]
        for process in hanging:
            process.kill()
        assert not hanging, output.read_text(encoding="utf-8")
        return [process.exitcode or 0 for process in started], output.read_text(encoding="utf-8")

    def torchrun(self, *arguments: str | Path, **environment: str) -> tuple[int, str]:
        """The program under torchrun with two processes."""
        done = subprocess.run(
            [sys.executable, *TORCHRUN, "-m", "sr_core", "run", *map(str, arguments)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(self._paths), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return done.returncode, done.stdout


def one_of_them(arguments: list[str], paths: list[str], output: Path, rank: int, world: int, port: int) -> None:
    """What each process does."""
    with output.open("a", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.path[:0] = paths
    if world > 1:
        facts = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in facts.items()})
    from sr_core.cli import main

    main(["run", *arguments])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def curves(run: Path) -> dict[tuple[str, int], float]:
    timing = ("images per second", "waiting for data")
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        rows = [(row["curve"], int(row["step"]), float(row["value"])) for row in csv.DictReader(file)]
    return {(name, step): value for name, step, value in rows if name not in timing}


def final(run: Path) -> bytes:
    return (run / "checkpoints/final/weights.safetensors").read_bytes()


def test_a_relativistic_loss_learns_over_two_processes_what_it_learns_in_one(place: Place, tmp_path: Path) -> None:
    losses = ["mse", {"name": "two-relativistic", "weight": 0.1}]
    spec = place.spec(loss=losses, steps=10, ema=0.9)
    for processes in (1, 2):
        statuses, output = place.run(spec, "--output", tmp_path / str(processes), processes=processes)
        assert not any(statuses), output
    one, two = curves(tmp_path / "1"), curves(tmp_path / "2")
    assert set(one) == set(two)
    assert {name for name, _ in two} >= {"loss", "own/two-relativistic/objective", "loss/sr/two-relativistic"}
    for key, value in two.items():
        assert value == pytest.approx(one[key], abs=1e-4, rel=1e-4), key


def test_torchrun_that_is_asked_to_stop_goes_on_to_the_very_bits(place: Place, tmp_path: Path) -> None:
    losses = ["two-stops", {"name": "two-relativistic", "weight": 0.1}]
    spec = place.spec(loss=losses, steps=25, ema=0.9)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    statuses, output = place.run(spec, "--output", whole)
    assert statuses == [0, 0], output
    status, output = place.torchrun(spec, "--output", stopped, ASKS_TO_STOP="1")
    assert status != 0
    assert "stopped after step 16 of 25; the state is saved: --resume goes on from there" in output
    assert not (stopped / "checkpoints/final").exists()
    statuses, output = place.run(spec, "--output", stopped, "--resume")
    assert statuses == [0, 0], output
    assert final(stopped) == final(whole)
    assert curves(stopped) == curves(whole)


def test_a_loss_that_is_no_number_in_the_second_process_is_named_by_the_first(place: Place, tmp_path: Path) -> None:
    statuses, output = place.run(place.spec(loss="two-nan"), "--output", tmp_path / "run")
    assert statuses == [0, 0], output
    events = (tmp_path / "run/log.jsonl").read_text(encoding="utf-8")
    assert "step 3: loss term 'coarse/two-nan' is not finite" in events
    (kept,) = (tmp_path / "run/nonfinite").iterdir()
    assert kept.name == "step-00000003-crop-2.safetensors", "the second process has crops 2 and 3"
    assert len(load_file(kept)["lr"]) == 2
    assert ("loss", 3) not in curves(tmp_path / "run")
    statuses, output = place.run(place.spec(loss="two-nan"), "--output", tmp_path / "run", "--resume")
    assert statuses == [0, 0], "what is finished is not trained again, and the second process learns of it"


def test_a_batch_that_cannot_be_shared_is_refused(place: Place, tmp_path: Path) -> None:
    data = {"hr": "train", "crop": 16, "batch": 5}
    statuses, output = place.run(place.spec(data=data), "--output", tmp_path / "run")
    assert statuses == [2, 2]
    assert "a batch of 5 cannot be divided among 2 devices; choose a multiple" in output
    assert "Traceback" not in output
    assert not (tmp_path / "run").exists()


def test_a_dry_run_ends_in_both_and_is_told_once(place: Place, tmp_path: Path) -> None:
    statuses, output = place.run(place.spec(), "--dry-run", "--output", tmp_path / "run")
    assert statuses == [0, 0], output
    assert output.count("5 steps of 4 crops") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("loss", "status"), [("two-fails", 2), ("two-dies", 9)])
def test_one_that_ends_ends_the_other_with_a_plain_word(place: Place, tmp_path: Path, loss: str, status: int) -> None:
    statuses, output = place.run(place.spec(loss=loss), "--output", tmp_path / "run")
    assert statuses == [2, status], output
    assert "another process of this training ended; see its message" in output
    assert "Traceback" not in output
    if loss == "two-fails":
        assert "loss 'two-fails' failed" in output
        assert "the second one gives up" in output


@pytest.mark.parametrize("ask", [lambda two: two.any([True]), lambda two: two.told(1), lambda two: two.first_of("a")])
def test_waiting_for_one_that_has_ended_is_a_plain_error(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[Devices], object]
) -> None:
    def closed(*_: Any, **__: Any) -> None:
        raise RuntimeError("Connection closed by peer [127.0.0.1]:1234")

    for name in ("all_reduce", "broadcast_object_list", "all_gather_object"):
        monkeypatch.setattr(torch.distributed, name, closed)
    with pytest.raises(SrkitError, match=r"another process of this training ended; see its message .*closed by peer"):
        ask(Devices(torch.device("cpu"), 0, 2))
