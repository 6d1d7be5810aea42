"""LapSRN: a pyramid, what it learns from, how levels grow, and the files that others published."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import nn
from torch.nn import functional as F

from sr_core import resize
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.published.matconvnet import read_matconvnet
from sr_core.testing import check_model
from sr_plugins_cnn.lapsrn import LapSRN
from sr_plugins_cnn.planes import Planes
from sr_plugins_cnn.pyramid import FeatureKernel, level_shares
from tests.unit import network_promises as promises

# The names of the authors' and of twtygqyy's tensors of a ×4 network of depth 1, with ours.
AUTHORS = {
    "input_conv_f": "conv_input.weight",
    "input_conv_b": "conv_input.bias",
    "level2_conv1_f": "levels.0.features.0.weight",
    "level2_conv1_b": "levels.0.features.0.bias",
    "level2_upconv_f": "levels.0.features.2.weight",
    "level2_upconv_b": "levels.0.features.2.bias",
    "level2_residual_conv_f": "levels.0.residual.weight",
    "level2_residual_conv_b": "levels.0.residual.bias",
    "level2_img_up_f": "levels.0.image.weight",
    "level1_conv1_f": "levels.1.features.0.weight",
    "level1_conv1_b": "levels.1.features.0.bias",
    "level1_upconv_f": "levels.1.features.2.weight",
    "level1_upconv_b": "levels.1.features.2.bias",
    "level1_residual_conv_f": "levels.1.residual.weight",
    "level1_residual_conv_b": "levels.1.residual.bias",
    "level1_img_up_f": "levels.1.image.weight",
}
PORT = {
    "conv_input.weight": "conv_input.weight",
    "convt_F1.0.cov_block.0.weight": "levels.0.features.0.weight",
    "convt_F1.0.cov_block.2.weight": "levels.0.features.2.weight",
    "convt_R1.weight": "levels.0.residual.weight",
    "convt_I1.weight": "levels.0.image.weight",
    "convt_F2.0.cov_block.0.weight": "levels.1.features.0.weight",
    "convt_F2.0.cov_block.2.weight": "levels.1.features.2.weight",
    "convt_R2.weight": "levels.1.residual.weight",
    "convt_I2.weight": "levels.1.image.weight",
}


def randomised(network: LapSRN) -> LapSRN:
    """Weights large enough that every layer shows in the picture."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.3)
    return network


@pytest.mark.parametrize("channels", ["y", 5])
def test_without_residuals_it_is_bilinear_plane_by_plane(channels: Planes) -> None:
    network = LapSRN(4, depth=1, width=4, channels=channels)
    for index in (0, 1):
        nn.init.zeros_(network.level(index).residual.weight)
    lr = torch.rand(2, 1 if channels == "y" else 5, 6, 7)
    twice = F.interpolate(F.interpolate(lr, scale_factor=2, mode="bilinear"), scale_factor=2, mode="bilinear")
    assert (network(lr, 4) - twice)[..., 4:-4, 4:-4].abs().max() < 1e-6


@pytest.mark.parametrize("kernel", [3, 4])
def test_weights_start_as_in_the_released_code(kernel: FeatureKernel) -> None:
    network = LapSRN(2, feature_kernel=kernel)
    spreads = {name: float(weight.std()) for name, weight in network.state_dict().items() if weight.ndim == 4}
    assert spreads.pop("conv_input.weight") == pytest.approx(1e-3, rel=0.1)
    assert spreads.pop("levels.0.features.20.weight") == pytest.approx(math.sqrt(2 / (kernel**2 * 64)), rel=0.1)
    del spreads["levels.0.image.weight"]
    assert len(spreads) == 11
    assert list(spreads.values()) == pytest.approx([math.sqrt(2 / (9 * 64))] * 11, rel=0.1)
    assert not any(bias.any() for name, bias in network.named_parameters() if name.endswith("bias"))


def test_every_level_learns_from_hr_of_its_size() -> None:
    network = randomised(LapSRN(8, depth=1, width=4))
    lr, hr = torch.rand(1, 1, 3, 4), torch.rand(1, 1, 24, 32)
    predictions = network.predictions(lr, hr, 8, 0.5)
    assert [(made.name, made.weight) for made in predictions] == [("x2", 1), ("x4", 1), ("sr", 1)]
    for made, factor in zip(predictions, (1 / 4, 1 / 2, 1), strict=True):
        assert torch.equal(made.target, resize(hr, factor))
    assert torch.equal(predictions[-1].image, network(lr, 8))


def test_at_3_it_is_the_network_for_4_brought_down_by_bicubic() -> None:
    four, three = LapSRN(4, depth=2, width=4), LapSRN(3, depth=2, width=4)
    three.load_state_dict(randomised(four).state_dict())
    lr, hr = torch.rand(2, 1, 5, 7), torch.rand(2, 1, 15, 21)
    assert torch.equal(three(lr, 3), resize(four(lr, 4), 3 / 4))
    below, last = three.predictions(lr, hr, 3, 0.0)
    assert torch.equal(below.target, resize(hr, 2 / 3))
    assert torch.equal(below.image, four.predictions(lr, torch.rand(2, 1, 20, 28), 4, 0.0)[0].image)
    assert (last.name, last.image.shape) == ("sr", hr.shape)


