"""A training in several phases: each goes on where the one before ended, and a killed one comes to the same end."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from sr_core.training.checkpoints import load_latest
from sr_core.training_journal import TrainingJournal
from tests.cli.test_interrupted_training import Program, Srkit
from tests.conftest import textured

SPEC = """
name: two
scale: 2
precision: float32
deterministic: true
device: cpu
train:
  - name: pixels
    model: {name: espcn, features: [8, 4], channels: rgb}
    data: {hr: train, crop: 16, batch: 4}
    loss: mse
    steps: 12
    log: 1
    checkpoint: {every: 5, keep: 2}
  - name: adversarial
    loss:
      - mse
      - name: gan
        weight: 0.01
        discriminator: {name: patchgan, layers: 1, width: 4}
        optimizer: {name: adam, lr: 1.0e-3}
    steps: LONG
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    for seed in (1, 2):
        Image.fromarray(textured((40, 44), 3, seed)).save(tmp_path / "train" / f"{seed}.png")
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("LONG", "8"), encoding="utf-8")
    return path


def change(spec: Path, old: str, new: str) -> None:
    text = spec.read_text(encoding="utf-8")
    assert old in text
    spec.write_text(text.replace(old, new), encoding="utf-8")


def points(run: Path) -> dict[str, list[int]]:
    """The steps of each curve."""
    found: dict[str, list[int]] = {}
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["curve"], []).append(int(row["step"]))
    return found


def values(run: Path, curve: str) -> list[tuple[int, float]]:
    with (run / "metrics.csv").open(encoding="utf-8") as file:
        return [(int(row["step"]), float(row["value"])) for row in csv.DictReader(file) if row["curve"] == curve]


