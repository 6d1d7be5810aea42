"""`compile: true` learns what the network as it was written learns, and only training is compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core.imaging.size import Scale
from sr_core.interfaces.model import Model, Prediction
from sr_core.training.settings import OptimizerRecipe
from tests.training.small_training import Journal, run_training, settings, weights_of


class Supervised(Model):
    """Two outputs; the coarse one counts less and less."""

    scales = frozenset({2})

    def __init__(self) -> None:
        super().__init__()
        self.coarse, self.fine = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 4, 3, padding=1)
        self.written = 0

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        del scale
        if not torch.compiler.is_compiling():
            self.written += 1
        return F.pixel_shuffle(self.fine(lr), 2)

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        small = F.avg_pool2d(hr, 2)
        return Prediction("coarse", self.coarse(lr), small, 1 - progress), Prediction("sr", self(lr, scale), hr)


class Enlarging:
    """A validator that uses the network."""

    higher_is_better = True
    figure = "as told"

    def __init__(self) -> None:
        self.calls: list[int] = []

    def measure(self, network: Any, step: int, journal: Journal) -> float:
        journal.validated(step, [])
        before = network.written
        with torch.no_grad():
            network(torch.zeros(1, 1, 5, 7), 2)
        self.calls.append(network.written - before)
        return float(step)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch's compiler imports old parts of PyTorch
def test_a_compiled_network_learns_the_same_and_is_measured_as_written(tmp_path: Path) -> None:
    curves, weights, networks = {}, {}, {}
    for compile_it in (False, True):
        torch.manual_seed(0)
        networks[compile_it] = network = Supervised()
        validator = Enlarging()
        chosen = settings(8, compile=compile_it, validate=4, ema=None, optimizer=OptimizerRecipe("adam", 0.01))
        trained, journal = run_training(tmp_path / str(compile_it), chosen, network=network, validator=validator)
        curves[compile_it] = [
            [journal.points[step][name] for step in range(1, 9)] for name in ("loss", "loss/coarse/mse", "loss/sr/mse")
        ]
        weights[compile_it] = weights_of(trained)
        assert validator.calls == [1, 1, 1], "validations call the network as it was written"
        assert "forward" not in vars(network)
    for eager, compiled in zip(curves[False], curves[True], strict=True):
        assert compiled == pytest.approx(eager, abs=1e-5)
    for step, (total, coarse, fine) in enumerate(zip(*curves[True], strict=True)):
        assert total == pytest.approx((1 - step / 8) * coarse + fine, rel=1e-5), "no weight is frozen"
    for name, tensor in weights[True].items():
        torch.testing.assert_close(tensor, weights[False][name], rtol=1e-4, atol=1e-6)
    assert networks[False].written == 8 + 3
    assert networks[True].written == 3, "training called the compiled one"