def test_growing_levels_come_in_one_after_the_other_and_use_is_always_of_all() -> None:
    together, growing = LapSRN(8, depth=1, width=4), LapSRN(8, depth=1, width=4, progress="growing")
    growing.load_state_dict(randomised(together).state_dict())
    lr, hr = torch.rand(1, 1, 3, 4), torch.rand(1, 1, 24, 32)
    x2, x4, sr = growing.predictions(lr, hr, 8, 0.1)
    assert (x2.weight, x4.weight, sr.weight) == (1, 0, 0)
    assert torch.equal(x4.image, growing.level(1).image(x2.image))
    sr.image.sum().backward()
    reached = {name for name, parameter in growing.named_parameters() if parameter.grad is not None}
    ready = ("conv_input", "levels.0", "levels.1.image", "levels.2.image")
    assert reached == {name for name, _ in growing.named_parameters() if name.startswith(ready)}

    x2, x4, sr = growing.predictions(lr, hr, 8, 0.4)
    lacking = growing.level(1).residual(growing.level(1)(growing.level(0)(growing.begin(lr))))
    assert (x2.weight, x4.weight, sr.weight) == pytest.approx((1, 0.4, 0))
    assert (x4.image - growing.level(1).image(x2.image) - 0.4 * lacking).abs().max() < 1e-5

    grown = growing.predictions(lr, hr, 8, 1.0)
    for made, expected in zip(grown, together.predictions(lr, hr, 8, 0.0), strict=True):
        assert torch.equal(made.image, expected.image)
        assert made.weight == 1
    assert torch.equal(growing(lr, 8), together(lr, 8))


def test_no_level_ever_goes_back_while_others_grow() -> None:
    shares = [level_shares(3, step / 50) for step in range(51)]
    assert shares[0] == [1, 0, 0]
    assert shares[-1] == [1, 1, 1]
    for before, after in itertools.pairwise(shares):
        assert all(early <= late for early, late in zip(before, after, strict=True))


def test_the_authors_file_fits() -> None:
    """`h×w×in×out`, transposed convolutions `h×w×out×in`, last axes of 1 left out, as MATLAB saves them."""
    network = randomised(LapSRN(4, depth=1, width=3))
    state = network.state_dict()
    params = np.zeros((1, len(AUTHORS)), dtype=[("name", object), ("value", object)])
    params[0] = [(theirs, in_matlab(state[ours].numpy())) for theirs, ours in AUTHORS.items()]
    file = io.BytesIO()
    savemat(file, {"net": {"params": params}})
    other = LapSRN(4, depth=1, width=3)
    other.load_state_dict(dict(other.adopt(read_matconvnet(file.getvalue()))))
    lr = torch.rand(1, 1, 5, 4)
    assert torch.equal(other(lr, 4), network(lr, 4))


def in_matlab(tensor: np.ndarray) -> np.ndarray:
    if tensor.ndim == 1:
        return tensor[None]
    filters = tensor.transpose(2, 3, 1, 0)
    while filters.ndim > 2 and filters.shape[-1] == 1:
        filters = filters[..., 0]
    return filters


def test_the_common_port_s_names_are_known() -> None:
    network = LapSRN(4, depth=1, width=3, feature_kernel=4, bias=False)
    check_names(network, PORT)


def test_own_names_stay() -> None:
    network = LapSRN(4, depth=2, width=3)
    state = network.state_dict()
    assert dict(network.adopt(state)).keys() == state.keys()


def check_names(network: LapSRN, names: Mapping[str, str]) -> None:
    """A file under these names gives every tensor its place."""
    state = randomised(network).state_dict()
    assert set(names.values()) == set(state)
    adopted = network.adopt({theirs: state[ours] for theirs, ours in names.items()})
    assert all(torch.equal(tensor, state[name]) for name, tensor in adopted.items())
    assert set(adopted) == set(state)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(LapSRN(2, depth=2, width=12))


@pytest.mark.parametrize("scale", [1.5, 2, 2.5, 3, 4, 5, 7, 8])
@pytest.mark.parametrize("kernel", [3, 4])
def test_the_margin_is_exact(scale: float, kernel: FeatureKernel) -> None:
    promises.check_margin(LapSRN(scale, depth=2, width=2, feature_kernel=kernel), scale)


@pytest.mark.parametrize("scale", [1.5, 2, 3, 4])
def test_any_size_and_scale(scale: float) -> None:
    promises.check_one_pixel_and_odd_sizes(LapSRN(scale, depth=1, width=4), (scale,))
    check_model(LapSRN(scale, depth=1, width=4, progress="growing"))


def test_any_planes_and_copies() -> None:
    check_model(LapSRN(4, depth=1, width=4, channels=31))
    promises.check_copies(LapSRN(3, depth=1, width=4, channels="rgb"), 3)


@pytest.mark.parametrize(
    "wrong",
    [{"scale": 1}, {"scale": 2, "depth": 0}, {"scale": 2, "feature_kernel": 5}, {"scale": 2, "progress": "slowly"}],
)
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(LapSRN, wrong)