@pytest.mark.usefixtures("no_plots")
def test_curves_count_on_and_each_phase_keeps_what_it_came_to(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    run = tmp_path / "run"
    result = srkit("run", spec, "--output", run)
    assert result.exit_code == 0, result.output
    curves = points(run)
    assert curves["loss"] == list(range(1, 21)), "12 steps of the first phase, 8 of the second"
    assert curves["own/gan/objective"] == list(range(13, 21)), "the first phase knows nothing of a discriminator"
    pixels = load_file(run / "phases/pixels/final/weights.safetensors")
    last = load_file(run / "phases/adversarial/final/weights.safetensors")
    whole = load_file(run / "checkpoints/final/weights.safetensors")
    assert all(torch.equal(last[name], whole[name]) for name in whole), "the run's weights are those of its last phase"
    assert any(not torch.equal(pixels[name], last[name]) for name in last)


@pytest.mark.usefixtures("no_plots")
def test_a_phase_begins_with_the_network_of_the_one_before(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    change(spec, "steps: 8", "steps: 1\n    optimizer: {name: sgd, lr: 1.0e-12}")
    assert srkit("run", spec, "--output", tmp_path / "run").exit_code == 0
    before = load_file(tmp_path / "run/phases/pixels/final/weights.safetensors")
    after = load_file(tmp_path / "run/phases/adversarial/final/weights.safetensors")
    assert all(torch.allclose(before[name], after[name], atol=1e-9) for name in before)


@pytest.mark.usefixtures("no_plots")
def test_what_a_phase_leaves_out_is_as_in_the_one_before(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    assert srkit("run", spec, "--output", tmp_path / "run").exit_code == 0
    (event,) = (
        event
        for event in map(json.loads, (tmp_path / "run/log.jsonl").read_text(encoding="utf-8").splitlines())
        if event["event"] == "started"
    )
    pixels, adversarial = event["spec"]["train"]
    for key in ("model", "data", "log", "checkpoint", "optimizer"):
        assert adversarial[key] == pixels[key]
    assert adversarial["steps"] == 8


@pytest.mark.slow
@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize("at", [7, 30])
def test_killed_in_any_phase_it_ends_with_the_very_bits(spec: Path, srkit: Srkit, tmp_path: Path, at: int) -> None:
    change(spec, "steps: 8", "steps: 60")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert srkit("run", spec, "--output", whole).exit_code == 0
    program = Program(spec, "--output", killed)
    for _ in range(1200):
        if (killed / "metrics.csv").exists() and max(points(killed).get("loss", [0])) >= at:
            break
        time.sleep(0.05)
    program.process.send_signal(signal.SIGKILL)
    program.end()
    assert not (killed / "checkpoints/final").exists()
    status, output = Program(spec, "--output", killed, "--resume").end()
    assert status == 0, output
    for folder in ("phases/pixels", "phases/adversarial", "checkpoints"):
        name = f"{folder}/final/weights.safetensors"
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    for curve in ("loss", "own/gan/objective"):
        assert values(killed, curve) == values(whole, curve)


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- name: pixels", "- name: points"),
        ("steps: 12", "steps: 15"),
        ("  - name: adversarial", "  - name: between\n    steps: 3\n  - name: adversarial"),
    ],
)
def test_what_a_begun_phase_builds_on_cannot_change(
    spec: Path, srkit: Srkit, tmp_path: Path, old: str, new: str
) -> None:
    run = tmp_path / "run"
    assert srkit("run", spec, "--output", run).exit_code == 0
    before = (run / "metrics.csv").read_bytes()
    change(spec, old, new)
    result = srkit("run", spec, "--output", run, "--resume", "--accept-changes")
    assert result.exit_code == 2
    assert "phases/pixels, phases/adversarial belongs to other phases" in result.output
    assert (run / "metrics.csv").read_bytes() == before
    assert (run / "checkpoints/final/weights.safetensors").exists()


@pytest.mark.usefixtures("no_plots")
def test_the_last_phase_may_be_made_longer_and_others_may_follow(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert srkit("run", spec, "--output", run).exit_code == 0
    change(spec, "steps: 8", "steps: 10\n  - name: gentle\n    steps: 2")
    result = srkit("run", spec, "--output", run, "--resume", "--accept-changes")
    assert result.exit_code == 0, result.output
    assert points(run)["loss"] == list(range(1, 25))
    assert (run / "phases/gentle/final/weights.safetensors").exists()


@pytest.mark.usefixtures("no_plots")
def test_one_phase_cannot_become_several_under_way(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    run = tmp_path / "run"
    spec.write_text(text.partition("  - name: adversarial")[0], encoding="utf-8")
    assert srkit("run", spec, "--output", run).exit_code == 0
    spec.write_text(text, encoding="utf-8")
    result = srkit("run", spec, "--output", run, "--resume", "--accept-changes")
    assert result.exit_code == 2
    assert "checkpoints belongs to other phases" in result.output
    assert (run / "checkpoints/final/weights.safetensors").exists()


@pytest.mark.usefixtures("no_plots")
def test_stopped_in_the_last_step_of_a_phase_the_next_one_does_not_begin(
    spec: Path, srkit: Srkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, advanced = tmp_path / "run", TrainingJournal.advanced

    def stop(journal: TrainingJournal, step: int) -> None:
        advanced(journal, step)
        if step == 12:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(TrainingJournal, "advanced", stop)
    result = srkit("run", spec, "--output", run)
    assert result.exit_code == 128 + signal.SIGTERM
    assert "stopped after step 12 of 20" in result.output
    assert (run / "phases/pixels/final/weights.safetensors").exists()
    assert not (run / "phases/adversarial").exists()
    monkeypatch.undo()
    assert srkit("run", spec, "--output", run, "--resume").exit_code == 0
    assert points(run)["loss"] == list(range(1, 21))


def discriminator(folder: Path) -> dict[str, torch.Tensor]:
    """As the newest checkpoint of a phase has it."""
    checkpoint = load_latest(folder)
    assert checkpoint is not None
    learned = checkpoint.state["losses"]["gan"]["loss"]
    return {name: tensor for name, tensor in learned.items() if tensor.is_floating_point() and "weight" in name}


@pytest.mark.usefixtures("no_plots")
def test_a_discriminator_goes_on_in_the_next_phase_with_what_it_learned(
    spec: Path, srkit: Srkit, tmp_path: Path
) -> None:
    text = spec.read_text(encoding="utf-8")
    spec.write_text(
        text + "  - name: gentle\n    steps: 1\n    optimizer: {name: sgd, lr: 1.0e-12}\n", encoding="utf-8"
    )
    assert srkit("run", spec, "--output", tmp_path / "run").exit_code == 0
    ended, went_on = (discriminator(tmp_path / "run/phases" / name) for name in ("adversarial", "gentle"))
    for name, tensor in ended.items():  # one step of Adam with a rate of 0.001 moves no weight further
        assert float((went_on[name] - tensor).abs().max()) <= 1.1e-3, name
    assert any(float(tensor.abs().max()) > 0.02 for tensor in ended.values()), "another one would be elsewhere"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("- name: adversarial", "- name: pixels", "two phases are called 'pixels'"),
        ("- name: adversarial", "- name: adversarial\n    model: srcnn", "remove 'model'"),
        ("- name: adversarial", "- name: adversarial\n    weights: x.pth", "remove 'weights'"),
        ("- name: adversarial", "- name: adversarial\n    stpes: 3", "stpes"),
        ("weight: 0.01", "weight: x", "train[1].loss[1].weight"),
        ("layers: 1", "layers: many", "train[1].loss[1]"),
        ("weight: 0.01", "on: clean", "train[1].loss[1]: loss 'gan' names predictions clean, and the network makes"),
        (
            "    loss: mse",
            "    loss: {name: mse, predictions: {x2: 0.5}}",
            "train[0].loss[0]: loss 'mse' names predictions x2",
        ),
    ],
)
def test_a_mistake_in_a_phase_is_found_where_it_stands(spec: Path, srkit: Srkit, old: str, new: str, said: str) -> None:
    change(spec, old, new)
    result = srkit("check", spec)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_what_phases_share_is_wrong_once(spec: Path, srkit: Srkit) -> None:
    change(spec, "    loss: mse\n    steps: 12", "    loss: mse\n    accumulate: 3\n    steps: 12")
    result = srkit("check", spec)
    assert result.output.count("4 crops cannot be cut into 3 equal parts") == 1


def test_the_plan_names_the_phases(spec: Path, srkit: Srkit) -> None:
    result = srkit("check", spec)
    assert result.exit_code == 0, result.output
    assert "pixels: 12 steps of 4 crops, adversarial: 8 steps of 4 crops" in result.output


@pytest.mark.usefixtures("no_plots")
def test_networks_of_phases_and_between_them_are_compared(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(textured((32, 36), 3, 9)).save(tmp_path / "set" / "picture.png")
    evaluate = """
evaluate:
  on: {name: set, hr: set}
  metrics: [psnr]
  protocol: rgb
  candidates:
    - {model: trained, name: first, phase: pixels}
    - {model: trained, name: near first, between: [pixels, adversarial], alpha: 0}
    - {model: trained, name: half, between: [pixels, adversarial], alpha: 0.5}
    - {model: trained, name: near last, between: [pixels, adversarial], alpha: 1}
    - {model: trained, name: last}
"""
    text = spec.read_text(encoding="utf-8").replace("weight: 0.01", "weight: 1")
    spec.write_text(text + evaluate, encoding="utf-8")
    assert srkit("run", spec, "--output", tmp_path / "run").exit_code == 0
    records = json.loads((tmp_path / "run/results.json").read_text(encoding="utf-8"))
    psnr = {record["candidate"]: record["mean"] for record in records}
    assert psnr["first"] == psnr["near first"]
    assert psnr["last"] == psnr["near last"]
    assert len({psnr["first"], psnr["half"], psnr["last"]}) == 3


@pytest.mark.usefixtures("no_plots")
def test_the_only_phase_may_be_named(spec: Path, srkit: Srkit, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(textured((32, 36), 3, 9)).save(tmp_path / "set" / "picture.png")
    text = spec.read_text(encoding="utf-8").partition("  - name: adversarial")[0]
    evaluate = "evaluate: {on: set, metrics: [psnr], candidates: [{model: trained, phase: pixels}]}\n"
    spec.write_text(text + evaluate, encoding="utf-8")
    result = srkit("run", spec, "--output", tmp_path / "run")
    assert result.exit_code == 0, result.output
    (record,) = json.loads((tmp_path / "run/results.json").read_text(encoding="utf-8"))
    assert record["candidate"] == "pixels"


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        ("{model: trained, phase: pixel}", "there is no phase 'pixel'; phases: 'pixels', 'adversarial'"),
        ("{model: trained, between: [pixels, end], alpha: 0.5}", "there is no phase 'end'"),
        ("{model: trained, between: [pixels, adversarial]}", "with 'alpha'"),
        ("{name: bicubic, phase: pixels}", "phase"),
    ],
)
def test_a_candidate_of_a_phase_that_is_not_there_is_refused(
    spec: Path, srkit: Srkit, tmp_path: Path, candidate: str, said: str
) -> None:
    (tmp_path / "set").mkdir()
    Image.fromarray(textured((32, 36), 3, 9)).save(tmp_path / "set" / "picture.png")
    text = spec.read_text(encoding="utf-8")
    spec.write_text(f"{text}\nevaluate:\n  on: set\n  candidates: [{candidate}]\n", encoding="utf-8")
    result = srkit("check", spec)
    assert result.exit_code == 2
    assert said in result.output
