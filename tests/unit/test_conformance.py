"""The conformance checks find what breaks a contract, and propose the mend; they pass what keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sr_core import (
    AnyScaleModel,
    Backbone,
    Batch,
    Degradation,
    Discriminator,
    FeatureNetwork,
    Grid,
    LearnedLoss,
    Loss,
    Metric,
    Model,
    Prediction,
    SampleRandom,
    Scale,
    ScaleRange,
    SetMetric,
    Upsampler,
    degraded_size,
    full_precision,
    hookimpl,
    resize,
    sr_size,
    testing,
)


class GoodUpsampler(Upsampler):
    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        return resize(image, scale, sr_size(image.shape[-2:], scale))


class WrongSize(Upsampler):
    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        return image


class ChangesItsInput(GoodUpsampler):
    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        image.mul_(0.5)
        return super().__call__(image, scale)


class MixesTheBatch(GoodUpsampler):
    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        return super().__call__(image - image.mean(), scale)


class GoodModel(Model):
    """Sub-pixel convolution with a residual in full precision, on inputs of even size."""

    scales = frozenset({2})
    multiple = 2

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        with full_precision(lr) as (image,):
            enlarged = resize(image, scale, sr_size(image.shape[-2:], scale))
            return nn.functional.pixel_shuffle(self.body(image), 2) + enlarged


class TwinPredictions(GoodModel):
    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        return (*super().predictions(lr, hr, scale, progress), *super().predictions(lr, hr, scale, progress))


class UnequalTarget(GoodModel):
    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        return (Prediction("valid", self(lr, scale)[..., 4:-4, 4:-4], hr),)


class GoodAnyScale(AnyScaleModel):
    """Nearest neighbour, as an any-scale network would decode it."""

    scales = ScaleRange(1, 4)
    channels = "rgb"

    def encode(self, lr: Tensor) -> Tensor:
        return lr

    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        rows = grid.vertical.round().long().clamp(0, features.shape[-2] - 1)
        columns = grid.horizontal.round().long().clamp(0, features.shape[-1] - 1)
        return features[..., rows, :][..., columns]


class DependsOnTheGridsStart(GoodAnyScale):
    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        return super().decode(features, replace(grid, rows=range(len(grid.rows))), scale)


class GoodBackbone(Backbone):
    channels = "y"
    width = 4
    margin = 2

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 4, 5, padding=2)

    def forward(self, lr: Tensor) -> Tensor:
        features: Tensor = self.layer(lr)
        return features


class SmallerFeatures(GoodBackbone):
    def forward(self, lr: Tensor) -> Tensor:
        return super().forward(lr)[..., 1:]


class SeesMoreThanItSays(GoodBackbone):
    margin = 1


class NoWidth(GoodBackbone):
    width = 0


class GoodFeatureNetwork(FeatureNetwork):
    """A convolution, before and after its ReLU."""

    widths = {"conv": 4, "relu": 4}  # noqa: RUF012 - as an author would write it

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.activation = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()

    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        found = {"conv": self.layer(image)}
        if "relu" in layers:
            found["relu"] = self.activation(found["conv"])
        return {layer: found[layer] for layer in layers}


class OverwritesItsFeatures(GoodFeatureNetwork):
    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.ReLU(inplace=True)


class WrongWidths(GoodFeatureNetwork):
    widths = {"conv": 8, "relu": 4}  # noqa: RUF012


class LearnsStatistics(GoodFeatureNetwork):
    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.BatchNorm2d(4)  # type: ignore[assignment]


class LeavesALayerOut(GoodFeatureNetwork):
    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return super().forward(image, layers[:1])


class NoGradient(GoodFeatureNetwork):
    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return super().forward(image.detach(), layers)


class GoodDiscriminator(Discriminator):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding=1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2))
        self.last = nn.Conv2d(8, 1, 3)

    def stages(self, image: Tensor) -> list[Tensor]:
        features = self.first(image)
        return [features, self.last(features)]


class VerdictOfManyPlanes(GoodDiscriminator):
    def stages(self, image: Tensor) -> list[Tensor]:
        return super().stages(image)[:1]


class AnotherVerdict(GoodDiscriminator):
    def forward(self, image: Tensor) -> Tensor:
        return -super().forward(image)


class JudgesTheBatch(GoodDiscriminator):
    def stages(self, image: Tensor) -> list[Tensor]:
        return [super().stages(image)[-1].mean().expand(len(image), 1)]


class NothingToLearn(GoodDiscriminator):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


class GoodLoss(Loss):
    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"pixels": (sr - hr).abs().mean(), "mean": (sr.mean() - hr.mean()).abs()}


class NotScalar(Loss):
    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        return (sr - hr).abs()


class GoodLearnedLoss(LearnedLoss):
    def __init__(self) -> None:
        super().__init__()
        self.judge = nn.Conv2d(3, 1, 3)

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        return -self.judge(sr).mean()

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        real, fake = self.judge(hr).mean(), self.judge(sr).mean()
        return {"objective": fake - real, "real": real, "fake": fake}


class NoObjective(GoodLearnedLoss):
    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.judge(sr).mean()}


class GoodNoise(Degradation):
    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        vertical, horizontal = degraded_size(hr.shape[-2:], scale)
        lr = resize(hr, size=(vertical, horizontal))
        return lr + random.uniform(0, 0.1, 1, 1, 1) * random.normal(*lr.shape[1:])


class ClaimsToBeDeterministic(GoodNoise):
    deterministic = True


class GlobalChance(GoodNoise):
    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        return super().forward(hr, scale, random) + torch.rand(1)


class TooSmall(GoodNoise):
    def forward(self, hr: Tensor, scale: Scale, random: SampleRandom) -> Tensor:
        return super().forward(hr, scale, random)[..., 1:, :]


class GoodMetric(Metric):
    higher_is_better = False

    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        return (sr - reference).abs().mean(dim=(1, 2, 3))


class WrongDirection(GoodMetric):
    higher_is_better = True


class PoolsTheBatch(GoodMetric):
    def __call__(self, sr: Tensor, reference: Tensor) -> Tensor:
        return (sr - reference).abs().mean()


class GoodSetMetric(SetMetric):
    def __call__(self, srs: list[Tensor], references: list[Tensor]) -> float:  # type: ignore[override]
        return float(sum((a.mean() - b.mean()).abs() for a, b in zip(srs, references, strict=True)))


@pytest.mark.parametrize(
    ("check", "made"),
    [
        (testing.check_upsampler, GoodUpsampler),
        (testing.check_model, GoodModel),
        (testing.check_model, GoodAnyScale),
        (testing.check_backbone, GoodBackbone),
        (testing.check_feature_network, GoodFeatureNetwork),
        (testing.check_discriminator, GoodDiscriminator),
        (testing.check_loss, GoodLoss),
        (testing.check_loss, GoodLearnedLoss),
        (testing.check_degradation, GoodNoise),
        (testing.check_metric, GoodMetric),
        (testing.check_metric, GoodSetMetric),
    ],
)
def test_what_keeps_its_contract_passes(check: Callable[[Any], None], made: type[Any]) -> None:
    check(made())


@pytest.mark.parametrize(
    ("check", "made", "proposal"),
    [
        (testing.check_upsampler, WrongSize, "see sr_size"),
        (testing.check_upsampler, ChangesItsInput, "must not be changed in place"),
        (testing.check_upsampler, MixesTheBatch, "must not depend on its batch"),
        (testing.check_upsampler, object, "derive the class from sr_core.Upsampler"),
        (testing.check_model, TwinPredictions, "different names"),
        (testing.check_model, UnequalTarget, "'valid': image and target differ in shape"),
        (testing.check_model, DependsOnTheGridsStart, "for a part of the grid"),
        (testing.check_backbone, SmallerFeatures, "the picture's size"),
        (testing.check_backbone, SeesMoreThanItSays, "more than 'margin' = 1"),
        (testing.check_backbone, NoWidth, "width must be a whole number"),
        (testing.check_feature_network, OverwritesItsFeatures, "'conv' differs when it is asked for alone"),
        (testing.check_feature_network, WrongWidths, r"'conv' must be 2×8×h×w as 'widths' says, it is \(2, 4"),
        (testing.check_feature_network, LearnsStatistics, "'relu' must be the same while training"),
        (testing.check_feature_network, LeavesALayerOut, "asked for .'conv', 'relu'., it gave .'conv'."),
        (testing.check_feature_network, NoGradient, "the picture must get a finite gradient"),
        (testing.check_feature_network, GoodDiscriminator, "derive the class from sr_core.FeatureNetwork"),
        (testing.check_discriminator, VerdictOfManyPlanes, "a verdict is N×1 or N×1×h×w"),
        (testing.check_discriminator, AnotherVerdict, "forward must give the verdict"),
        (testing.check_discriminator, JudgesTheBatch, "must not depend on the batch"),
        (testing.check_discriminator, NothingToLearn, "needs parameters that learn"),
        (testing.check_loss, NotScalar, "finite scalars"),
        (testing.check_loss, NoObjective, "must hold 'objective'"),
        (testing.check_degradation, ClaimsToBeDeterministic, "set deterministic = False"),
        (testing.check_degradation, GlobalChance, "draw from 'random' alone"),
        (testing.check_degradation, TooSmall, "see sr_core.degraded_size"),
        (testing.check_metric, WrongDirection, "check 'higher_is_better'"),
        (testing.check_metric, PoolsTheBatch, "N values"),
    ],
)
def test_what_breaks_its_contract_is_told_the_mend(
    check: Callable[[Any], None], made: type[Any], proposal: str
) -> None:
    with pytest.raises(Exception, match=proposal):
        check(made())


def plugin(**functions: Callable[..., None]) -> ModuleType:
    module = ModuleType("plugin_under_test")
    for name, function in functions.items():
        setattr(module, name, function)
    return module


def test_a_good_plugin_module_passes_and_its_components_are_returned() -> None:
    @hookimpl
    def srkit_register(registry: Any) -> None:
        registry.upsampler("mine", "tests.unit.test_conformance:GoodUpsampler", summary="a method")

    (component,) = testing.check_plugin(plugin(srkit_register=srkit_register))
    assert component.name == "mine"


def test_a_plugin_module_without_a_marked_hook_is_told_to_mark_it() -> None:
    with pytest.raises(AssertionError, match="@sr_core.hookimpl"):
        testing.check_plugin(plugin(srkit_register=lambda registry: None))
