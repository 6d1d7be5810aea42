"""Optimisers and schedules by name: compared with PyTorch's own, used by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.optim import lr_scheduler

from sr_core.errors import SrkitError
from sr_core.training.optimizers import make_optimizer
from sr_core.training.schedules import Schedule
from sr_core.training.settings import Clipping, GroupRecipe, OptimizerRecipe, ScheduleRecipe
from tests.training.small_training import Noise, new_network, run_training, settings, weights_of


def rates(recipe: ScheduleRecipe, steps: int, *, lr: float = 0.1) -> list[float]:
    optimizer = make_optimizer(new_network(), OptimizerRecipe("sgd", lr))
    schedule = Schedule(optimizer, recipe, steps, higher_is_better=True)
    seen = []
    for _ in range(steps):
        seen.append(schedule.rate)
        with schedule.applied():
            optimizer.step()
        schedule.stepped()
    return seen


def test_sgd_with_momentum_is_pytorchs_own(tmp_path: Path) -> None:
    recipe = OptimizerRecipe("sgd", 0.05, options={"momentum": 0.9, "weight_decay": 1e-3})
    trained, _ = run_training(tmp_path, settings(6, optimizer=recipe))

    network, patches = new_network(), Noise()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    for step in range(6):
        batch = patches.batch(step)
        optimizer.zero_grad()
        (network(batch.lr, 2) - batch.hr).square().mean().backward()
        optimizer.step()
    for name, tensor in weights_of(trained).items():
        torch.testing.assert_close(tensor, network.state_dict()[name], rtol=1e-5, atol=1e-7)


def test_parameters_learn_at_rates_of_their_own(tmp_path: Path) -> None:
    recipe = OptimizerRecipe("sgd", 0.1, groups=[GroupRecipe("last.*", lr=0.0), GroupRecipe("*.bias", lr=0.01)])
    optimizer = make_optimizer(new_network(), recipe)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.0, 0.01]
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 2, 1], (
        "the first group that matches counts"
    )
    before = new_network().state_dict()
    trained, _ = run_training(tmp_path, settings(3, optimizer=recipe))
    after = weights_of(trained)
    assert torch.equal(after["last.weight"], before["last.weight"])
    assert not torch.equal(after["body.weight"], before["body.weight"])


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (OptimizerRecipe("adamm"), "unknown optimizer 'adamm'; did you mean 'adam'?"),
        (OptimizerRecipe("lbfgs"), "unknown optimizer 'lbfgs'"),
        (OptimizerRecipe("adam", options={"beta": 1}), "optimizer 'adam' has no option 'beta'; did you mean 'betas'?"),
        (OptimizerRecipe("adam", options={"betas": [2, 3]}), "optimizer 'adam': Invalid beta"),
        (OptimizerRecipe("sgd", groups=[GroupRecipe("tail.*")]), "'tail.*' matches no parameter.*body.weight"),
    ],
)
def test_what_pytorch_does_not_have_is_named(recipe: OptimizerRecipe, message: str) -> None:
    with pytest.raises(SrkitError, match=message):
        make_optimizer(new_network(), recipe)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (ScheduleRecipe("cosin"), "unknown schedule 'cosin'; did you mean 'cosine'?"),
        (ScheduleRecipe("step", options={"gama": 1}), "schedule 'step' has no option 'gama'; did you mean 'gamma'?"),
        (ScheduleRecipe("step"), "schedule 'step'.*step_size"),
    ],
)
def test_a_schedule_that_cannot_be_made_is_named(recipe: ScheduleRecipe, message: str) -> None:
    optimizer = make_optimizer(new_network(), OptimizerRecipe())
    with pytest.raises(SrkitError, match=message):
        Schedule(optimizer, recipe, 10, higher_is_better=True)


def test_multi_step_divides_at_its_milestones() -> None:
    seen = rates(ScheduleRecipe("multi_step", options={"milestones": [3, 6], "gamma": 0.1}), 8)
    assert seen == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 2)


def test_cosine_falls_to_its_end_over_all_steps() -> None:
    expected = [0.1 * (1 + torch.cos(torch.tensor(torch.pi * step / 8)).item()) / 2 for step in range(8)]
    assert rates(ScheduleRecipe("cosine"), 8) == pytest.approx(expected, rel=1e-5)


def test_warmup_rises_in_equal_steps_to_the_scheduled_rate() -> None:
    assert rates(ScheduleRecipe("constant", warmup=4), 6) == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])


def test_one_cycle_is_pytorchs_own() -> None:
    optimizer = torch.optim.SGD(new_network().parameters(), lr=0.1)
    theirs = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=9)
    expected = []
    for _ in range(9):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates(ScheduleRecipe("one_cycle"), 9) == pytest.approx(expected)


def test_plateau_waits_for_validations_and_then_lowers_the_rate() -> None:
    optimizer = make_optimizer(new_network(), OptimizerRecipe("sgd", 0.1))
    recipe = ScheduleRecipe("plateau", options={"patience": 1, "factor": 0.5})
    schedule = Schedule(optimizer, recipe, 100, higher_is_better=True)
    seen = []
    for figure in (30.0, 31.0, 30.5, 30.5, 30.5):
        schedule.validated(figure)
        seen.append(schedule.rate)
    assert seen == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05])


def test_gradients_are_clipped_by_norm(tmp_path: Path) -> None:
    recipe = OptimizerRecipe("sgd", 1.0)
    trained, journal = run_training(tmp_path, settings(1, optimizer=recipe, clip=Clipping(norm=1e-3)))
    before, after = new_network().state_dict(), weights_of(trained)
    moved = torch.cat([(after[name] - before[name]).flatten() for name in before]).norm()
    assert float(moved) == pytest.approx(1e-3, rel=1e-3)
    assert journal.points[1]["gradient norm"] > 1e-2, "the curve shows the norm before clipping"


def test_gradients_are_clipped_by_value(tmp_path: Path) -> None:
    chosen = settings(1, optimizer=OptimizerRecipe("sgd", 1.0), clip=Clipping(value=1e-4))
    trained, _ = run_training(tmp_path, chosen)
    before, after = new_network().state_dict(), weights_of(trained)
    assert max(float((after[name] - before[name]).abs().max()) for name in before) == pytest.approx(1e-4, rel=1e-2)


def test_vdsrs_clipping_bounds_what_a_step_can_move_by_theta(tmp_path: Path) -> None:
    """±theta/lr times lr: no weight moves by more than theta, whatever the rate."""
    for index, lr in enumerate((1.0, 0.1)):
        groups = [GroupRecipe("last.*", lr=lr / 10)]
        chosen = settings(1, optimizer=OptimizerRecipe("sgd", lr, groups), clip=Clipping(theta=1e-4))
        trained, _ = run_training(tmp_path / str(index), chosen)
        before, after = new_network().state_dict(), weights_of(trained)
        for name in before:
            assert float((after[name] - before[name]).abs().max()) <= 1e-4 * 1.01
