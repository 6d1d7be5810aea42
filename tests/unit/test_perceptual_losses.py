"""The perceptual loss: its formula layer by layer, before and after activation, and by whose weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sr_core import Batch, SrkitError
from sr_core.parameters import check_parameters
from sr_core.testing import check_loss
from sr_plugins_losses.looking import Criterion
from sr_plugins_losses.perceptual import Perceptual
from sr_plugins_losses.vgg import VGG16
from tests.unit.small_features import SmallFeatures, features_of, pictures

BATCH = Batch(lr=torch.zeros(2, 3, 4, 4), scale=2, step=0, progress=0.0)


def value(loss: Perceptual, sr: Tensor, hr: Tensor) -> Tensor:
    found = loss(sr, hr, BATCH)
    assert isinstance(found, Tensor)
    return found


def in_float64(**parameters: object) -> Perceptual:
    return Perceptual(SmallFeatures(), **parameters).double()  # type: ignore[arg-type]


@pytest.mark.parametrize("criterion", ["l1", "l2"])
@pytest.mark.parametrize("activation", ["before", "after"])
def test_it_is_the_mean_difference_of_features(activation: str, criterion: Criterion) -> None:
    sr, hr = pictures()
    loss = in_float64(layers=("conv2_1",), activation=activation, criterion=criterion)
    layer = "conv2_1" if activation == "before" else "relu2_1"
    difference = features_of(SmallFeatures(), sr)[layer] - features_of(SmallFeatures(), hr)[layer]
    expected = np.abs(difference).mean() if criterion == "l1" else np.square(difference).mean()
    assert value(loss, sr, hr).item() == pytest.approx(expected, rel=1e-10)


def test_layers_are_weighted_and_summed() -> None:
    sr, hr = pictures()
    first, second = (value(in_float64(layers=(name,)), sr, hr).item() for name in ("conv1_1", "relu2_1"))
    assert value(in_float64(layers=("conv1_1", "relu2_1")), sr, hr).item() == pytest.approx(first + second)
    weighted = in_float64(layers={"conv1_1": 0.1, "relu2_1": 3.0})
    assert value(weighted, sr, hr).item() == pytest.approx(0.1 * first + 3 * second)


def test_srgans_rescaling_of_features_is_0_006_on_the_loss() -> None:
    sr, hr = pictures()
    plain = value(in_float64(layers=("conv2_1",), activation="after", criterion="l2"), sr, hr)
    rescaled = in_float64(layers=("conv2_1",), activation="after", criterion="l2", rescale=1 / 12.75)
    assert value(rescaled, sr, hr).item() == pytest.approx(plain.item() * 0.00615, rel=1e-3)


def test_its_gradient_is_that_of_the_formula() -> None:
    sr, hr = pictures(size=(6, 4))
    for criterion in ("l1", "l2"):
        loss = in_float64(layers=("conv1_1", "conv2_1"), criterion=criterion)
        assert torch.autograd.gradcheck(lambda image, loss=loss: loss(image, hr, BATCH), sr.clone().requires_grad_())


def test_equal_pictures_cost_nothing_and_have_a_finite_gradient() -> None:
    _, hr = pictures()
    sr = hr.clone().requires_grad_()
    found = value(in_float64(layers=("conv2_1",)), sr, hr)
    assert found.item() == 0
    found.backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert bool(sr.grad.isfinite().all())


def test_sr_learns_and_nothing_else_does() -> None:
    sr, hr = (image.float().requires_grad_() for image in pictures())
    network = SmallFeatures()
    value(Perceptual(network, layers=("conv2_1",)), sr, hr).backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    assert bool(sr.grad.any())
    assert hr.grad is None
    assert all(parameter.grad is None for parameter in network.parameters())


def test_in_bfloat16_features_are_rounded_and_the_distance_is_not() -> None:
    sr, hr = (image.float() for image in pictures())
    loss = Perceptual(SmallFeatures(), layers=("conv2_1",))
    with torch.autocast("cpu", torch.bfloat16):
        low = value(loss, sr, hr)
        same = value(loss, hr, hr)
    assert low.dtype == torch.float32
    assert low.item() == pytest.approx(value(loss, sr, hr).item(), rel=0.02)
    assert same.item() == 0


def test_by_random_weights_its_curve_says_so() -> None:
    sr, hr = (image.float() for image in pictures())
    by_chance = Perceptual(SmallFeatures(origin="random"), layers=("conv1_1",))(sr, hr, BATCH)
    assert isinstance(by_chance, dict)
    assert list(by_chance) == ["random weights"]
    assert by_chance["random weights"].item() == value(Perceptual(SmallFeatures(), layers=("conv1_1",)), sr, hr).item()


def test_by_default_it_is_esrgans_and_needs_vgg19s_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRKIT_CACHE", str(tmp_path))
    with pytest.raises(SrkitError, match=r"'vgg19' are not on this machine.*Three ways out.*weights: random"):
        Perceptual()
    parameters = check_parameters(Perceptual, {})
    assert (parameters["layers"], parameters["activation"], parameters["criterion"]) == (("conv5_4",), "before", "l1")


def test_a_spec_gives_layers_as_a_list_or_with_weights() -> None:
    assert check_parameters(Perceptual, {"layers": ["conv2_2", "conv5_4"]})["layers"] == ("conv2_2", "conv5_4")
    assert check_parameters(Perceptual, {"layers": {"conv2_2": 0.1, "conv5_4": 1}})["layers"]["conv2_2"] == 0.1


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (("conv3_1",), "has no layer 'conv3_1'; it has conv1_1, relu1_1, conv2_1, relu2_1"),
        ((), "name at least one layer"),
        (("conv1_1", "conv1_1"), "layer 'conv1_1' stands twice"),
        (("conv1_1", "relu1_1"), "layer 'relu1_1' stands twice"),  # after activation they are one
    ],
)
def test_layers_that_say_nothing_are_refused(layers: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Perceptual(SmallFeatures(), layers=layers, activation="after")


def test_it_keeps_its_contract_with_vgg() -> None:
    loss = Perceptual(VGG16(weights="random"), layers={"conv1_2": 0.1, "conv3_3": 1.0})
    assert loss.channels == "rgb"
    check_loss(loss)
