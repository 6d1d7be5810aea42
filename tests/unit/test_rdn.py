"""RDN: dense blocks with a skip around each, and the files of its ports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.errors import ParameterError
from sr_core.parameters import check_parameters
from sr_plugins_cnn.rdn import RDN
from tests.unit import network_promises as promises

DEPTH, CONVOLUTIONS = 2, 3


def small(scale: int) -> RDN:
    torch.manual_seed(0)
    return RDN(scale, depth=DEPTH, convolutions=CONVOLUTIONS, growth=4, width=6)


def plainly(lr: Tensor, tensors: Mapping[str, Tensor], factors: tuple[int, ...]) -> Tensor:
    """The paper's figures 2 and 3, layer by layer, in the range of `lr`; tensors by the names of yjn870's port."""

    def convolved(features: Tensor, name: str) -> Tensor:
        weight = tensors[f"{name}.weight"]
        return F.conv2d(features, weight, tensors[f"{name}.bias"], padding=weight.shape[-1] // 2)

    shallow = convolved(lr, "sfe1")
    block_in = convolved(shallow, "sfe2")
    of_blocks = []
    for block in range(DEPTH):
        maps = [block_in]
        for layer in range(CONVOLUTIONS):
            maps.append(convolved(torch.cat(maps, 1), f"rdbs.{block}.layers.{layer}.conv").relu())
        block_in = block_in + convolved(torch.cat(maps, 1), f"rdbs.{block}.lff")
        of_blocks.append(block_in)
    features = shallow + convolved(convolved(torch.cat(of_blocks, 1), "gff.0"), "gff.1")
    for index, factor in enumerate(factors):
        features = F.pixel_shuffle(convolved(features, f"upscale.{2 * index}"), factor)
    return convolved(features, "output")


def as_yjn870_names_them(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    last = max(int(name.split(".")[1]) for name in tensors if name.startswith("UPNet."))
    named = {}
    for name, tensor in tensors.items():
        short = name.replace("SFENet", "sfe").replace("RDBs", "rdbs").replace("convs", "layers").replace("GFF", "gff")
        short = short.replace("conv.0", "conv").replace("LFF", "lff").replace(f"UPNet.{last}", "output")
        named[short.replace("UPNet", "upscale")] = tensor
    return named


SCALES = pytest.mark.parametrize(("scale", "factors"), [(2, (2,)), (3, (3,)), (4, (2, 2))])


@SCALES
def test_it_is_wired_as_in_the_paper_and_works_on_0_to_255(scale: int, factors: tuple[int, ...]) -> None:
    network, lr = small(scale), torch.rand(2, 3, 5, 7)
    tensors = as_yjn870_names_them(network.state_dict())
    torch.testing.assert_close(network(lr, scale), plainly(255 * lr, tensors, factors) / 255)


@SCALES
def test_files_of_ports_that_work_on_0_to_1_are_taken(scale: int, factors: tuple[int, ...]) -> None:
    draw = torch.Generator().manual_seed(1)
    names = as_yjn870_names_them(small(scale).state_dict())
    published = {name: torch.randn(tensor.shape, generator=draw) / 5 for name, tensor in names.items()}
    network, lr = small(scale), torch.rand(1, 3, 6, 5)
    network.load_state_dict(network.adopt(published))
    torch.testing.assert_close(network(lr, scale), plainly(lr, published, factors))


def test_tensors_that_have_its_names_are_left_alone() -> None:
    own = small(2).state_dict()
    adopted = small(2).adopt(own)
    assert all(adopted[name] is tensor for name, tensor in own.items())


def test_its_names_are_those_of_edsr_pytorch() -> None:
    names = {name.removesuffix(".weight") for name in small(4).state_dict() if name.endswith(".weight")}
    blocks = {f"RDBs.{block}.convs.{layer}.conv.0" for block in range(DEPTH) for layer in range(CONVOLUTIONS)}
    fusing = {f"RDBs.{block}.LFF" for block in range(DEPTH)} | {"GFF.0", "GFF.1"}
    assert names == {"SFENet1", "SFENet2", *blocks, *fusing, "UPNet.0", "UPNet.2", "UPNet.4"}


def test_the_upsampler_is_as_wide_as_the_features_whatever_the_growth() -> None:
    assert [layer.weight.shape for layer in small(4).UPNet if hasattr(layer, "weight")] == [
        (24, 6, 3, 3),
        (24, 6, 3, 3),
        (3, 6, 3, 3),
    ]


def test_its_first_weights_are_torch_s() -> None:
    torch.manual_seed(0)
    promises.check_first_weights_of_pytorch(RDN(2, depth=1, convolutions=2))


@pytest.mark.parametrize("wrong", [{"depth": 0}, {"convolutions": 0}, {"growth": 0}, {"width": 0}, {"scale": 2.5}])
def test_parameters_that_it_cannot_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(RDN, {"scale": 2, **wrong})


def test_a_scale_that_cannot_be_shuffled_is_refused() -> None:
    with pytest.raises(ValueError, match="not ×5"):
        RDN(5, depth=1, convolutions=1, growth=1, width=1)
