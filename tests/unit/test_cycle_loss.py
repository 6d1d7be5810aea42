"""The cycle loss: its distance, who learns from it, the sizes on the way, and its messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Batch, Model, Scale, ScaleRange, SrkitError
from sr_core.testing import check_loss
from sr_plugins_gan.cycle import CycleLoss
from sr_plugins_gan.downscaler import Downscaler


class Average(Model):
    """Means of squares of pixels, times a number that is learned."""

    channels = "rgb"

    def __init__(self, factor: int = 2) -> None:
        super().__init__()
        self.scales = frozenset({1 / factor})
        self.multiple = factor
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        assert scale in self.scales
        return self.gain * F.avg_pool2d(lr, self.multiple)


def batch_of(lr: Tensor, scale: Scale = 2) -> Batch:
    return Batch(lr=lr, scale=scale, step=0, progress=0.0)


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


SR, LR = pictures(2, 3, 8, 6), pictures(2, 3, 4, 3, seed=1)
UNRELATED = pictures(2, 3, 8, 6, seed=2)


@pytest.mark.parametrize(("criterion", "power"), [("l1", 1), ("l2", 2)])
def test_the_distance_is_that_of_the_way_back_from_lr(criterion: Any, power: int) -> None:
    loss = CycleLoss(Average(), criterion)
    way_back = 0.5 * SR.double().numpy().reshape(2, 3, 4, 2, 3, 2).mean(axis=(3, 5))
    expected = (np.abs(way_back - LR.double().numpy()) ** power).mean()
    assert loss(SR, UNRELATED, batch_of(LR))["cycle"].item() == pytest.approx(expected, rel=1e-6)
    own = loss.own_objective(SR, UNRELATED, batch_of(LR))
    assert own["objective"].item() == own["cycle"].item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("criterion", ["l1", "l2"])
def test_it_is_nothing_where_the_way_back_arrives(criterion: Any) -> None:
    loss = CycleLoss(Average(), criterion)
    sr = SR.clone().requires_grad_()
    lr = 0.5 * F.avg_pool2d(SR, 2)
    found = loss(sr, UNRELATED, batch_of(lr))["cycle"]
    (gradient,) = torch.autograd.grad(found, sr)
    assert found == 0
    assert gradient.isfinite().all()


def test_hr_is_not_looked_at() -> None:
    loss = CycleLoss(Average())
    assert not loss.needs_pairs
    nothing = torch.full_like(SR, float("nan"))
    assert torch.equal(loss(SR, nothing, batch_of(LR))["cycle"], loss(SR, UNRELATED, batch_of(LR))["cycle"])


def test_gradients_reach_sr_in_one_step_and_the_way_back_in_the_other() -> None:
    back = Average().double()
    loss = CycleLoss(back, "l2")
    sr, lr = SR.double().requires_grad_(), LR.double()
    assert torch.autograd.gradcheck(lambda given: loss(given, UNRELATED, batch_of(lr))["cycle"], sr)
    objective = loss.own_objective(sr.detach(), UNRELATED, batch_of(lr))["objective"]
    (gradient,) = torch.autograd.grad(objective, back.gain)
    pooled = F.avg_pool2d(sr.detach(), 2)
    assert gradient.item() == pytest.approx((2 * (0.5 * pooled - lr) * pooled).mean().item())


@pytest.mark.parametrize("channels", ["y", "rgb"])
def test_it_keeps_the_contract(channels: Any) -> None:
    loss = CycleLoss(Downscaler(0.5, blocks=1, width=4, channels=channels))
    assert loss.channels == channels
    check_loss(loss)


def test_low_precision_changes_the_network_and_not_the_distance() -> None:
    loss = CycleLoss(Average())
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(SR, UNRELATED, batch_of(LR))["cycle"]
    assert torch.equal(low, loss(SR, UNRELATED, batch_of(LR))["cycle"]), "means and products are no matter of autocast"


@pytest.mark.parametrize(("scale", "factor"), [(3, 3), (4, 4)])
def test_whole_scales_lead_back_by_their_inverse(scale: int, factor: int) -> None:
    loss = CycleLoss(Average(factor))
    assert loss(pictures(1, 3, 6 * scale, 5 * scale), UNRELATED, batch_of(pictures(1, 3, 6, 5), scale))["cycle"] > 0


def test_a_network_that_makes_pictures_smaller_is_led_back_by_one_that_enlarges() -> None:
    class Enlarging(Average):
        def __init__(self) -> None:
            super().__init__()
            self.scales, self.multiple = frozenset({3}), 1

        def forward(self, lr: Tensor, scale: Scale) -> Tensor:
            assert scale in self.scales
            return self.gain * F.interpolate(lr, scale_factor=3)

    assert CycleLoss(Enlarging())(pictures(1, 3, 4, 5), UNRELATED, batch_of(pictures(1, 3, 12, 15), 1 / 3))["cycle"] > 0


class Same(Model):
    """A gain, at scale 1."""

    scales = ScaleRange(1, 1)
    channels = "rgb"

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(0.5))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        return self.gain * lr


def test_an_inner_cycle_may_ask_that_lr_stays_as_it_is() -> None:
    sr = pictures(2, 3, 4, 3, seed=5)
    loss = CycleLoss(Same(), identity=2.0)
    own = loss.own_objective(sr, UNRELATED, batch_of(LR, 1))
    cycle, identity = (0.5 * sr - LR).abs().mean().item(), (0.5 * LR).mean().item()
    assert own["cycle"].item() == pytest.approx(cycle)
    assert own["identity"].item() == pytest.approx(identity)
    assert own["objective"].item() == pytest.approx(cycle + 2 * identity)
    assert set(loss(sr, UNRELATED, batch_of(LR, 1))) == {"cycle"}


def test_messages_of_what_does_not_fit() -> None:
    with pytest.raises(SrkitError, match="the identity term of 'cycle' is for scale 1; leave it out"):
        CycleLoss(Average(), identity=1.0).own_objective(SR, UNRELATED, batch_of(LR))
    with pytest.raises(SrkitError, match="no way back: SR of 8×6 made smaller is 4×3, and LR is 4×4"):
        CycleLoss(Average())(SR, UNRELATED, batch_of(pictures(2, 3, 4, 4)))
    frozen = Average().requires_grad_(requires_grad=False)
    with pytest.raises(ValueError, match="for a fixed way back take 'consistency'"):
        CycleLoss(frozen)
