"""Toy components, each of which asks something of the loop that no ordinary network does; a plugin of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import (
    AnyScaleModel,
    Batch,
    FittedModel,
    Grid,
    LearnedLoss,
    Loss,
    Model,
    Part,
    Prediction,
    Scale,
    ScaleRange,
    TrainingPair,
    Upsampler,
    batch_mean,
    full_precision,
    hookimpl,
    resize,
    sr_size,
)


def enlarged(lr: Tensor, scale: Scale) -> Tensor:
    return resize(lr, scale, sr_size((lr.shape[-2], lr.shape[-1]), scale), "bicubic")


class DeepSupervision(Model):
    """Two outputs; the coarse one counts less and less."""

    scales = frozenset({2})
    channels = "rgb"

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.coarse, self.fine = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3 * scale**2, 3, padding=1)
        self.weights: list[float] = []

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        with full_precision(self.fine(lr)) as (features,):
            return F.pixel_shuffle(features, 2) + enlarged(lr, scale)

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        self.weights.append(1 - progress)
        small = resize(hr, 0.5, (lr.shape[-2], lr.shape[-1]), "bicubic")
        return (
            Prediction("coarse", lr + self.coarse(lr), small, 1 - progress),
            Prediction("sr", self(lr, scale), hr),
        )


class AnyScale(AnyScaleModel):
    """Features on LR, looked up between pixels."""

    scales = ScaleRange(1, 4)
    channels = "rgb"
    margin = 2

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(3, 3, 3, padding=1)

    def encode(self, lr: Tensor) -> Tensor:
        return lr + 0.1 * self.features(lr)

    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        with full_precision(features) as (features,):
            height, width = features.shape[-2:]
            rows = (grid.vertical + 0.5) / height * 2 - 1
            columns = (grid.horizontal + 0.5) / width * 2 - 1
            places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], dim=-1)
            places = places.expand(len(features), -1, -1, -1)
            return F.grid_sample(features, places, padding_mode="border", align_corners=False)


class EachAxis(Model):
    """A scale for each axis."""

    scales = ScaleRange(1, 8)
    channels = "y"

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        with full_precision(enlarged(lr, scale)) as (wide,):
            return wide + 0.1 * self.last(wide)


class LearnedShrinking(Model):
    """A learned degradation: SR is half as large as LR."""

    scales = frozenset({0.5})
    channels = "rgb"
    multiple = 2

    def __init__(self) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(3, 3, 2, stride=2)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        del scale
        with full_precision(lr) as (lr,):
            return self.shrink(lr)


class Backbone(Part):
    """What `WithBackbone` is built on."""

    width: int

    def forward(self, image: Tensor) -> Tensor:
        raise NotImplementedError


class PlainBackbone(Backbone):
    """A convolution."""

    def __init__(self, channels: int | str, width: int = 4) -> None:
        super().__init__()
        self.width = width
        self.given = channels
        self.layer = nn.Conv2d(3, width, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        return F.relu(self.layer(image))


class WithBackbone(Model):
    """A network around a part that the spec names."""

    channels = "rgb"

    def __init__(self, scale: int, backbone: Backbone) -> None:
        super().__init__()
        self.scales = frozenset({scale})
        self.backbone = backbone
        self.last = nn.Conv2d(backbone.width, 3 * scale**2, 3, padding=1)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        with full_precision(self.backbone(lr)) as (features,):
            return F.pixel_shuffle(self.last(features), int(next(iter(self.scales)))) + enlarged(lr, scale)


class SevenPlanes(Model):
    """Satellite pictures have more than three."""

    channels = 7

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scales = frozenset({scale})
        self.last = nn.Conv2d(7, 7, 3, padding=1)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        with full_precision(enlarged(lr, scale)) as (wide,):
            return wide + 0.1 * self.last(wide)


class Regression(FittedModel):
    """SR = bicubic + (3×3 of bicubic) · weights, by least squares over all pictures."""

    scales = frozenset({2, 3})
    channels = "y"

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(10, 1))

    def fit(self, pairs: Iterable[TrainingPair], progress: Callable[[float], None]) -> None:
        normal, right = torch.zeros(10, 10), torch.zeros(10, 1)
        for pair in pairs:
            wide = enlarged(pair.lr, pair.scale)
            rows = self._rows(wide)
            normal += rows.T @ rows
            right += rows.T @ (pair.hr - wide).reshape(-1, 1)
        progress(0.5)
        self.weights = torch.linalg.solve(normal + 1e-3 * torch.eye(10), right)
        progress(1.0)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        wide = enlarged(lr, scale)
        return wide + (self._rows(wide) @ self.weights).view_as(wide)

    @staticmethod
    def _rows(wide: Tensor) -> Tensor:
        patches = F.unfold(F.pad(wide, (1, 1, 1, 1), mode="replicate"), 3).transpose(1, 2).reshape(-1, 9)
        return torch.cat([patches, torch.ones(len(patches), 1)], dim=1)


class LearnsOnThePicture(Upsampler):
    """Zero-shot: fits one number to the picture it is given."""

    scales = frozenset({2})
    needs_gradient = True

    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        gain = torch.ones((), requires_grad=True)
        small = resize(image, 0.5, (image.shape[-2] // 2, image.shape[-1] // 2), "bicubic")
        for _ in range(3):
            guess = gain * resize(small, 2, (small.shape[-2] * 2, small.shape[-1] * 2), "bicubic")
            error = (guess - image[..., : guess.shape[-2], : guess.shape[-1]]).square().mean()
            (slope,) = torch.autograd.grad(error, gain)
            gain = (gain - 0.1 * slope).detach().requires_grad_()
        return enlarged(image, scale) * gain.detach()


class Consistency(Loss):
    """SR made small again must be LR."""

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        assert 0 <= batch.progress <= 1
        again = resize(sr, 1 / batch.scale, (batch.lr.shape[-2], batch.lr.shape[-1]), "bicubic")
        return {"consistency": (again - batch.lr).square().mean(), "pixels": (sr - hr).square().mean()}


class Critic(LearnedLoss):
    """A critic with a gradient penalty (Gulrajani et al., NeurIPS 2017), five steps for each of the network's."""

    own_steps = 5

    def __init__(self, channels: str | int) -> None:
        super().__init__()
        planes = {"y": 1, "rgb": 3}.get(str(channels), channels)
        self.judge = nn.Sequential(nn.Conv2d(int(planes), 4, 3), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 3))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        del hr, batch
        self.calls += 1  # restored after the network's step
        return -self.judge(sr).mean()

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        assert not sr.requires_grad
        share = torch.rand(len(sr), 1, 1, 1, device=sr.device)
        between = (share * sr + (1 - share) * hr).requires_grad_()
        (slope,) = torch.autograd.grad(self.judge(between).sum(), between, create_graph=True)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        fake, real = self.judge(sr).mean(), self.judge(hr).mean()
        return {"objective": fake - real + 10 * penalty, "real": real, "fake": fake, "penalty": penalty}

    def after_own_step(self) -> None:
        self.steps += 1


