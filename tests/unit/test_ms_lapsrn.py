"""MS-LapSRN: one level for all, one recursion for all, one network for all scales."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.ms_lapsrn import LocalSkip, MSLapSRN
from sr_plugins_cnn.pyramid import FeatureKernel
from tests.unit import network_promises as promises

# The names of the authors' and of lorenzomammana's tensors of a network of depth 2, with ours.
AUTHORS = {
    "input_conv_f": "conv_input.weight",
    "input_conv_b": "conv_input.bias",
    "conv1_f": "shared.convolutions.0.weight",
    "conv1_b": "shared.convolutions.0.bias",
    "conv2_f": "shared.convolutions.1.weight",
    "conv2_b": "shared.convolutions.1.bias",
    "upconv_f": "shared.doubling.weight",
    "upconv_b": "shared.doubling.bias",
    "residual_conv_f": "shared.residual.weight",
    "residual_conv_b": "shared.residual.bias",
    "img_up_f": "shared.image.weight",
}
PORT = {
    "conv_input.weight": "conv_input.weight",
    "conv_input.bias": "conv_input.bias",
    "features.recursive_block.block.conv_0.weight": "shared.convolutions.0.weight",
    "features.recursive_block.block.conv_0.bias": "shared.convolutions.0.bias",
    "features.recursive_block.block.conv_1.weight": "shared.convolutions.1.weight",
    "features.recursive_block.block.conv_1.bias": "shared.convolutions.1.bias",
    "transpose.weight": "shared.doubling.weight",
    "transpose.bias": "shared.doubling.bias",
    "predict.weight": "shared.residual.weight",
    "predict.bias": "shared.residual.bias",
    "scale_img.weight": "shared.image.weight",
}


def randomised(network: MSLapSRN) -> MSLapSRN:
    """Weights large enough that every layer shows in the picture."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.3)
    return network


