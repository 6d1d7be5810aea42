"""Losses that learn: parts of a batch, schedules of their own, and every mistake by the loss's name."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from sr_core.errors import ContractError, SrkitError
from sr_core.interfaces.loss import Batch, LearnedLoss
from sr_core.training.checkpoints import load_latest
from sr_core.training.settings import OptimizerRecipe, ScheduleRecipe, WeightedLoss
from tests.training.small_training import MSE, Noise, run_training, settings, weights_of
from tests.training.test_the_loop import Figures


class Judge(LearnedLoss):
    """Learns to tell SR from HR, without statistics of a batch."""

    own_steps = 2

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.judge = nn.Conv2d(1, 1, 3)
        self.crops: list[int] = []

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        del hr, batch
        return -self.judge(sr).mean()

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        del batch
        self.crops.append(len(sr))
        real, fake = self.judge(hr), self.judge(sr)
        return {"objective": (fake + 1).square().mean() + (real - 1).square().mean(), "real": real.mean().detach()}


def entry(loss: LearnedLoss, **changes: object) -> WeightedLoss:
    return WeightedLoss("judge", loss, **{"weight": 0.1, "optimizer": OptimizerRecipe("sgd", 0.1), **changes})  # type: ignore[arg-type]


def test_own_steps_in_parts_teach_the_same(tmp_path: Path) -> None:
    whole, parted = Judge(), Judge()
    sgd = OptimizerRecipe("sgd", 0.1)
    one, first = run_training(
        tmp_path / "whole", settings(4, losses=[WeightedLoss("mse", MSE()), entry(whole)], optimizer=sgd)
    )
    two, second = run_training(
        tmp_path / "parts", settings(4, losses=[WeightedLoss("mse", MSE()), entry(parted)], optimizer=sgd, accumulate=4)
    )
    assert whole.crops == [8] * 8
    assert parted.crops == [2] * 32
    torch.testing.assert_close(parted.judge.weight, whole.judge.weight, rtol=1e-5, atol=1e-7)
    for name, tensor in weights_of(two).items():
        torch.testing.assert_close(tensor, weights_of(one)[name], rtol=1e-4, atol=1e-6)
    for step in range(1, 5):
        for name in ("own/judge/objective", "own/judge/real", "loss/judge", "loss"):
            assert second.points[step][name] == pytest.approx(first.points[step][name], rel=1e-4), (step, name)


def own_rates(folder: Path) -> tuple[int, float]:
    """The network's steps that the loss's schedule has seen, and its rate, in the last checkpoint."""
    loaded = load_latest(folder / "checkpoints")
    assert loaded is not None
    update = loaded.state["losses"]["judge"]["update"]
    return update["schedule"]["steps_done"], update["optimizer"]["param_groups"][0]["lr"]


def test_a_schedule_of_its_own_counts_the_networks_steps(tmp_path: Path) -> None:
    falling = ScheduleRecipe("multi_step", options={"milestones": [3], "gamma": 0.1})
    for steps, rate in ((2, 0.1), (3, 0.01), (5, 0.01)):
        folder = tmp_path / str(steps)
        run_training(folder, settings(steps, losses=[entry(Judge(), schedule=falling)]))
        assert own_rates(folder) == (steps, pytest.approx(rate))


def test_plateau_of_a_learned_loss_hears_validations(tmp_path: Path) -> None:
    plateau = ScheduleRecipe("plateau", options={"patience": 0, "factor": 0.5})
    chosen = settings(10, losses=[entry(Judge(), schedule=plateau)], validate=5)
    run_training(tmp_path, chosen, validator=Figures(30, 29, 28))
    assert own_rates(tmp_path)[1] == pytest.approx(0.025)


class OnceNoNumber(Judge):
    """Its own objective is no number in the second own step of step 3."""

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        terms = super().own_objective(sr, hr, batch)
        if len(self.crops) == 6:
            terms["objective"] = terms["objective"] * float("nan")
        return terms


def test_an_own_objective_that_is_no_number_is_named_and_its_batch_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    judge = OnceNoNumber()
    with caplog.at_level(logging.WARNING, "srkit"):
        trained, journal = run_training(tmp_path, settings(5, losses=[WeightedLoss("mse", MSE()), entry(judge)]))
    assert trained.step == 5
    assert "step 3: loss term 'own/judge/objective' is not finite; the step is skipped" in caplog.text
    kept = load_file(tmp_path / "nonfinite" / "step-00000003-crop-0.safetensors")
    assert torch.equal(kept["lr"], Noise().batch(2, 2).lr), "the batch of that own step, not the network's"
    assert torch.isfinite(judge.judge.weight).all()
    assert "loss" not in journal.points[3]


class WithoutGradient(Judge):
    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {name: value.detach() for name, value in super().own_objective(sr, hr, batch).items()}


class WithoutObjective(Judge):
    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"objectiv": super().own_objective(sr, hr, batch)["objective"]}


class Detached(MSE):
    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        return super().forward(sr.detach(), hr, batch)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (entry(WithoutGradient()), "loss 'judge': its objective does not depend on its parameters"),
        (entry(WithoutObjective()), r"loss 'judge': own_objective must hold 'objective', it holds \['objectiv'\]"),
        (WeightedLoss("detached", Detached()), "nothing can be learned: what loss 'detached' says has no gradient"),
    ],
    ids=["own objective", "own terms", "plain loss"],
)
def test_a_loss_that_teaches_nothing_is_named(tmp_path: Path, loss: WeightedLoss, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        run_training(tmp_path, settings(2, losses=[loss]))


class HungryJudge(Judge):
    """Has memory for so many crops in its own step."""

    most = 2

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        if len(sr) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB")
        return super().own_objective(sr, hr, batch)


@pytest.mark.parametrize(("most", "tried", "fits"), [(2, 1, 4), (1, 1, 8), (1, 2, 8), (2, 2, 4)])
def test_too_little_memory_for_an_own_step_says_what_fits(tmp_path: Path, most: int, tried: int, fits: int) -> None:
    judge = HungryJudge()
    judge.most = most
    with pytest.raises(
        SrkitError, match=rf"8 crops of .* in {tried} parts?, .*; with train.accumulate: {fits} it fits"
    ):
        run_training(tmp_path / "tried", settings(2, losses=[entry(judge)], accumulate=tried))
    trained, _ = run_training(tmp_path / "fits", settings(2, losses=[entry(judge)], accumulate=fits))
    assert trained.step == 2
