"""The contextual loss: its formula point by point, and that places do not matter."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core import Batch
from sr_core.testing import check_loss
from sr_plugins_losses.contextual import Contextual
from tests.unit.small_features import SmallFeatures, features_of, pictures

BATCH = Batch(lr=torch.zeros(2, 3, 4, 4), scale=2, step=0, progress=0.0)


def in_float64(**parameters: object) -> Contextual:
    return Contextual(SmallFeatures(), **{"layers": ("conv2_1",), **parameters}).double()  # type: ignore[arg-type]


def value(loss: Contextual, sr: Tensor, hr: Tensor, batch: Batch = BATCH) -> float:
    found = loss(sr, hr, batch)
    assert isinstance(found, Tensor)
    return found.item()


def expected_value(sr: Tensor, hr: Tensor, layer: str, bandwidth: float) -> float:
    """−log CX by the equations of the paper, one number after another."""
    found = []
    for of_sr, of_hr in zip(
        features_of(SmallFeatures(), sr)[layer], features_of(SmallFeatures(), hr)[layer], strict=True
    ):
        ys = of_hr.reshape(len(of_hr), -1).T
        xs = of_sr.reshape(len(of_sr), -1).T
        centre = ys.mean(axis=0)
        shares = np.zeros((len(xs), len(ys)))
        for i, x in enumerate(xs - centre):
            distances = [(1 - x @ y / (np.linalg.norm(x) * np.linalg.norm(y))) / 2 for y in ys - centre]
            nearest = min(distances)
            weights = [math.exp((1 - d / (nearest + 1e-5)) / bandwidth) for d in distances]
            shares[i] = np.array(weights) / sum(weights)
        found.append(-math.log(np.mean([shares[:, j].max() for j in range(len(ys))])))
    return float(np.mean(found))


@pytest.mark.parametrize("bandwidth", [0.5, 0.1])
@pytest.mark.parametrize("activation", ["before", "after"])
def test_it_is_the_papers_formula(bandwidth: float, activation: str) -> None:
    sr, hr = pictures()
    layer = {"before": "conv2_1", "after": "relu2_1"}[activation]
    expected = expected_value(sr, hr, layer, bandwidth)
    found = value(in_float64(bandwidth=bandwidth, activation=activation), sr, hr)
    assert found == pytest.approx(expected, rel=1e-8)


def test_equal_pictures_cost_nothing_and_have_a_finite_gradient() -> None:
    _, hr = pictures()
    sr = hr.clone().requires_grad_()
    found = in_float64(activation="before")(sr, hr, BATCH)
    assert isinstance(found, Tensor)
    assert found.item() == pytest.approx(0, abs=1e-6)
    found.backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert bool(sr.grad.isfinite().all())


def test_flat_pictures_have_a_finite_gradient() -> None:
    sr = torch.full((1, 3, 16, 16), 0.5, requires_grad=True)
    found = Contextual(SmallFeatures(), layers=("conv2_1",))(sr, torch.full_like(sr, 0.5), BATCH)
    assert isinstance(found, Tensor)
    found.backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert bool(sr.grad.isfinite().all())


def test_it_does_not_mind_that_parts_of_a_picture_change_places() -> None:
    halves = [torch.rand(1, 3, 16, 16, dtype=torch.float64) for _ in range(2)]
    hr, swapped = torch.cat(halves, dim=3), torch.cat(halves[::-1], dim=3)
    other = torch.rand(1, 3, 16, 32, dtype=torch.float64)
    loss = in_float64(layers=("conv1_1",), activation="before")
    # But for the seam in the middle and the border, every feature is there.
    assert value(loss, swapped, hr) < 0.2 * value(loss, other, hr)


def test_its_gradient_is_that_of_the_formula() -> None:
    sr, hr = pictures(size=(6, 8))
    loss = in_float64(activation="before")
    assert torch.autograd.gradcheck(lambda image: loss(image, hr, BATCH), sr.clone().requires_grad_())


def test_large_layers_are_compared_at_some_places_that_change_with_the_step() -> None:
    sr, hr = pictures(size=(32, 32))  # 256 places
    whole, bounded = (in_float64(positions=count, activation="before") for count in (256, 64))
    torch.manual_seed(0)
    first = value(bounded, sr, hr)
    torch.manual_seed(1)
    assert value(bounded, sr, hr) == first  # whatever the run's own numbers are
    assert value(bounded, sr, hr, replace(BATCH, step=1)) != first
    assert first == pytest.approx(value(whole, sr, hr), rel=0.5)
    assert value(bounded, hr, hr) == pytest.approx(0, abs=1e-6)  # the same places in both


def test_in_bfloat16_features_are_rounded_and_distances_are_not() -> None:
    sr, hr = (image.float() for image in pictures())
    loss = Contextual(SmallFeatures(), layers=("conv2_1",), activation="before")
    with torch.autocast("cpu", torch.bfloat16):
        low = loss(sr, hr, BATCH)
        same = loss(hr, hr, BATCH)
    assert isinstance(low, Tensor)
    assert isinstance(same, Tensor)
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(value(loss, sr, hr), rel=0.1)
    assert same.item() == pytest.approx(0, abs=1e-4)


def test_it_keeps_its_contract() -> None:
    loss = Contextual(SmallFeatures(), layers=("conv1_1", "conv2_1"))
    assert loss.channels == "rgb"
    check_loss(loss)
