"""Going on from a checkpoint, also where the settings have changed since: what counts, what is kept, what is told."""

from __future__ import annotations

import copy
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sr_core.errors import SrkitError
from sr_core.interfaces.loss import Batch, LearnedLoss
from sr_core.training.checkpoints import Checkpoints, load_latest
from sr_core.training.loop import Trained
from sr_core.training.settings import GroupRecipe, OptimizerRecipe, ScheduleRecipe, TrainingSettings, WeightedLoss
from tests.training.small_training import MSE, Journal, Network, Noise, new_network, run_training, settings, weights_of
from tests.training.test_the_loop import Figures


class Judge(LearnedLoss):
    """Learns to tell SR from HR by one number for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Conv2d(1, 1, 3)

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        del hr, batch
        return -self.judge(sr).mean()

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        del batch
        return {"objective": (self.judge(sr) + 1).square().mean() + (self.judge(hr) - 1).square().mean()}


class Wider(Network):
    """Another network under the same parameter names."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 6, 3, padding=1)
        self.last = nn.Conv2d(6, 4, 3, padding=1)


def state_after(folder: Path, first: TrainingSettings, **others: Any) -> dict[str, Any]:
    """The state in the last checkpoint of a training."""
    run_training(folder, first, **others)
    loaded = load_latest(folder / "checkpoints")
    assert loaded is not None
    state: dict[str, Any] = loaded.state
    return state


def gone_on(folder: Path, first: TrainingSettings, then: TrainingSettings, **others: Any) -> tuple[Trained, Journal]:
    """Train, then go on under other settings."""
    return run_training(folder, then, state=state_after(folder, first), **others)


def rates(journal: Journal) -> dict[int, float]:
    """Step → rate of the step after it."""
    return {step: point["learning rate"] for step, point in journal.points.items()}


LONGER = [
    ScheduleRecipe("constant"),
    ScheduleRecipe("cosine"),
    ScheduleRecipe("cosine", warmup=7),
    ScheduleRecipe("linear"),
    ScheduleRecipe("polynomial"),
    ScheduleRecipe("one_cycle"),
    ScheduleRecipe("multi_step", options={"milestones": [3, 8]}),
    ScheduleRecipe("exponential", options={"gamma": 0.9}),
]


@pytest.mark.parametrize("schedule", LONGER, ids=[f"{recipe.name}-{recipe.warmup}" for recipe in LONGER])
def test_more_steps_have_the_rates_of_a_training_that_was_so_long_from_the_start(
    tmp_path: Path, schedule: ScheduleRecipe
) -> None:
    sgd = OptimizerRecipe("sgd", 0.1)
    _, whole = run_training(tmp_path / "whole", settings(12, optimizer=sgd, schedule=schedule))
    first, then = (settings(steps, optimizer=sgd, schedule=schedule) for steps in (5, 12))
    trained, journal = gone_on(tmp_path / "cut", first, then)
    assert trained.step == 12
    assert list(journal.points) == list(range(6, 13))
    for step, rate in rates(journal).items():
        assert rate == pytest.approx(rates(whole)[step], abs=1e-9), step
    if schedule.name == "cosine":
        assert rates(journal)[12] == pytest.approx(0, abs=1e-12)


def test_more_steps_do_not_undo_what_plateau_has_lowered(tmp_path: Path) -> None:
    schedule = ScheduleRecipe("plateau", options={"patience": 0, "factor": 0.5})
    first, then = (
        settings(steps, optimizer=OptimizerRecipe("sgd", 0.1), schedule=schedule, validate=5) for steps in (10, 15)
    )
    state = state_after(tmp_path, first, validator=Figures(3, 2, 1))
    _, journal = run_training(tmp_path, then, state=state, validator=Figures(4))
    assert rates(journal)[11] == pytest.approx(0.025), "halved at steps 5 and 10"


def test_another_rate_counts_and_the_moments_are_kept(tmp_path: Path) -> None:
    first = settings(5, optimizer=OptimizerRecipe("adam", 1e-2))
    state = state_after(tmp_path, first)
    then = settings(6, optimizer=OptimizerRecipe("adam", 1e-3))
    trained, journal = run_training(tmp_path, then, state=copy.deepcopy(state))
    assert rates(journal)[6] == pytest.approx(1e-3)

    by_hand = new_network()
    by_hand.load_state_dict(state["model"])
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=1e-3)
    moments = {index: dict(kept) for index, kept in state["update"]["optimizer"]["state"].items()}
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    batch = Noise().batch(5)
    (by_hand(batch.lr, 2) - batch.hr).square().mean().backward()
    optimizer.step()
    for name, tensor in weights_of(trained).items():
        torch.testing.assert_close(tensor, by_hand.state_dict()[name], rtol=1e-5, atol=1e-8)


ADAM = OptimizerRecipe("adam", 1e-3)
GROUPED = OptimizerRecipe("adam", 1e-3, groups=[GroupRecipe("last.*", lr=1e-4)])

TOLD = [
    ({"optimizer": OptimizerRecipe("sgd", 1e-3)}, "the optimizer's state, since it is another optimizer now"),
    ({"optimizer": GROUPED}, "the optimizer's state, since its groups are others now"),
    ({"ema": 0.9}, "a moving average: it begins with the weights of now"),
    ({"losses": [WeightedLoss("mse", MSE()), WeightedLoss("judge", Judge())]}, "a state of loss 'judge': it is new"),
]


