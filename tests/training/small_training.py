"""A training small enough for a test: a network of one layer, batches of noise, a journal that remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core.data.patches import PatchBatch
from sr_core.imaging.size import Scale
from sr_core.interfaces.loss import Batch, Loss
from sr_core.interfaces.model import Model
from sr_core.training.checkpoints import Checkpoints
from sr_core.training.devices import Devices
from sr_core.training.loop import Trained, train
from sr_core.training.settings import TrainingSettings, WeightedLoss
from sr_core.training.stopping import StopRequest

CPU = Devices(torch.device("cpu"))


class Network(Model):
    """×2 by one convolution and a sub-pixel shuffle."""

    scales = frozenset({2})

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        del scale
        return F.pixel_shuffle(self.last(torch.tanh(self.body(lr))), 2)


class MSE(Loss):
    """Mean squared error."""

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        del batch
        return (sr - hr).square().mean()


class Noise:
    """Batches of smooth noise that depend on (seed, step, stream) alone."""

    placement, pictures = "in a test", 1
    notes: tuple[str, ...] = ()

    def __init__(self, batch: int = 8) -> None:
        self.size = batch
        self.asked: list[tuple[int, int]] = []

    def batch(self, step: int, stream: int = 0) -> PatchBatch:
        self.asked.append((step, stream))
        generator = torch.Generator().manual_seed(1000 * stream + step)
        lr = torch.rand((self.size, 1, 6, 6), generator=generator)
        return PatchBatch(lr, F.interpolate(lr, scale_factor=2), 2, range(self.size))

    def close(self) -> None:
        pass


class Journal:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.points: dict[int, Mapping[str, float]] = {}
        self.validations: list[int] = []
        self.cuts: list[int] = []

    def advanced(self, step: int) -> None:
        pass

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        self.points[step] = values

    def validated(self, step: int, records: Sequence[Any]) -> None:
        self.validations.append(step)

    def pictured(self, step: int, comparison: Any) -> None:
        pass

    def cut_back(self, step: int) -> None:
        self.cuts.append(step)


def new_network() -> Network:
    torch.manual_seed(0)
    return Network()


def settings(steps: int = 10, **changes: Any) -> TrainingSettings:
    losses = changes.pop("losses", [WeightedLoss("mse", MSE())])
    return TrainingSettings(losses=losses, steps=steps, **{"log": 1, "checkpoint": 5, "seed": 3, **changes})


def run_training(
    folder: Path,
    chosen: TrainingSettings,
    *,
    network: Model | None = None,
    patches: Any = None,
    journal: Journal | None = None,
    validator: Any = None,
    state: Mapping[str, Any] | None = None,
    stop: StopRequest | None = None,
) -> tuple[Trained, Journal]:
    """The real loop in a folder; weights files hold plain state dicts."""
    told = journal or Journal()
    trained = train(
        network or new_network(),
        patches or Noise(),
        chosen,
        Checkpoints(folder / "checkpoints", 3),
        lambda model, path: path.write_bytes(b"weights"),
        told,
        CPU,
        validator,
        state,
        stop,
        folder / "nonfinite",
    )
    return trained, told


def weights_of(trained: Trained) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in trained.network.state_dict().items()}
