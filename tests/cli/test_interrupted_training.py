"""A training that is killed, stopped or spread over two processes comes to the same end."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from click.testing import Result
from PIL import Image

from tests.conftest import textured

Srkit = Callable[..., Result]

SPEC = """
name: long
scale: 2
precision: float32
deterministic: true
device: cpu
train:
  model: {name: espcn, features: [8, 4]}
  data: {hr: train, crop: 16, batch: 4}
  loss: [mse]
  optimizer: {name: adam, lr: 1.0e-3}
  schedule: cosine
  steps: STEPS
  log: 1
  ema: 0.9
  checkpoint: {every: 10, keep: 2}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    for seed in (1, 2):
        Image.fromarray(textured((40, 44), 3, seed)).save(tmp_path / "train" / f"{seed}.png")
    return tmp_path / "spec.yaml"


class Program:
    """The program in a process of its own, on as many threads as here; its output goes into a file."""

    def __init__(self, *arguments: str | Path, launcher: Sequence[str] = ()) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in `end`
        command = [sys.executable, *launcher, "-m", "sr_core", "run", *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
        self.process = subprocess.Popen(command, env=environment, stdout=self._output, stderr=subprocess.STDOUT)

    def end(self) -> tuple[int, str]:
        """Its status and what it printed; two minutes at most."""
        status = self.process.wait(timeout=120)
        with self._output as output:
            output.seek(0)
            return status, output.read()


def wait_for_checkpoint(run: Path, number: int) -> None:
    """Until so many checkpoints were made; a minute at most."""
    for _ in range(1200):
        steps = [int(path.name[5:]) for path in (run / "checkpoints").glob("step-*")]
        if max(steps, default=0) >= 10 * number:
            return
        time.sleep(0.05)
    raise AssertionError("no checkpoint within a minute")


def final(run: Path) -> bytes:
    return (run / "checkpoints/final/weights.safetensors").read_bytes()


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        rows = [(int(row["step"]), float(row["value"])) for row in csv.DictReader(file) if row["curve"] == "loss"]
    assert [step for step, _ in rows] == list(range(1, len(rows) + 1)), "one point a step, none twice"
    return [value for _, value in rows]


@pytest.mark.slow
@pytest.mark.usefixtures("no_plots")
def test_killed_and_resumed_it_ends_with_the_very_bits(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    spec.write_text(SPEC.replace("STEPS", "200"), encoding="utf-8")
    assert srkit("run", spec, "--output", tmp_path / "whole").exit_code == 0
    killed = Program(spec, "--output", tmp_path / "killed")
    for checkpoint in (2, 9):
        wait_for_checkpoint(tmp_path / "killed", checkpoint)
        killed.process.send_signal(signal.SIGKILL)
        killed.end()
        killed = Program(spec, "--output", tmp_path / "killed", "--resume")
    status, output = killed.end()
    assert status == 0, output
    assert final(tmp_path / "killed") == final(tmp_path / "whole")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_asked_to_stop_it_saves_and_says_how_to_go_on(
    spec: Path, tmp_path: Path, name: signal.Signals, status: int
) -> None:
    spec.write_text(SPEC.replace("STEPS", "100000"), encoding="utf-8")
    # A shell that runs tests in the background lets its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    running = Program(spec, "--output", tmp_path / "run")
    wait_for_checkpoint(tmp_path / "run", 1)
    running.process.send_signal(name)
    assert (ended := running.end())[0] == status, ended[1]
    saved = max(int(path.name[5:]) for path in (tmp_path / "run/checkpoints").glob("step-*"))
    assert f"stopped after step {saved} of 100000; the state is saved: --resume goes on from there" in ended[1]
    assert len(losses(tmp_path / "run")) == saved


@pytest.mark.slow
@pytest.mark.usefixtures("no_plots")
def test_two_processes_learn_what_one_learns(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    spec.write_text(SPEC.replace("STEPS", "20"), encoding="utf-8")
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    assert srkit("run", spec, "--output", tmp_path / "alone").exit_code == 0
    together = Program(spec, "--output", tmp_path / "together", launcher=torchrun)
    assert (ended := together.end())[0] == 0, ended[1]
    assert losses(tmp_path / "together") == pytest.approx(losses(tmp_path / "alone"), abs=1e-5)
    assert len(losses(tmp_path / "together")) == 20