@pytest.mark.parametrize(("change", "told"), TOLD, ids=[told for _, told in TOLD])
def test_what_the_checkpoint_does_not_hold_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, Any], told: str
) -> None:
    first, then = settings(5, optimizer=ADAM), settings(8, **{"optimizer": ADAM, **change})
    with caplog.at_level(logging.WARNING, "srkit"):
        trained, _ = gone_on(tmp_path, first, then)
    assert trained.step == 8
    assert f"not in the checkpoint: {told}" in caplog.text


def test_an_average_that_is_new_begins_with_the_weights_of_now(tmp_path: Path) -> None:
    state = state_after(tmp_path / "first", settings(5))
    sixth, seventh = (
        run_training(tmp_path / str(steps), settings(steps), state=copy.deepcopy(state))[0] for steps in (6, 7)
    )
    averaged, _ = run_training(tmp_path / "averaged", settings(7, ema=0.75), state=copy.deepcopy(state))
    # PyTorch's average begins as the first weights that it is shown.
    expected = 0.75 * weights_of(sixth)["last.weight"] + 0.25 * weights_of(seventh)["last.weight"]
    torch.testing.assert_close(weights_of(averaged)["last.weight"], expected)


def test_the_state_of_another_network_is_refused_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(SrkitError, match=r"does not fit this spec.*begin anew in another --output"):
        gone_on(tmp_path, settings(5), settings(8), network=Wider())


def test_ended_early_and_killed_before_the_end_it_ends_at_the_same_step_with_the_same_bits(tmp_path: Path) -> None:
    chosen = settings(100, validate=2, stop_after=2, checkpoint=7)
    trained, _ = run_training(tmp_path, chosen, validator=Figures(20, 30, 31, 30, 30.5, 99))
    shutil.rmtree(tmp_path / "checkpoints" / "final", ignore_errors=True)
    loaded = load_latest(tmp_path / "checkpoints")
    assert loaded is not None
    assert loaded.step == trained.step == 8
    again, journal = run_training(tmp_path, chosen, validator=Figures(), state=loaded.state)
    assert (again.step, again.is_complete, again.best, again.best_step) == (8, True, 31, 4)
    assert journal.validations == []
    assert all(torch.equal(tensor, weights_of(trained)[name]) for name, tensor in weights_of(again).items())


class Watched:
    """A validator that looks at the folder of checkpoints as it is when a step is validated."""

    higher_is_better = True
    figure = "as told"

    def __init__(self, folder: Path, *figures: float) -> None:
        self.folder, self.figures = folder, list(figures)
        self.seen: list[list[str]] = []

    def measure(self, network: Any, step: int, journal: Journal) -> float:
        del network
        journal.validated(step, [])
        self.seen.append(sorted(path.name for path in self.folder.glob("*")))
        return self.figures[len(self.seen) - 1]


def best_step(folder: Path) -> int:
    step: int = json.loads((folder / "checkpoints/best/manifest.json").read_text())["step"]
    return step


def test_the_best_is_kept_from_the_start_and_before_the_checkpoint_of_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[tuple[str, int]] = []
    for name in ("save", "save_best"):
        original = getattr(Checkpoints, name)

        def noted(self: Any, step: int, *rest: Any, name: str = name, original: Any = original) -> Any:
            saved.append((name, step))
            return original(self, step, *rest)

        monkeypatch.setattr(Checkpoints, name, noted)
    watched = Watched(tmp_path / "checkpoints", 30, 29, 31)
    run_training(tmp_path, settings(10, validate=5), validator=watched)
    assert saved == [("save_best", 0), ("save", 5), ("save_best", 10), ("save", 10)]
    assert watched.seen[1] == ["best"], "it is there although nothing was better yet"
    assert best_step(tmp_path) == 10


def test_after_going_back_the_next_validation_is_the_best_anew(tmp_path: Path) -> None:
    class TwiceInARow(MSE):
        calls = 0

        def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
            self.calls += 1
            right = super().forward(sr, hr, batch)
            return right * float("nan") if self.calls in (9, 10) else right

    # Step 8 is the best, then training goes back to step 5 and `best` is of a step that never was: what step 8 brings
    # the second time takes its place, though step 4 had more.
    chosen = settings(10, losses=[WeightedLoss("mse", TwiceInARow())], in_a_row=2, validate=4)
    trained, journal = run_training(tmp_path, chosen, validator=Figures(20, 25, 40, 22, 21))
    assert journal.cuts == [5]
    assert journal.validations == [0, 4, 8, 8, 10]
    assert (trained.best, trained.best_step, best_step(tmp_path)) == (22, 8, 8)


def test_figures_of_another_metric_are_not_compared_with_the_old_ones(tmp_path: Path) -> None:
    first, _ = run_training(tmp_path, settings(4, validate=2), validator=Figures(20, 30, 31))
    assert first.best == 31
    loaded = load_latest(tmp_path / "checkpoints")
    assert loaded is not None
    other = Figures(0.9, 0.8)
    other.figure = "something else"
    second, _ = run_training(tmp_path, settings(8, validate=2), validator=other, state=loaded.state)
    assert (second.best, second.best_step) == (0.9, 6)
