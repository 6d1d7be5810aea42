"""The discriminators: layer by layer as published, for pictures of any size, and differentiable twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Discriminator, SrkitError
from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_core.testing import check_discriminator
from sr_core.training.learned import buffers_kept
from sr_plugins_gan.feature_discriminator import FeatureDiscriminator
from sr_plugins_gan.patchgan import PatchGAN
from sr_plugins_gan.unet_sn import UNetSN
from sr_plugins_gan.vgg_style import VGGStyleDiscriminator
from tests.unit.small_features import SmallFeatures

NORMS = ("batch", "instance", "spectral", "none")


def feature(**parameters: Any) -> FeatureDiscriminator:
    return FeatureDiscriminator(SmallFeatures(), **{"layer": "conv2_1", "width": 4, **parameters})


SMALL: dict[str, Callable[..., Discriminator]] = {
    **{
        f"vgg_style {norm}": lambda norm=norm, **more: VGGStyleDiscriminator(
            2, stages=2, pooled=3, hidden=5, norm=norm, **more
        )
        for norm in NORMS
    },
    **{f"patchgan {norm}": lambda norm=norm, **more: PatchGAN(2, width=3, norm=norm, **more) for norm in NORMS},
    "unet_sn": lambda **more: UNetSN(width=3, **more),
    "unet_sn without skips": lambda **more: UNetSN(width=3, skips=False, **more),
    **{f"feature {norm}": lambda norm=norm, **more: feature(norm=norm, **more) for norm in NORMS},
}
every_discriminator = pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)


def made(make: Callable[..., Discriminator], **parameters: Any) -> Discriminator:
    torch.manual_seed(0)
    return make(**parameters)


def counts(network: nn.Module) -> list[int]:
    """Numbers that each layer learns."""
    own = [sum(p.numel() for p in layer.parameters()) for layer in network.modules() if not any(layer.children())]
    return [count for count in own if count]


def sizes(stages: Any) -> list[tuple[int, ...]]:
    return [tuple(stage.shape[1:]) for stage in stages]


def test_vgg_style_is_srgan_s_layer_by_layer() -> None:
    with torch.device("meta"):
        network = VGGStyleDiscriminator()
        found = sizes(network.stages(torch.zeros(2, 3, 96, 96)))
    widths = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    convolutions = [9 * inputs * outputs + outputs for inputs, outputs in widths]
    normalisations = [2 * outputs for _, outputs in widths[1:]]
    between = [count for pair in zip(convolutions[1:], normalisations, strict=True) for count in pair]
    dense = [512 * 6 * 6 * 1024 + 1024, 1024 + 1]
    assert counts(network) == [convolutions[0], *between, *dense]
    assert round(sum(counts(network)) / 1e6, 2) == 23.57
    sides = [96, 48, 48, 24, 24, 12, 12, 6]
    assert found == [*((outputs, side, side) for (_, outputs), side in zip(widths, sides, strict=True)), (1,)]


def test_vgg_style_is_esrgan_s_with_other_parameters() -> None:
    with torch.device("meta"):
        network = VGGStyleDiscriminator(stages=5, strided_kernel=4, pooled=4, hidden=100)
        found = sizes(network.stages(torch.zeros(2, 3, 128, 128)))
    assert sum(counts(network)) == 14_502_281
    assert found[-2:] == [(512, 4, 4), (1,)]


def test_vgg_style_computes_what_the_paper_says() -> None:
    network = made(lambda: VGGStyleDiscriminator(2, stages=2, pooled=3, hidden=5)).double().train()
    weights = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    image = torch.rand(3, 3, 12, 12, dtype=torch.float64)

    def leaky(values: Tensor) -> Tensor:
        return torch.where(values > 0, values, 0.2 * values)

    maps = image
    for place, (layer, stride) in enumerate(zip(weights[:4], (1, 2, 1, 2), strict=True)):
        maps = F.conv2d(maps, layer.weight, layer.bias, stride=stride, padding=1)
        if place:
            mean, variance = maps.mean((0, 2, 3), keepdim=True), maps.var((0, 2, 3), keepdim=True, unbiased=False)
            maps = (maps - mean) / (variance + 1e-5).sqrt()
        maps = leaky(maps)
    hidden = leaky(maps.flatten(1) @ weights[4].weight.T + weights[4].bias)
    expected = hidden @ weights[5].weight.T + weights[5].bias
    torch.testing.assert_close(network(image), expected)


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_verdict_of_patchgan_is_on_a_patch_of_so_many_pixels(layers: int, field: int) -> None:
    network = made(lambda: PatchGAN(layers, width=2, norm="none")).double()
    side = 2 * field
    image = torch.rand(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    verdicts = network(image)
    centre = verdicts.shape[-1] // 2
    (gradient,) = torch.autograd.grad(verdicts[..., centre, centre].sum(), image)
    rows = gradient.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == field


def test_patchgan_is_pix2pix_s_layer_by_layer() -> None:
    torch.manual_seed(0)
    network = PatchGAN()
    convolutions = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1)]
    weights = [16 * inputs * outputs for inputs, outputs in convolutions]
    first, *between, last = weights
    normed = [
        count
        for weight, (_, outputs) in zip(between, convolutions[1:4], strict=True)
        for count in (weight, 2 * outputs)
    ]
    assert counts(network) == [first + 64, *normed, last + 1]
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            assert layer.weight.detach().std().item() == pytest.approx(0.02, rel=0.05)
            assert layer.bias is None or not layer.bias.any()
        elif isinstance(layer, nn.BatchNorm2d):
            assert 0.01 < layer.weight.detach().std().item() < 0.03
    assert sizes(network.stages(torch.rand(1, 3, 256, 256)))[-2:] == [(512, 31, 31), (1, 30, 30)]


def test_unet_sn_is_real_esrgan_s_layer_by_layer() -> None:
    torch.manual_seed(0)
    network = UNetSN()
    kernels = [
        *(16 * n * 64 * 2 * n * 64 for n in (1, 2, 4)),
        *(9 * n * 64 * n * 32 for n in (8, 4, 2)),
        *[9 * 64 * 64] * 2,
    ]
    found = [parameter.numel() for parameter in network.parameters()]
    assert sorted(found) == sorted([9 * 3 * 64, 64, *kernels, 9 * 64, 1])
    assert sum(found) == 4_376_897


@pytest.mark.parametrize("skips", [True, False])
def test_unet_sn_computes_what_its_release_does(skips: bool) -> None:
    network = made(lambda: UNetSN(width=3, skips=skips)).double().eval()
    image = torch.rand(2, 3, 16, 24, dtype=torch.float64)

    def convolved(place: int, maps: Tensor, stride: int = 1) -> Tensor:
        layer: Any = getattr(network, f"conv{place}")
        weight = layer.weight
        if 0 < place < 9:
            norm, raw = layer.parametrizations.weight[0], layer.parametrizations.weight.original
            weight = raw / (norm._u @ raw.flatten(1) @ norm._v)
        return F.leaky_relu(F.conv2d(maps, weight, layer.bias, stride, padding=1), 0.2 if place < 9 else 1.0)

    x0 = convolved(0, image)
    x1 = convolved(1, x0, 2)
    x2 = convolved(2, x1, 2)
    maps = convolved(3, x2, 2)
    for place, before in ((4, x2), (5, x1), (6, x0)):
        maps = convolved(place, F.interpolate(maps, scale_factor=2, mode="bilinear")) + (before if skips else 0)
    torch.testing.assert_close(network(image), convolved(9, convolved(8, convolved(7, maps))))


def test_unet_sn_judges_every_pixel_of_an_odd_picture_which_it_continues() -> None:
    network = made(lambda: UNetSN(width=3)).eval()
    image = torch.rand(1, 3, 13, 18)
    verdict = network(image)
    assert verdict.shape == (1, 1, 13, 18)
    continued = torch.cat([image, image[..., -1:].expand(-1, -1, -1, 6)], -1)
    continued = torch.cat([continued, continued[..., -1:, :].expand(-1, -1, 3, -1)], -2)
    torch.testing.assert_close(verdict, network(continued)[..., :13, :18])


@pytest.mark.parametrize("name", ["vgg_style spectral", "patchgan spectral", "unet_sn", "feature spectral"])
def test_spectral_normalisation_brings_the_norm_of_the_weights_to_one(name: str) -> None:
    network = made(SMALL[name]).train()
    image = torch.rand(2, 3, 24, 24)
    with torch.no_grad():
        for _ in range(30):  # a step of the power iteration each
            network(image)
    layers = [m for m in network.modules() if hasattr(m, "parametrizations")]
    assert len(layers) >= 3
    for layer in layers:
        weight: Tensor = layer.weight  # type: ignore[assignment] # as computed
        assert torch.linalg.matrix_norm(weight.detach().flatten(1), 2).item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        (name, channels)
        for name in SMALL
        for channels in (("rgb", "y") if name.startswith("feature") else ("rgb", "y", 1, 5))
    ],
)
def test_it_keeps_the_contract_for_any_planes(name: str, channels: str | int) -> None:
    network = made(SMALL[name], channels=channels)
    assert network.channels == channels
    check_discriminator(network, (24, 29))


@every_discriminator
def test_gradient_penalties_reach_its_parameters(make: Callable[..., Discriminator]) -> None:
    """The slope of the verdict at a picture, by autograd and by differences so small that no leaky ReLU bends between."""
    network = made(make).double().train()
    for layer in network.modules():
        if hasattr(layer, "parametrizations"):  # spectral norms as they are: the power iteration has no gradient
            layer.parametrizations.eval()
    image = torch.rand(2, 3, 24, 24, dtype=torch.float64, requires_grad=True)
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    directions = [torch.randn_like(parameter) for parameter in learned]

    def penalty() -> Tensor:
        (slope,) = torch.autograd.grad(network(image).sum(), image, create_graph=True)
        return slope.square().sum()

    gradients = torch.autograd.grad(penalty(), learned, allow_unused=True)
    along = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True) if g is not None)
    moved = []
    for step in (1e-8, -1e-8):
        with torch.no_grad():
            for parameter, direction in zip(learned, directions, strict=True):
                parameter.add_(direction, alpha=step)
        moved.append(penalty().item())
        with torch.no_grad():
            for parameter, direction in zip(learned, directions, strict=True):
                parameter.sub_(direction, alpha=step)
    assert along == pytest.approx((moved[0] - moved[1]) / 2e-8, rel=1e-3)
    assert along != 0


@every_discriminator
def test_low_precision_rounds_features_and_neither_the_picture_nor_the_verdict(
    make: Callable[..., Discriminator],
) -> None:
    network = made(make).eval()
    image = torch.rand(2, 3, 24, 24)
    with torch.no_grad():
        exact = network(image)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(image)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).norm() <= 0.05 * exact.norm()
    with torch.autocast("cpu", torch.bfloat16):
        network.train()(image).sum().backward()
    assert all(buffer.dtype in (torch.float32, torch.int64) for buffer in network.buffers())


def test_what_batches_change_can_be_put_back() -> None:
    for make in SMALL.values():
        network = made(make).train()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        with buffers_kept(network), torch.no_grad():
            network(torch.rand(2, 3, 24, 24))
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("make", "least"),
    [
        (VGGStyleDiscriminator, 32),
        (lambda: VGGStyleDiscriminator(2, stages=2), 8),
        (PatchGAN, 24),
        (lambda: PatchGAN(1), 6),
        (UNetSN, 8),
    ],
)
def test_a_picture_too_small_is_refused_with_what_to_change(make: Callable[[], Discriminator], least: int) -> None:
    network = make().train()
    with torch.no_grad():
        assert network(torch.rand(1, 3, least, least + 1)).isfinite().all()
        with pytest.raises(
            SrkitError, match=f"{least}×{least} and larger, not {least + 5}×{least - 1}: take larger crops"
        ):
            network(torch.rand(2, 3, least + 5, least - 1))


def test_the_feature_network_is_frozen_and_the_rest_learns() -> None:
    network = feature().train()
    assert not network.network.training
    assert {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad} == {"features", "verdict"}
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    stages = network.stages(image)
    torch.testing.assert_close(stages[0], network.network(image, ["conv2_1"])["conv2_1"])
    assert sizes(stages) == [(5, 8, 8), (4, 8, 8), (4, 8, 8), (1, 8, 8)]


def test_the_feature_network_sees_gray_as_three_equal_planes() -> None:
    gray = torch.rand(1, 1, 16, 16)
    network = made(lambda: feature(channels="y")).eval()
    coloured = made(feature).eval()
    torch.testing.assert_close(network(gray), coloured(gray.repeat(1, 3, 1, 1)))


def test_a_layer_that_the_feature_network_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no layer 'conv9_9'; it has conv1_1, relu1_1, conv2_1, relu2_1"):
        feature(layer="conv9_9")


@pytest.mark.parametrize(
    ("component", "wrong"),
    [
        (VGGStyleDiscriminator, {"stages": 0}),
        (VGGStyleDiscriminator, {"strided_kernel": 5}),
        (VGGStyleDiscriminator, {"norm": "layer"}),
        (PatchGAN, {"layers": 0}),
        (PatchGAN, {"width": 0}),
        (UNetSN, {"channels": "bgr"}),
    ],
)
def test_parameters_that_it_cannot_have_are_refused(component: type[Discriminator], wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(component, wrong)
