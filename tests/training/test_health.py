"""The health of adversarial training: what is measured in a step, and what is said of it in words."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from sr_core.data.patches import PatchBatch
from sr_core.imaging.resize import resize
from sr_core.imaging.size import Scale
from sr_core.interfaces.loss import Batch
from sr_core.interfaces.model import Model, Prediction
from sr_core.run_directory import RunDirectory
from sr_core.run_events import RunEvents
from sr_core.training.checkup import Checkup
from sr_core.training.health import Health
from sr_core.training.settings import OptimizerRecipe, WeightedLoss
from sr_core.training_journal import TrainingJournal
from sr_plugins_gan.adversarial import AdversarialLoss
from tests.training.small_training import MSE, Network, Noise, new_network, run_training, settings, weights_of
from tests.unit.small_discriminators import PatchJudge


def players(**options: Any) -> list[WeightedLoss]:
    torch.manual_seed(5)
    loss = AdversarialLoss(PatchJudge(1), **options)
    return [
        WeightedLoss("mse", MSE(), weight=2.0),
        WeightedLoss("gan", loss, weight=0.1, optimizer=OptimizerRecipe("adam", 1e-2)),
    ]


def close(value: float, relative: float = 1e-4) -> Any:
    return pytest.approx(value, rel=relative)


def gradients_on_sr(losses: list[WeightedLoss], network: Model, patches: PatchBatch) -> dict[str, float]:
    """By loss, in float64, of one batch."""
    found = {}
    network, lr, hr = network.double(), patches.lr.double(), patches.hr.double()
    for entry in losses:
        sr = network(lr, 2).detach().requires_grad_()
        told = entry.loss.double()(sr, hr, Batch(lr, 2, 0, 0.0))
        total = sum(told.values()) if isinstance(told, dict) else told
        (gradient,) = torch.autograd.grad(entry.weight * total, sr)
        found[entry.name] = float(gradient.square().sum().sqrt())
    return found


class AfterOwnStep(AdversarialLoss):
    """Remembers itself and its gradient as they are after its own step."""

    def after_own_step(self) -> None:
        super().after_own_step()
        self.kept = {name: value.clone() for name, value in self.state_dict().items()}
        parts = [parameter.grad.double().flatten() for parameter in self.parameters() if parameter.grad is not None]
        self.norm = float(torch.cat(parts).square().sum().sqrt())


@pytest.mark.parametrize(("precision", "accumulate"), [("float32", 1), ("float32", 4), ("float16", 1), ("bfloat16", 1)])
def test_gradients_are_those_of_each_loss_on_sr_and_of_the_discriminators_own_step(
    precision: Any, accumulate: int, tmp_path: Path
) -> None:
    losses = players()
    torch.manual_seed(5)
    judge = AfterOwnStep(PatchJudge(1))
    losses[1] = WeightedLoss("gan", judge, weight=0.1, optimizer=OptimizerRecipe("adam", 1e-2))
    _, journal = run_training(tmp_path, settings(1, losses=losses, precision=precision, accumulate=accumulate))
    point = journal.points[1]
    judge.load_state_dict(judge.kept)
    expected = gradients_on_sr(losses, new_network(), Noise().batch(0))
    tolerance = 1e-4 if precision == "float32" else 0.02
    for name, value in expected.items():
        assert point[f"gradient on SR/{name}"] == close(value, tolerance), name
    assert point["own/gan/gradient norm"] == close(judge.norm, tolerance)


def test_a_waiting_discriminator_is_not_heard_at_all(tmp_path: Path) -> None:
    _, journal = run_training(tmp_path, settings(2, losses=players(warmup=1)))
    assert journal.points[1]["gradient on SR/gan"] == 0
    assert journal.points[2]["gradient on SR/gan"] > 0


@pytest.mark.parametrize("changes", [{}, {"accumulate": 4}, {"precision": "float16"}, {"ema": 0.9}])
def test_looking_changes_nothing(changes: dict[str, Any], tmp_path: Path) -> None:
    options: dict[str, Any] = {"augment": "ada", "regularise": "r1", "feature_matching": 1.0}
    often, many = run_training(tmp_path / "often", settings(6, losses=players(**options), log=1, **changes))
    seldom, few = run_training(tmp_path / "seldom", settings(6, losses=players(**options), log=50, **changes))
    assert (len(many.points), len(few.points)) == (6, 1)
    assert "gradient on SR/gan" in few.points[6]
    for name, value in weights_of(often).items():
        assert torch.equal(value, weights_of(seldom)[name]), name


def test_without_a_loss_that_learns_nothing_is_looked_at(tmp_path: Path) -> None:
    _, journal = run_training(tmp_path, settings(2))
    wanted = {"loss", "loss/mse", "gradient norm", "learning rate", "images per second", "waiting for data"}
    assert set(journal.points[1]) == wanted


class Valid(Network):
    """Learns what its convolutions see whole, as SRCNN does."""

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        return (Prediction("sr", self(lr, scale)[:, :, 1:-1], hr[:, :, 1:-1]),)


def test_a_network_that_shows_no_whole_picture_is_not_compared_with_lr(tmp_path: Path) -> None:
    losses = players()
    torch.manual_seed(0)
    _, journal = run_training(tmp_path, settings(1, losses=losses), network=Valid())
    assert "gradient on SR/gan" in journal.points[1]
    assert not [name for name in journal.points[1] if name.startswith("drift/")]


def looked(sr: Tensor, lr: Tensor, scale: Scale, parts: int = 1) -> dict[str, float]:
    checkup = Checkup()
    batch = PatchBatch(lr, sr, scale, range(len(lr)))
    for part, _, _ in batch.parts(parts):
        checkup.look(part.hr, part)
    return {name: float(value) for name, value in checkup.curves().items()}


@pytest.mark.parametrize("scale", [1, 2, 3, 0.5])
@pytest.mark.parametrize("parts", [1, 2])
def test_drift_is_told_in_levels_by_colour(scale: Scale, parts: int) -> None:
    torch.manual_seed(1)
    lr = torch.rand(4, 3, 16, 20)
    sr = resize(lr, scale) + torch.tensor([3, -2, 0.5])[:, None, None] / 255
    sr[2:] += 1 / 255
    small = resize(lr.double(), 0.5) if scale == 0.5 else lr.double()
    shrunk = resize(sr.double(), 1 / scale, (16, 20)) if scale in (2, 3) else sr.double()
    difference = 255 * (shrunk - small).numpy()
    found = looked(sr, lr, scale, parts)
    for plane, name in enumerate(("red", "green", "blue")):
        assert found[f"drift/{name}"] == pytest.approx(difference[:, plane].mean(), abs=2e-3)
        assert found[f"drift/{name}"] == pytest.approx((3.5, -1.5, 1)[plane], abs=0.1)
    rows, columns = difference.shape[2] // 8, difference.shape[3] // 8
    blocks = difference[:, :, : 8 * rows, : 8 * columns].reshape(4, 3, rows, 8, columns, 8).mean(axis=(3, 5))
    assert found["drift/low frequency"] == pytest.approx(np.sqrt((blocks**2).mean(axis=(1, 2, 3))).mean(), abs=2e-3)


def test_planes_that_are_no_colours_have_numbers() -> None:
    for planes, names in ((1, {"y"}), (2, {"0", "1"})):
        lr = torch.full((1, planes, 8, 8), 0.5)
        assert set(looked(lr, lr, 1)) == {f"drift/{name}" for name in {*names, "low frequency"}}


def test_a_shadow_over_half_a_picture_is_of_low_frequency_and_no_drift_of_colour() -> None:
    lr = torch.full((1, 1, 16, 16), 0.5)
    shaded = lr.clone()
    shaded[..., :8] += 4 / 255
    shaded[..., 8:] -= 4 / 255
    assert looked(shaded, lr, 1) == pytest.approx({"drift/y": 0, "drift/low frequency": 4}, abs=1e-4)
    fine = lr + 4 / 255 * torch.tensor([1.0, -1.0]).repeat(8)
    assert looked(fine, lr, 1) == pytest.approx({"drift/y": 0, "drift/low frequency": 0}, abs=1e-4)


HEALTHY = {
    "loss": 0.1,
    "own/gan/D(real)": 0.7,
    "own/gan/D(fake)": 0.3,
    "own/gan/separation": 0.8,
    "gradient on SR/l1": 0.9,
    "gradient on SR/gan": 0.1,
    "drift/blue": 0.1,
    "drift/green": 0.2,
    "drift/red": -0.3,
    "drift/low frequency": 9.0,
}
WON = {"own/gan/D(real)": 0.98, "own/gan/D(fake)": 0.01, "own/gan/separation": 1.0}


def said(health: Health, changes: Mapping[str, float], points: int, step: int = 0, every: int = 100) -> list[str]:
    """What is said at so many points that differ from healthy ones."""
    found = []
    for number in range(points):
        found += health.saw(step + every * number, {**HEALTHY, **changes})
    return found


def test_of_a_healthy_training_nothing_is_said() -> None:
    assert said(Health(), {}, 200) == []


@pytest.mark.parametrize(
    ("changes", "points", "words"),
    [
        (WON, 5, ("discriminator of loss 'gan' has won", "100% of", "D(real) 0.98", "regularise: r1", "augment: ada")),
        ({"own/gan/separation": 0.52}, 20, ("'gan' sees no difference", "52% of", "higher rate", "own_steps")),
        ({"gradient on SR/gan": 0.005}, 5, ("the network ignores loss 'gan'", "only 0.55% of", "larger weight")),
        ({"drift/green": -2.4}, 5, ("colours drift", "red -0.3, green -2.4, blue +0.1 levels", "consistency")),
    ],
)
def test_what_goes_wrong_is_said_once_with_what_to_try(
    changes: dict[str, float], points: int, words: tuple[str, ...]
) -> None:
    health = Health()
    assert said(health, changes, points - 1) == []
    (text,) = said(health, changes, 1, 100 * points)
    for word in words:
        assert word in text
    assert said(health, changes, 100, 10_000) == [], "not again while it lasts"
    assert said(health, {}, 4, 30_000) == []
    assert said(health, changes, 100, 40_000) == [], "it was better for a moment only"
    assert said(health, {}, 5, 60_000) == []
    assert said(health, changes, 100, 70_000) == [text], "it was well, and came back"


def test_a_moment_is_no_warning() -> None:
    health = Health()
    for start in range(0, 10_000, 500):
        assert said(health, WON, 4, start) == []
        assert said(health, {}, 1, start + 400) == []


def test_many_points_of_a_few_steps_are_a_moment() -> None:
    health = Health()
    assert said(health, WON, 20, every=1) == []
    assert len(said(health, WON, 1, 20)) == 1


def test_critics_may_separate_as_far_as_they_can() -> None:
    names = ("own/gan/D(real)", "own/gan/D(fake)")
    critic = {name: value for name, value in HEALTHY.items() if name not in names}
    critic |= {"own/gan/critic(real)": 90.0, "own/gan/critic(fake)": -90.0, "own/gan/separation": 1.0}
    health = Health()
    assert [text for step in range(0, 10_000, 100) for text in health.saw(step, critic)] == []


def test_a_loss_that_waits_is_not_called_ignored() -> None:
    assert said(Health(), {"gradient on SR/gan": 0.0}, 100) == []
    assert said(Health(), {"gradient on SR/gan": float("nan"), "drift/red": float("nan")}, 100) == []


def test_colours_of_a_network_that_only_begins_to_learn_are_no_warning() -> None:
    health = Health()
    for step, red in enumerate((-90, -60, -35, -20, -12, -8, -5, -3, -2.2, -1.5, -1, -0.5, 0.2)):
        assert health.saw(100 * step, {**HEALTHY, "drift/red": red}) == []


def test_colours_that_drift_on_are_told_of_again_at_twice_the_difference() -> None:
    health = Health()
    assert "at step 0 it was red +5.0" in said(health, {"drift/red": 5.0}, 50)[0]
    assert said(health, {"drift/red": 9.9}, 50, 5000) == []
    assert len(said(health, {"drift/red": 10.1}, 50, 10_000)) == 1


def test_brightness_of_a_network_on_y_drifts_too() -> None:
    health, point = Health(), {"loss": 1.0, "own/gan/objective": 1.0, "drift/y": 2.5, "drift/low frequency": 3.0}
    (text,) = [text for step in range(0, 1000, 100) for text in health.saw(step, point)]
    assert text.startswith("brightness drifts: SR, shrunk to the size of LR, is off by +2.5 levels")


def test_a_phase_without_the_loss_begins_anew() -> None:
    health = Health()
    assert len(said(health, WON, 5)) == 1
    assert health.saw(600, {"loss": 0.1}) == []
    assert len(said(health, WON, 5, 700)) == 1


def journal_in(folder: Path) -> TrainingJournal:
    directory = RunDirectory(folder)
    return TrainingJournal(directory, RunEvents(directory, []), Console(file=io.StringIO()), 2000)


def warned(folder: Path) -> list[int]:
    """The steps of warnings in the run's log."""
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [event for event in events if event["event"] == "warning"]
    assert all(event["message"].startswith(f"step {event['step']}: the discriminator of") for event in found)
    return [event["step"] for event in found]


def test_a_run_that_is_resumed_warns_once_of_each_point(tmp_path: Path) -> None:
    """Stopped after the warning and gone on from before or after it: it stands in the log once."""
    for number, checkpoint in enumerate((300, 700)):
        folder = tmp_path / str(number)
        folder.mkdir()
        with RunEvents(RunDirectory(folder), []).keeping_warnings():
            with journal_in(folder) as journal:
                for step in range(100, 900, 100):
                    journal.logged(step, {**HEALTHY, **WON})
            assert warned(folder) == [500]
            with journal_in(folder) as journal:
                journal.resumed(checkpoint)
                for step in range(checkpoint + 100, 2000, 100):
                    journal.logged(step, {**HEALTHY, **WON})
            assert warned(folder) == [500]
