"""float16: losses are scaled, gradients that overflow now and then are no fault, and such that always do are one."""

from __future__ import annotations

import copy
import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sr_core.errors import SrkitError
from sr_core.interfaces.loss import Batch, LearnedLoss
from sr_core.training.checkpoints import load_latest
from sr_core.training.settings import Clipping, OptimizerRecipe, ScheduleRecipe, WeightedLoss
from sr_core.training.update import Applied, Update
from tests.training.small_training import CPU, MSE, run_training, settings, weights_of


class Number(nn.Module):
    """One number."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.ones(()))


def update_of(module: nn.Module, clip: Clipping | None = None) -> Update:
    return Update(
        *(module, OptimizerRecipe("sgd", 1e-3), ScheduleRecipe(), 100, clip or Clipping(), "float16", CPU),
        higher_is_better=True,
    )


def steep(module: Number) -> Tensor:
    """A finite loss of slope 100, whose gradient passes through float16: with a scale above 655 it overflows there."""
    return (module.value.half() * 100).float()


def applied(update: Update, loss: Tensor) -> Applied:
    update.clear()
    update.backward(loss)
    return update.apply(loss)


def test_an_ordinary_overflow_halves_the_scale_and_is_no_fault() -> None:
    module = Number()
    update = update_of(module)
    # The scale begins at 65536 and 100 × 512 is the first product that float16 (up to 65504) can hold.
    for _ in range(7):
        outcome = applied(update, steep(module))
        assert (outcome.is_changed, outcome.is_faulty, module.value.item()) == (False, False, 1.0)
    outcome = applied(update, steep(module))
    assert (outcome.is_changed, outcome.is_faulty) == (True, False)
    assert outcome.norm.item() == pytest.approx(100), "measured, clipped and applied without the scale"
    assert module.value.item() == pytest.approx(0.9)


def test_gradients_are_clipped_without_the_scale() -> None:
    module = Number()
    update = update_of(module, Clipping(norm=1.0))
    for _ in range(8):
        outcome = applied(update, steep(module))
    assert outcome.is_changed
    assert module.value.item() == pytest.approx(1 - 1e-3, abs=1e-6)


def test_gradients_that_are_no_number_at_any_scale_become_a_fault() -> None:
    module = Number()
    update = update_of(module)
    outcomes = [applied(update, (module.value * 0).sqrt() + 1) for _ in range(20)]
    assert [outcome.is_faulty for outcome in outcomes] == [False] * 16 + [True] * 4, "65536 can be halved 16 times"
    assert not any(outcome.is_changed for outcome in outcomes)
    assert module.value.item() == 1.0


def test_a_loss_that_is_no_number_is_a_fault_at_once() -> None:
    module = Number()
    assert applied(update_of(module), module.value * float("nan")).is_faulty
    assert module.value.item() == 1.0


class Spiky(MSE):
    """Finite, with a gradient that never is."""

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        return super().forward(sr, hr, batch) + (sr * 0).clamp(min=0).sqrt().sum()


def test_training_stops_with_a_word_and_going_back_does_not_restore_the_scale(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(
        100, losses=[WeightedLoss("spiky", Spiky())], precision="float16", in_a_row=2, rollbacks=1, checkpoint=5
    )
    # 16 halvings, two faults, back to step 15 (the last checkpoint): with the scale of then there would be more.
    expected = r"step 17: the gradient was not finite 2 times in a row, and going back 1 times did not help"
    with caplog.at_level(logging.WARNING, "srkit"), pytest.raises(SrkitError, match=expected):
        run_training(tmp_path, chosen)
    assert "step 17: the gradient is not finite" in caplog.text
    assert "back to step 15" in caplog.text
    assert "step 16: the gradient is not finite" in caplog.text


class SteepJudge(LearnedLoss):
    """A learned loss whose own gradient overflows float16 where the scale is large."""

    own_steps = 2

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.ones(()))
        self.register_buffer("done", torch.zeros((), dtype=torch.long))

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        del batch
        return self.value.detach() * (sr - hr).abs().mean()

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        del sr, hr, batch
        return {"objective": (self.value.half() * 100).float()}

    def after_own_step(self) -> None:
        self.done += 1


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
def test_an_overflow_of_a_learned_loss_is_no_fault_either(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, optimizer: str
) -> None:
    judge = SteepJudge()
    losses = [
        WeightedLoss("judge", judge, optimizer=OptimizerRecipe(optimizer, 1e-3), schedule=ScheduleRecipe("cosine"))
    ]
    with caplog.at_level(logging.WARNING, "srkit"):
        trained, journal = run_training(tmp_path, settings(6, losses=losses, precision="float16"))
    assert trained.step == 6
    assert caplog.text == ""
    assert int(judge.done) == 12 - 7, "seven own steps only halved the scale; nothing follows those"
    assert judge.value.item() < 1
    assert "own/judge/objective" in journal.points[6]


class EndlessJudge(SteepJudge):
    """Its own objective is finite, with a gradient that never is."""

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        del sr, hr, batch
        return {"objective": (self.value * 0).sqrt()}


def test_an_own_gradient_that_is_never_finite_is_named_by_its_loss(tmp_path: Path) -> None:
    losses = [WeightedLoss("mse", MSE()), WeightedLoss("judge", EndlessJudge())]
    chosen = settings(60, losses=losses, precision="float16", in_a_row=2, rollbacks=0)
    with pytest.raises(SrkitError, match=r"the own gradient of loss 'judge' was not finite 2 times in a row"):
        run_training(tmp_path, chosen)


def test_going_on_in_float16_gives_the_very_bits(tmp_path: Path) -> None:
    chosen = settings(10, precision="float16", optimizer=OptimizerRecipe("adam", 1e-2))
    whole, _ = run_training(tmp_path / "whole", chosen)
    run_training(tmp_path / "first", settings(5, precision="float16", optimizer=OptimizerRecipe("adam", 1e-2)))
    loaded = load_latest(tmp_path / "first" / "checkpoints")
    assert loaded is not None
    scaler = copy.deepcopy(loaded.state["update"]["scaler"])
    assert scaler["_growth_tracker"] == 5, "how long nothing has overflowed is part of the state"
    resumed, _ = run_training(tmp_path / "second", chosen, state=loaded.state)
    for name, tensor in weights_of(resumed).items():
        assert torch.equal(tensor, weights_of(whole)[name]), name
