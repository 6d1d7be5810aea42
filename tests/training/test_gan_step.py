"""Adversarial training in the real loop: who learns from which step, what is logged, and that it goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sr_core.interfaces.loss import Batch
from sr_core.training.checkpoints import load_latest
from sr_core.training.learned import holding_still
from sr_core.training.learner import Learner
from sr_core.training.settings import OptimizerRecipe, WeightedLoss
from sr_plugins_gan.adversarial import AdversarialLoss
from sr_plugins_gan.cycle import CycleLoss
from sr_plugins_gan.downscaler import Downscaler
from sr_plugins_gan.objectives import OBJECTIVES, ObjectiveName
from tests.training.small_training import CPU, MSE, Noise, new_network, run_training, settings, weights_of
from tests.unit.small_discriminators import PatchJudge

every_objective = pytest.mark.parametrize("objective", list(OBJECTIVES))


def adversarial(objective: ObjectiveName = "non_saturating", **options: Any) -> WeightedLoss:
    torch.manual_seed(5)
    judge = PatchJudge(1, batch_norm=objective != "wgan_gp")
    loss = AdversarialLoss(judge, objective, **options)
    return WeightedLoss("gan", loss, weight=0.1, optimizer=OptimizerRecipe("adam", 1e-2))


def learner_of(*losses: WeightedLoss) -> Learner:
    learner = Learner(new_network(), settings(losses=losses), CPU, higher_is_better=True)
    learner.model.train()
    return learner


@every_objective
def test_the_networks_step_teaches_the_network_and_leaves_the_discriminator(objective: ObjectiveName) -> None:
    entry = adversarial(objective)
    learner, patches = learner_of(entry), Noise().batch(0)
    before = {name: value.clone() for name, value in entry.loss.state_dict().items()}
    with holding_still(learner.losses):
        sr = learner.model(patches.lr, 2)
        told = entry.loss(sr, patches.hr, Batch(patches.lr, 2, 0, 0.0))
        assert isinstance(told, dict)
        told["adversarial"].backward()  # type: ignore[no-untyped-call]
    for parameter in learner.model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert parameter.grad.any()
    for name, parameter in entry.loss.named_parameters():
        assert parameter.grad is None, name
        assert parameter.requires_grad, name
    for name, value in entry.loss.state_dict().items():
        assert torch.equal(value, before[name]), name


@every_objective
def test_a_whole_step_adds_nothing_to_the_discriminators_own_gradient(
    objective: ObjectiveName, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = adversarial(objective, regularise="r1")
    learner, noise = learner_of(entry), Noise()
    own: dict[str, Tensor] = {}

    def watched() -> None:
        for name, parameter in entry.loss.named_parameters():
            assert parameter.grad is not None
            own[name] = parameter.grad.clone()

    monkeypatch.setattr(entry.loss, "after_own_step", watched)
    weights = {name: value.clone() for name, value in learner.model.state_dict().items()}
    outcome = learner.take_step(noise.batch(0), lambda stream: noise.batch(0, stream))
    assert outcome.failure is None
    assert own
    for name, parameter in entry.loss.named_parameters():
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, own[name]), name
    assert any(not torch.equal(value, weights[name]) for name, value in learner.model.state_dict().items())


@every_objective
def test_both_players_are_in_the_log(objective: ObjectiveName, tmp_path: Path) -> None:
    losses = [WeightedLoss("mse", MSE()), adversarial(objective, feature_matching=1.0, own_steps=2)]
    _, journal = run_training(tmp_path, settings(3, losses=losses))
    sides = ("D(real)", "D(fake)") if OBJECTIVES[objective].gives_probabilities else ("critic(real)", "critic(fake)")
    wanted = {"loss/mse", "loss/gan/adversarial", "loss/gan/feature matching"}
    wanted |= {f"own/gan/{name}" for name in ("objective", "separation", *sides)}
    for point in journal.points.values():
        assert wanted <= set(point)
    assert 0 <= journal.points[3]["own/gan/separation"] <= 1


def test_in_the_warm_up_only_the_discriminator_learns(tmp_path: Path) -> None:
    entry = adversarial(warmup=2)
    before = {name: value.clone() for name, value in entry.loss.state_dict().items()}
    waiting, _ = run_training(tmp_path / "waiting", settings(2, losses=[entry]))
    assert all(torch.equal(value, new_network().state_dict()[name]) for name, value in weights_of(waiting).items())
    assert not torch.equal(entry.loss.state_dict()["discriminator.last.weight"], before["discriminator.last.weight"])
    told, _ = run_training(tmp_path / "told", settings(3, losses=[adversarial(warmup=2)]))
    assert not torch.equal(weights_of(told)["body.weight"], new_network().state_dict()["body.weight"])


def busy() -> WeightedLoss:
    return adversarial(
        "relativistic_average",
        augment="ada",
        ada_images=100,
        ada_target=-0.99,
        regularise="r1",
        r1_every=2,
        feature_matching=0.5,
        own_steps=2,
    )


def test_a_training_that_was_stopped_goes_on_bit_by_bit(tmp_path: Path) -> None:
    whole, _ = run_training(tmp_path / "whole", settings(8, losses=[busy()], checkpoint=4))
    run_training(tmp_path / "parts", settings(4, losses=[busy()], checkpoint=4))
    loaded = load_latest(tmp_path / "parts" / "checkpoints")
    assert loaded is not None
    resumed, _ = run_training(tmp_path / "parts", settings(8, losses=[busy()], checkpoint=4), state=loaded.state)
    for name, value in weights_of(resumed).items():
        assert torch.equal(value, weights_of(whole)[name]), name
    one, other = (load_latest(tmp_path / run / "checkpoints") for run in ("whole", "parts"))
    assert one is not None
    assert other is not None
    kept, again = one.state["losses"]["gan"]["loss"], other.state["losses"]["gan"]["loss"]
    assert kept["augmentation.probability"] == 1, "two steps a step with 8 pictures each: 128 of 100"
    assert all(torch.equal(kept[name], again[name]) for name in kept)


def test_a_batch_in_parts_is_noted_whole(tmp_path: Path) -> None:
    losses = [WeightedLoss("mse", MSE()), adversarial(augment="ada", ada_images=64, ada_target=-0.99)]
    run_training(tmp_path, settings(4, losses=losses, accumulate=4))
    loaded = load_latest(tmp_path / "checkpoints")
    assert loaded is not None
    assert loaded.state["losses"]["gan"]["loss"]["augmentation.probability"] == 0.5, "4 steps of 8 pictures, of 64"


def test_a_cycle_teaches_both_ways(tmp_path: Path) -> None:
    torch.manual_seed(2)
    loss = CycleLoss(Downscaler(0.5, blocks=1, width=4, channels="y"))
    entry = WeightedLoss("cycle", loss, optimizer=OptimizerRecipe("adam", 3e-3))
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    trained, journal = run_training(
        tmp_path, settings(60, losses=[entry], checkpoint=60, optimizer=OptimizerRecipe("adam", 3e-3))
    )
    assert journal.points[60]["loss/cycle/cycle"] < journal.points[1]["loss/cycle/cycle"] / 2
    assert journal.points[60]["own/cycle/cycle"] < journal.points[1]["own/cycle/cycle"] / 2
    assert any(not torch.equal(value, before[name]) for name, value in loss.state_dict().items())
    assert not torch.equal(weights_of(trained)["body.weight"], new_network().state_dict()["body.weight"])
