"""MDSR: a head and an upsampler for each scale around one body."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ContractError, ParameterError
from sr_core.inference.engine import super_resolve
from sr_core.parameters import check_parameters
from sr_core.testing import check_model
from sr_plugins_cnn.mdsr import MDSR
from tests.unit import network_promises as promises

DIV2K_MEAN = torch.tensor([0.4488, 0.4371, 0.4040]).view(3, 1, 1)


def small(scales: tuple[int, ...] = (2, 3, 4), channels: str | int = "rgb") -> MDSR:
    torch.manual_seed(0)
    return MDSR(scales, blocks=2, width=6, channels=channels)  # type: ignore[arg-type]


def plain(tensors: dict[str, Tensor], lr: Tensor, place: int, factors: tuple[int, ...]) -> Tensor:
    """The paper's layers one after the other, of a network with two blocks in its body."""

    def convolved(name: str, features: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(features, weight, tensors[f"{name}.bias"], padding=weight.shape[-1] // 2)

    features = convolved("head.0", 255 * (lr - DIV2K_MEAN))
    blocks = [f"pre_process.{place}.0", f"pre_process.{place}.1", "body.0", "body.1"]
    for count, block in enumerate(blocks, start=1):
        features = features + convolved(f"{block}.body.2", convolved(f"{block}.body.0", features).relu())
        if count == 2:
            shallow = features
    features = convolved("body.2", features) + shallow
    for stage, factor in enumerate(factors):
        features = F.pixel_shuffle(convolved(f"upsample.{place}.{2 * stage}", features), factor)
    return convolved("tail.0", features) / 255 + DIV2K_MEAN


@pytest.mark.parametrize(("scale", "place", "factors"), [(2, 0, (2,)), (3, 1, (3,)), (4, 2, (2, 2))])
def test_its_layers_and_their_names_are_those_of_the_authors(scale: int, place: int, factors: tuple[int, ...]) -> None:
    network = small()
    lr = torch.rand(2, 3, 6, 5)
    expected = plain(network.state_dict(), lr, place, factors)
    torch.testing.assert_close(network(lr, scale), expected, atol=1e-5, rtol=0)
    assert network.state_dict()["pre_process.0.0.body.0.weight"].shape[-2:] == (5, 5)


def test_a_step_teaches_its_own_scale_and_what_all_share() -> None:
    network = small()
    network(torch.rand(1, 3, 6, 6), 3).sum().backward()
    without = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    others = ("pre_process.0.", "pre_process.2.", "upsample.0.", "upsample.2.")
    assert without == {name for name, _ in network.named_parameters() if name.startswith(others)}


def test_a_step_of_each_scale_teaches_everything() -> None:
    network = small()
    for scale in (2, 3, 4):
        network(torch.rand(1, 3, 6, 6), scale).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_the_order_in_which_scales_are_named_changes_nothing() -> None:
    lr = torch.rand(1, 3, 5, 5)
    assert torch.equal(small((4, 2, 3))(lr, 4), small((2, 3, 4))(lr, 4))


@pytest.mark.parametrize("scale", [8, 2.5, (2, 8)])
def test_a_scale_that_it_was_not_built_for_is_refused(scale: float | tuple[float, float]) -> None:
    with pytest.raises(ContractError, match="takes scale 2, 3, 4, alike on both axes, not"):
        super_resolve(small(), torch.rand(1, 3, 5, 5), scale)


def test_axes_that_differ_are_refused() -> None:
    promises.check_axes_that_differ_are_refused(small(), (2, 4))


@pytest.mark.parametrize("named", ["mdsr, blocks: 1, scales: [2, 4]", "ms_lapsrn, depth: 1, scales: [2, 4]"])
def test_a_spec_with_axes_that_differ_is_refused(named: str, srkit: Callable[..., Result], tmp_path: Path) -> None:
    spec = tmp_path / "axes.yaml"
    spec.write_text(f"""
        name: axes
        scale: 2x4
        train:
          model: {{name: {named}, width: 4}}
          data: {{hr: {tmp_path}, crop: 16, batch: 1}}
          loss: [l1]
          steps: 1
    """)
    refused = srkit("check", spec)
    assert refused.exit_code == 2
    assert "takes scale 2, 4, alike on both axes, not 2x4" in refused.output


def test_first_weights_are_pytorch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(MDSR((2, 3), blocks=1))


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_margin_is_exact_at_every_scale(scale: int) -> None:
    promises.check_margin(MDSR((2, 3, 4, 8), blocks=3, width=2, channels="y"), scale)


def test_it_learns_and_low_precision_does_not_round_the_picture() -> None:
    torch.manual_seed(0)
    promises.check_learning_and_low_precision(MDSR((2, 3), blocks=2, width=12, channels="y"))


def test_any_size_and_any_number_of_planes() -> None:
    promises.check_one_pixel_and_odd_sizes(small(), (2, 3, 4))
    promises.check_copies(small(), 4)
    for channels in ("y", "rgb", 1, 31, 200):
        check_model(small((2, 3), channels=channels))


@pytest.mark.parametrize("wrong", [{"scales": []}, {"scales": [2.5]}, {"scales": [[2, 3]]}, {"blocks": 0}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(MDSR, wrong)
