"""The pixel losses: their formulas, their reductions, the border, and precision."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import sr_plugins_losses.plugin
from sr_core import Batch, SrkitError
from sr_core.parameters import check_parameters
from sr_core.testing import check_loss, check_plugin
from sr_plugins_losses.pixel import L1, MSE, Charbonnier, Huber, PixelLoss, SmoothL1

BATCH = Batch(lr=torch.zeros(2, 1, 2, 2), scale=2, step=0, progress=0.0)
HR = torch.zeros(2, 1, 2, 3)
SR = torch.tensor([[[[0.0, 0.1, 0.2], [0.3, 0.4, 0.5]]], [[[0.0, 0.0, -0.6], [0.0, 0.0, 0.0]]]])
# Σd² = 0.55 and 0.36; Σ|d| = 1.5 and 0.6.


@pytest.mark.parametrize(("loss", "expected"), [(MSE(), 0.91 / 12), (L1(), 2.1 / 12)])
def test_the_mean_runs_over_all_pixels_of_all_samples(loss: PixelLoss, expected: float) -> None:
    assert loss(SR, HR, BATCH).item() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("loss", "expected"), [(MSE("sum_per_sample"), (0.55 + 0.36) / 2), (L1("sum_per_sample"), (1.5 + 0.6) / 2)]
)
def test_sum_per_sample_sums_each_sample_and_averages_the_samples(loss: PixelLoss, expected: float) -> None:
    assert loss(SR, HR, BATCH).item() == pytest.approx(expected)


def test_charbonnier_is_the_root_of_the_square_and_the_squared_constant() -> None:
    differences = SR.flatten().tolist()
    expected = sum(math.sqrt(d * d + 1e-6) for d in differences) / len(differences)
    assert Charbonnier()(SR, HR, BATCH).item() == pytest.approx(expected)
    wide = sum(math.sqrt(d * d + 0.25) for d in differences) / 2
    assert Charbonnier(eps=0.5, reduction="sum_per_sample")(SR, HR, BATCH).item() == pytest.approx(wide)


def test_smooth_l1_and_huber_are_square_near_0_and_straight_beyond() -> None:
    differences = [abs(d) for d in SR.flatten().tolist()]
    square = [d * d / 2 for d in differences]
    for threshold in (0.01, 0.25, 0.55):
        straight = [d - threshold / 2 for d in differences]
        smooth = (
            sum(
                s / threshold if d < threshold else line
                for d, s, line in zip(differences, square, straight, strict=True)
            )
            / 12
        )
        assert SmoothL1(threshold)(SR, HR, BATCH).item() == pytest.approx(smooth)
        assert Huber(threshold)(SR, HR, BATCH).item() == pytest.approx(threshold * smooth)


def test_their_defaults_are_neither_square_nor_straight_on_what_training_sees() -> None:
    assert SmoothL1().beta == Huber().delta == 0.01  # 2.55 levels
    far, near = torch.full((1, 1, 4, 4), 0.1), torch.full((1, 1, 4, 4), 0.001)
    zero = torch.zeros(1, 1, 4, 4)
    assert SmoothL1()(far, zero, BATCH).item() == pytest.approx(0.095)
    assert SmoothL1()(near, zero, BATCH).item() == pytest.approx(0.00005)


def test_thresholds_above_0_only() -> None:
    for loss_class, name in ((SmoothL1, "beta"), (Huber, "delta"), (Charbonnier, "eps")):
        for wrong in (0, -1, float("inf"), "much"):
            with pytest.raises(SrkitError, match=name):
                check_parameters(loss_class, {name: wrong}, {})


def test_charbonnier_has_a_gradient_where_sr_is_hr() -> None:
    sr = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    Charbonnier()(sr, sr.detach(), BATCH).backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert torch.equal(sr.grad, torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize("loss_class", [MSE, L1, SmoothL1, Huber, Charbonnier])
@pytest.mark.parametrize("reduction", ["mean", "sum_per_sample"])
def test_the_border_counts_for_nothing(loss_class: type[PixelLoss], reduction: str) -> None:
    sr, hr = torch.rand(2, 3, 9, 11), torch.rand(2, 3, 9, 11)
    inner = loss_class(reduction=reduction)(sr[..., 2:-2, 2:-2], hr[..., 2:-2, 2:-2], BATCH)  # type: ignore[arg-type]
    sr[..., :2] = 7
    sr[..., -2:, :] = -7
    sr[..., -2:] = 9
    sr[..., :2, :] = 9
    bordered = loss_class(reduction=reduction, border=2)(sr, hr, BATCH)  # type: ignore[arg-type]
    assert bordered.item() == pytest.approx(inner.item())


def test_a_border_that_leaves_nothing_says_so() -> None:
    with pytest.raises(SrkitError, match=r"border 4 leaves nothing of a target of 8×20; take a larger crop"):
        MSE(border=4)(torch.rand(1, 1, 8, 20), torch.rand(1, 1, 8, 20), BATCH)


@pytest.mark.parametrize(
    "loss",
    [MSE(), L1(), Charbonnier(), MSE("sum_per_sample"), SmoothL1(), Huber()],
    ids=lambda loss: type(loss).__name__,
)
def test_low_precision_changes_nothing_but_the_input(loss: PixelLoss) -> None:
    sr, hr = torch.rand(2, 1, 32, 32).bfloat16(), torch.rand(2, 1, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        low: Tensor = loss(sr, hr, BATCH)
    assert low.dtype == torch.float32
    assert torch.equal(low, loss(sr.float(), hr, BATCH))


@pytest.mark.parametrize(
    "loss",
    [MSE(border=3), L1("sum_per_sample"), Charbonnier(eps=0.1), SmoothL1(0.3), Huber(0.3, border=1)],
    ids=lambda loss: type(loss).__name__,
)
def test_the_losses_keep_their_contract(loss: PixelLoss) -> None:
    check_loss(loss)


def test_the_plugin_registers_them() -> None:
    names = {component.name for component in check_plugin(sr_plugins_losses.plugin)}
    assert names >= {"mse", "l1", "smooth_l1", "huber", "charbonnier"}
