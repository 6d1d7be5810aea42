"""What one training promises: parts of a batch, averages, early stopping, bad numbers, too little memory, stopping."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sr_core.data.patches import PatchBatch
from sr_core.errors import SrkitError
from sr_core.imaging.size import Scale
from sr_core.interfaces.loss import Batch
from sr_core.training.checkpoints import load_latest
from sr_core.training.settings import OptimizerRecipe, ScheduleRecipe, WeightedLoss
from sr_core.training.stopping import StopRequest, stop_on_signals
from tests.training.small_training import MSE, Journal, Network, Noise, new_network, run_training, settings, weights_of


class Tripping(MSE):
    """Infinite at some steps."""

    def __init__(self, *steps: int) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        right = super().forward(sr, hr, batch)
        return right / 0 if batch.step in self.steps else right


class Figures:
    """A validator that says what it is told to."""

    higher_is_better = True
    figure = "as told"

    def __init__(self, *figures: float) -> None:
        self.figures = list(figures)

    def measure(self, network: Any, step: int, journal: Journal) -> float:
        del network
        journal.validated(step, [])
        return self.figures[len(journal.validations) - 1]


def test_a_batch_in_parts_teaches_the_same(tmp_path: Path) -> None:
    whole, _ = run_training(tmp_path / "whole", settings(4))
    parts, _ = run_training(tmp_path / "parts", settings(4, accumulate=4))
    for name, tensor in weights_of(parts).items():
        torch.testing.assert_close(tensor, weights_of(whole)[name], rtol=1e-4, atol=1e-6)


def test_the_moving_average_is_what_is_kept(tmp_path: Path) -> None:
    plain = [weights_of(run_training(tmp_path / str(steps), settings(steps))[0]) for steps in (1, 2, 3)]
    expected = plain[0]["last.weight"]
    for later in plain[1:]:
        expected = 0.8 * expected + 0.2 * later["last.weight"]
    averaged, _ = run_training(tmp_path / "averaged", settings(3, ema=0.8))
    torch.testing.assert_close(weights_of(averaged)["last.weight"], expected)


def test_every_named_step_is_asked_for_once(tmp_path: Path) -> None:
    patches = Noise()
    run_training(tmp_path, settings(5), patches=patches)
    assert patches.asked == [(step, 0) for step in range(5)]


def test_going_on_from_a_checkpoint_gives_the_very_bits(tmp_path: Path) -> None:
    for index, (recipe, schedule) in enumerate(
        (
            (OptimizerRecipe("adam", 1e-2), ScheduleRecipe("cosine", warmup=3)),
            (OptimizerRecipe("sgd", 1e-2, options={"momentum": 0.9}), ScheduleRecipe("one_cycle")),
        )
    ):
        chosen = settings(12, optimizer=recipe, schedule=schedule, ema=0.9)
        folder = tmp_path / str(index)
        expected = weights_of(run_training(folder / "whole", chosen)[0])
        stop = StopRequest()
        first, second = new_network(), new_network()
        torch.nn.init.zeros_(second.last.weight)  # nothing of the second process's own start may count

        class StopAtSeven(Noise):
            def batch(self, step: int, stream: int = 0, request: StopRequest = stop) -> PatchBatch:
                request.signal = signal.SIGTERM if step == 6 else None
                return super().batch(step, stream)

        stopped, _ = run_training(folder / "cut", chosen, network=first, patches=StopAtSeven(), stop=stop)
        assert (stopped.step, stopped.is_complete) == (7, False)
        loaded = load_latest(folder / "cut" / "checkpoints")
        assert loaded is not None
        assert loaded.step == 7
        resumed, _ = run_training(folder / "cut", chosen, network=second, state=loaded.state)
        for name, tensor in weights_of(resumed).items():
            assert torch.equal(tensor, expected[name]), name


def test_validations_come_at_the_start_on_time_and_at_the_end(tmp_path: Path) -> None:
    _, journal = run_training(tmp_path, settings(7, validate=3), validator=Figures(1, 2, 3, 4))
    assert journal.validations == [0, 3, 6, 7]
    assert (tmp_path / "checkpoints" / "best" / "weights.safetensors").is_file()


def test_training_ends_early_when_nothing_gets_better(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chosen = settings(100, validate=2, stop_after=2)
    with caplog.at_level(logging.WARNING, "srkit"):
        trained, _ = run_training(tmp_path, chosen, validator=Figures(20, 30, 31, 30, 30.5, 99))
    assert (trained.step, trained.best, trained.best_step, trained.is_complete) == (8, 31, 4, True)
    assert "2 validations brought nothing better than step 4" in caplog.text


def test_a_loss_that_is_no_number_is_named_its_batch_kept_and_the_step_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    losses = [WeightedLoss("good", MSE()), WeightedLoss("tripping", Tripping(3))]
    with caplog.at_level(logging.WARNING, "srkit"):
        trained, journal = run_training(tmp_path, settings(6, losses=losses, optimizer=OptimizerRecipe("sgd", 0.1)))
    assert trained.step == 6
    assert "step 4: loss term 'tripping' is not finite; the step is skipped" in caplog.text
    kept = load_file(tmp_path / "nonfinite" / "step-00000004-crop-0.safetensors")
    assert torch.equal(kept["lr"], Noise().batch(3).lr)
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(trained).values())
    assert "loss" not in journal.points[4]


def test_after_several_in_a_row_training_goes_back_with_half_the_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class TwiceInARow(Tripping):
        def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
            self.calls = getattr(self, "calls", 0) + 1
            right = MSE.forward(self, sr, hr, batch)
            return right * float("nan") if self.calls in (8, 9) else right

    chosen = settings(
        10, losses=[WeightedLoss("mse", TwiceInARow())], in_a_row=2, optimizer=OptimizerRecipe("sgd", 0.1)
    )
    with caplog.at_level(logging.WARNING, "srkit"):
        trained, journal = run_training(tmp_path, chosen)
    assert journal.cuts == [5], "the last good state is that of the last checkpoint"
    assert "back to step 5, with the learning rate halved (0.05)" in caplog.text
    assert journal.points[10]["learning rate"] == pytest.approx(0.05)
    assert trained.step == 10


def test_when_going_back_does_not_help_training_stops_with_a_word(tmp_path: Path) -> None:
    losses = [WeightedLoss("tripping", Tripping(*range(7, 100)))]
    with pytest.raises(
        SrkitError, match=r"loss term 'tripping' was not finite 2 times in a row, and going back 3 times"
    ):
        run_training(tmp_path, settings(20, losses=losses, in_a_row=2, rollbacks=3))
    checkpoint = load_latest(tmp_path / "checkpoints")
    assert checkpoint is not None
    assert checkpoint.step == 5


def test_a_gradient_that_is_no_number_is_caught_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Spiky(MSE):
        def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
            right = super().forward(sr, hr, batch)
            return right + (sr * 0).clamp(min=0).sqrt().sum() if batch.step == 1 else right

    with caplog.at_level(logging.WARNING, "srkit"):
        trained, _ = run_training(tmp_path, settings(3, losses=[WeightedLoss("spiky", Spiky())]))
    assert "step 2: the gradient is not finite" in caplog.text
    assert all(torch.isfinite(tensor).all() for tensor in weights_of(trained).values())


class Hungry(Network):
    """Has memory for so many crops."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        if len(lr) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB")
        return super().forward(lr, scale)


def test_too_little_memory_says_what_was_tried_and_what_fits(tmp_path: Path) -> None:
    expected = r"not enough memory for 8 crops of 6×6 LR \(12×12 HR\) in 1 part.*with train.accumulate: 4 it fits"
    with pytest.raises(SrkitError, match=expected):
        run_training(tmp_path, settings(3), network=Hungry(2))
    with pytest.raises(SrkitError, match=r"not even one crop fits: make train.data.crop smaller"):
        run_training(tmp_path, settings(3), network=Hungry(0))
    trained, _ = run_training(tmp_path, settings(3, accumulate=4), network=Hungry(2))
    assert trained.step == 3


def test_the_first_signal_asks_and_the_second_one_ends() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs this in the background has it ignored
    with stop_on_signals() as request:
        signal.raise_signal(signal.SIGINT)
        assert request.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