class Relativistic(LearnedLoss):
    """Real pictures must look more real than the mean fake one, over all devices."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3))

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        del batch
        real, fake = self._scores(hr), self._scores(sr)
        return F.softplus(real - batch_mean(fake)).mean() + F.softplus(batch_mean(real) - fake).mean()

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        del batch
        real, fake = self._scores(hr), self._scores(sr)
        return {"objective": F.softplus(batch_mean(fake) - real).mean() + F.softplus(fake - batch_mean(real)).mean()}

    def _scores(self, image: Tensor) -> Tensor:
        return self.judge(image).mean(dim=(1, 2, 3))


@hookimpl
def srkit_register(registry: Any) -> None:
    for kind, name, target in (
        ("model", "toy-deep", DeepSupervision),
        ("model", "toy-any", AnyScale),
        ("model", "toy-axes", EachAxis),
        ("model", "toy-shrink", LearnedShrinking),
        ("model", "toy-backboned", WithBackbone),
        ("model", "toy-planes", SevenPlanes),
        ("model", "toy-regression", Regression),
        ("upsampler", "toy-zero-shot", LearnsOnThePicture),
        ("loss", "toy-consistency", Consistency),
        ("loss", "toy-critic", Critic),
        ("loss", "toy-relativistic", Relativistic),
        ("part", "toy-backbone", PlainBackbone),
    ):
        getattr(registry, kind)(name, f"tests.contracts.toys:{target.__name__}", summary=f"the toy {name}")