@pytest.mark.parametrize("skip", ["NS", "DS", "SS"])
def test_a_level_is_what_the_paper_draws(skip: LocalSkip) -> None:
    """Two recursions of two convolutions, written out."""
    network = randomised(MSLapSRN(2, 2, skip, width=3))
    weights = network.state_dict()

    def convolution(name: str, features: Tensor) -> Tensor:
        return F.conv2d(features, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)

    def block(features: Tensor) -> Tensor:
        for name in ("shared.convolutions.0", "shared.convolutions.1"):
            features = convolution(name, F.leaky_relu(features, 0.2))
        return features

    lr = torch.rand(1, 1, 5, 6)
    entered = convolution("conv_input", lr)
    first = block(entered) + (0 if skip == "NS" else entered)
    second = block(first) + {"NS": torch.zeros(()), "DS": first, "SS": entered}[skip]
    rectified = F.leaky_relu(second, 0.2)
    doubled = F.conv_transpose2d(rectified, weights["shared.doubling.weight"], weights["shared.doubling.bias"], 2)
    image = F.conv_transpose2d(lr, weights["shared.image.weight"], stride=2, padding=1)
    expected = image + convolution("shared.residual", doubled[..., :10, :12])
    assert (network(lr, 2) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("kernel", [3, 4])
def test_weights_start_as_in_the_released_code(kernel: FeatureKernel) -> None:
    torch.manual_seed(0)
    network = MSLapSRN(3, feature_kernel=kernel)
    weights = {name: weight for name, weight in network.state_dict().items() if name.endswith("weight")}
    he = math.sqrt(2 / (9 * 64))
    assert float(weights.pop("conv_input.weight").std()) == pytest.approx(1e-3, rel=0.1)
    assert float(weights.pop("shared.doubling.weight").std()) == pytest.approx(he * 3 / kernel, rel=0.05)
    lines = torch.tensor([1, 3, 3, 1]) / 4
    assert torch.equal(weights.pop("shared.image.weight")[0, 0], torch.outer(lines, lines))
    assert len(weights) == 4
    for weight in weights.values():
        assert float(weight.std()) == pytest.approx(he, rel=0.1)
    assert not any(bias.any() for name, bias in network.named_parameters() if name.endswith("bias"))


def test_without_biases_it_has_the_same_layers_and_their_weights_alone() -> None:
    network, bare = MSLapSRN(2, 2, width=4), randomised(MSLapSRN(2, 2, width=4, bias=False))
    weights = {name for name in network.state_dict() if name.endswith("weight")}
    assert set(bare.state_dict()) == weights
    assert set(network.load_state_dict(bare.state_dict(), strict=False).missing_keys).isdisjoint(weights)
    lr = torch.rand(1, 1, 5, 6)
    assert torch.equal(bare(lr, 4), network(lr, 4))  # whose biases are 0


def test_features_can_be_doubled_by_4_x_4() -> None:
    network = randomised(MSLapSRN(1, 1, "NS", width=3, feature_kernel=4))
    assert network.shared.doubling.weight.shape == (3, 3, 4, 4)
    features = network.begin(torch.rand(1, 1, 5, 6))
    rectified = F.leaky_relu(features, 0.2)
    rectified = F.leaky_relu(network.shared.convolutions[0](rectified), 0.2)
    doubling = network.shared.doubling
    expected = F.conv_transpose2d(rectified, doubling.weight, doubling.bias, 2, 1)
    torch.testing.assert_close(network.level(0)(features), expected)
    promises.check_margin(MSLapSRN(1, 2, width=2, feature_kernel=4, scales=(4,)), 4)


def test_neither_recursions_nor_scales_bring_weights() -> None:
    shapes = {name: weight.shape for name, weight in MSLapSRN(3, 1, width=4, scales=(2,)).state_dict().items()}
    for recursions, scales in ((2, (2,)), (8, (2, 4, 8)), (5, (3,))):
        network = MSLapSRN(3, recursions, width=4, scales=scales)
        assert {name: weight.shape for name, weight in network.state_dict().items()} == shapes


def test_one_network_answers_for_all_scales_and_every_level_learns() -> None:
    network = randomised(MSLapSRN(1, 2, width=4, scales=(2, 3, 4, 8)))
    lr = torch.rand(1, 1, 3, 4)
    predictions = network.predictions(lr, torch.rand(1, 1, 24, 32), 8, 0.0)
    assert [made.name for made in predictions] == ["x2", "x4", "sr"]
    assert all(torch.equal(made.image, network(lr, scale)) for made, scale in zip(predictions, (2, 4, 8), strict=True))
    assert torch.equal(network(lr, 3), resize(network(lr, 4), 3 / 4))


@pytest.mark.parametrize("skip", ["NS", "DS", "SS"])
def test_recomputing_changes_no_gradient(skip: LocalSkip) -> None:
    kept = randomised(MSLapSRN(2, 3, skip, width=4))
    computed_again = MSLapSRN(2, 3, skip, width=4, recompute=True)
    computed_again.load_state_dict(copy.deepcopy(kept.state_dict()))
    lr, hr = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 16, 20)
    for network in (kept, computed_again):
        torch.stack(
            [(made.image - made.target).abs().mean() for made in network.predictions(lr, hr, 4, 0)]
        ).sum().backward()
    for mine, other in zip(kept.parameters(), computed_again.parameters(), strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        assert torch.allclose(mine.grad, other.grad)


def test_it_can_grow() -> None:
    network = randomised(MSLapSRN(1, 1, width=4, progress="growing"))
    lr, hr = torch.rand(1, 1, 3, 4), torch.rand(1, 1, 12, 16)
    weights = [[made.weight for made in network.predictions(lr, hr, 4, progress)] for progress in (0.0, 0.625, 1.0)]
    assert weights == [[1, 0], [1, 0.5], [1, 1]]


@pytest.mark.parametrize("names", [AUTHORS, PORT], ids=["authors", "port"])
def test_published_names_are_known(names: dict[str, str]) -> None:
    network = randomised(MSLapSRN(2, 2, width=3))
    state = network.state_dict()
    assert set(names.values()) == set(state)
    adopted = network.adopt({theirs: state[ours] for theirs, ours in names.items()})
    assert all(torch.equal(tensor, state[name]) for name, tensor in adopted.items())
    assert set(adopted) == set(state)
    assert network.adopt(state).keys() == state.keys()


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(MSLapSRN(2, 2, width=12))


@pytest.mark.parametrize("scale", [1.5, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("skip", ["NS", "SS"])
def test_the_margin_is_exact(scale: float, skip: LocalSkip) -> None:
    promises.check_margin(MSLapSRN(1, 2, skip, width=2, scales=(scale,)), scale)


def test_axes_that_differ_are_refused() -> None:
    promises.check_axes_that_differ_are_refused(MSLapSRN(1, 2, width=4), (2, 8))


def test_any_size_and_any_scale_that_it_says_it_takes() -> None:
    scales = (1, 1.5, 2, 3)
    network = MSLapSRN(1, 2, width=4, scales=scales)
    promises.check_one_pixel_and_odd_sizes(network, scales)
    check_model(network)


def test_any_planes_and_copies() -> None:
    check_model(MSLapSRN(1, 1, width=4, channels=31))
    promises.check_copies(MSLapSRN(1, 2, width=4, channels="rgb"), 4)


@pytest.mark.parametrize(
    "wrong", [{"depth": 0}, {"recursions": 0}, {"skip": "XS"}, {"scales": [0.5]}, {"scales": []}, {"scales": [[2, 8]]}]
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(MSLapSRN, wrong)
