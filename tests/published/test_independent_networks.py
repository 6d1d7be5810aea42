"""Every network against one written independently of it: with the same weights both give the same picture."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from benchmarks import reference_infer as plain
from torch import Tensor, nn

import sr_plugins_cnn.plugin
import sr_plugins_gan.plugin
from sr_core import Model, resize
from sr_core.inference.engine import super_resolve
from sr_core.inference.networks import ready
from sr_core.testing import check_plugin
from sr_plugins_cnn.carn import CARN, CARNM
from sr_plugins_cnn.dbpn import DBPN
from sr_plugins_cnn.drcn import DRCN
from sr_plugins_cnn.drrn import DRRN
from sr_plugins_cnn.dsrn import DSRN
from sr_plugins_cnn.dwsr import DWSR
from sr_plugins_cnn.edsr import EDSR, EDSRBackbone
from sr_plugins_cnn.espcn import ESPCN
from sr_plugins_cnn.fsrcnn import FSRCNN
from sr_plugins_cnn.lapsrn import LapSRN
from sr_plugins_cnn.liif import LIIF
from sr_plugins_cnn.mdsr import MDSR
from sr_plugins_cnn.memnet import MemNet
from sr_plugins_cnn.meta_upscale import MetaEDSR, MetaRDN
from sr_plugins_cnn.ms_lapsrn import MSLapSRN
from sr_plugins_cnn.msrn import MSRN
from sr_plugins_cnn.msrresnet import MSRResNet
from sr_plugins_cnn.rcan import RCAN
from sr_plugins_cnn.rdn import RDN
from sr_plugins_cnn.san import SAN
from sr_plugins_cnn.srcnn import SRCNN
from sr_plugins_cnn.srdensenet import SRDenseNet
from sr_plugins_cnn.srfbn import SRFBN
from sr_plugins_cnn.srresnet import SRResNet
from sr_plugins_cnn.vdsr import VDSR
from sr_plugins_gan.esrgan import ESRGAN
from sr_plugins_gan.real_esrgan_compact import RealESRGANCompact

Pair = tuple[Callable[[], Model], Callable[[], nn.Module]]

ON_THE_ENLARGED_PICTURE: dict[str, Pair] = {
    "srcnn 9-1-5": (lambda: SRCNN(1, (6, 5)), lambda: plain.srcnn((6, 5), middle=1)),
    "srcnn 9-5-5": (lambda: SRCNN(5, (6, 5)), lambda: plain.srcnn((6, 5))),
    "vdsr": (lambda: VDSR(5, 6), lambda: plain.VDSR(5, 6)),
    "drcn": (lambda: DRCN(6, 8), lambda: plain.DRCN(6, 8)),
    "dwsr": (lambda: DWSR(3, 6), lambda: plain.DWSR(3, 6)),
    "drrn": (lambda: DRRN(1, 3, 8), lambda: plain.DRRN(3, 8)),
    "memnet": (lambda: MemNet(3, 2, 8), lambda: plain.MemNet(3, 2, 8)),
}
ON_LR: dict[str, Pair] = {
    "fsrcnn": (lambda: FSRCNN(4, 8, 5, 2), lambda: plain.fsrcnn(8, 5, 2)),
    "espcn": (lambda: ESPCN(4, (7, 6)), lambda: plain.espcn((7, 6))),
    "srdensenet": (lambda: SRDenseNet(4, "All", 3, 3, 4, 8), lambda: plain.SRDenseNet(3, 3, 4, 8)),
    "rdn": (lambda: RDN(4, 3, 3, 5, 6), lambda: plain.RDN(3, 3, 5, 6)),
    "lapsrn": (lambda: LapSRN(4, 3, 6), lambda: plain.LapSRN(3, 6)),
    "ms_lapsrn": (lambda: MSLapSRN(2, 3, "SS", 6), lambda: plain.MSLapSRN(2, 3, 6)),
    "srresnet": (lambda: SRResNet(4, 3, 6), lambda: plain.SRResNet(3, 6)),
    "msrresnet": (lambda: MSRResNet(4, 3, 6), lambda: plain.MSRResNet(3, 6)),
    "edsr": (lambda: EDSR(4, 3, 6, 0.1), lambda: plain.EDSR(3, 6, 0.1)),
    "mdsr": (lambda: MDSR((4,), 3, 6), lambda: plain.MDSR(3, 6)),
    "carn": (lambda: CARN((4,), 6), lambda: plain.CARN(6)),
    "carn_m": (lambda: CARNM((4,), 6, 3), lambda: plain.CARN(6, 3, shared=True)),
    "rcan": (lambda: RCAN(4, 2, 2, 6, 3), lambda: plain.RCAN(2, 2, 6, 3)),
    "san": (lambda: SAN(4, 2, 2, 6, 3, 4), lambda: plain.SAN(2, 2, 6, 3, 4)),
    "msrn": (lambda: MSRN(4, 3, 6), lambda: plain.MSRN(3, 6)),
    "dsrn": (lambda: DSRN(4, 5, 6), lambda: plain.AroundBicubic(plain.DSRN(5, 6), lambda lr: resize(lr, plain.SCALE))),
    "dbpn": (lambda: DBPN(4, 2, False, 7, 5), lambda: plain.DBPN(2, False, 7, 5)),
    "dbpn dense": (lambda: DBPN(4, 4, True, 7, 5), lambda: plain.DBPN(4, True, 7, 5)),
    "srfbn": (lambda: SRFBN(4, 3, 3, 5), lambda: plain.SRFBN(3, 3, 5)),
    "meta_rdn": (lambda: MetaRDN(3, 3, 5, 6), lambda: plain.MetaUpscale(plain.RDN(3, 3, 5, 6), 6)),
    "meta_edsr": (lambda: MetaEDSR(3, 6, 0.1), lambda: plain.MetaUpscale(plain.EDSR(3, 6, 0.1), 6)),
    "liif": (lambda: LIIF(EDSRBackbone(2, 6), 3, 8), lambda: plain.LIIF(2, 6, 3, 8)),
    "esrgan": (lambda: ESRGAN(4, 2, 6, 4), lambda: plain.ESRGAN(2, 6, 4)),
    "real_esrgan_compact": (lambda: RealESRGANCompact(4, 3, 6), lambda: plain.Compact(3, 6)),
}


@pytest.mark.parametrize("name", ON_THE_ENLARGED_PICTURE)
def test_it_computes_from_the_enlarged_picture_what_the_independent_network_does(name: str) -> None:
    ours, other = same_weights(*ON_THE_ENLARGED_PICTURE[name])
    lr = picture(1)
    compare(ours, lr, other, resize(lr, plain.SCALE))


@pytest.mark.parametrize("name", ON_LR)
def test_it_computes_from_lr_what_the_independent_network_does(name: str) -> None:
    ours, other = same_weights(*ON_LR[name])
    lr = picture(3 if ours.channels == "rgb" else 1)
    compare(ours, lr, other, lr)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("srcnn", lambda: SRCNN(5)),
        ("fsrcnn", lambda: FSRCNN(4)),
        ("espcn", lambda: ESPCN(4)),
        ("vdsr", VDSR),
        ("drcn", DRCN),
        ("dwsr", DWSR),
        ("drrn", DRRN),
        ("memnet", MemNet),
        ("srdensenet", lambda: SRDenseNet(4)),
        ("rdn", lambda: RDN(4)),
        ("lapsrn", lambda: LapSRN(4)),
        ("ms_lapsrn", MSLapSRN),
        ("srresnet", lambda: SRResNet(4)),
        ("msrresnet", lambda: MSRResNet(4)),
        ("edsr_baseline", lambda: EDSR(4)),
        ("edsr", lambda: EDSR(4, 32, 256, 0.1)),
        ("mdsr", lambda: MDSR((4,), 80)),
        ("carn", lambda: CARN((4,))),
        ("carn_m", lambda: CARNM((4,))),
        ("rcan", lambda: RCAN(4)),
        ("san", lambda: SAN(4)),
        ("msrn", lambda: MSRN(4)),
        ("dsrn", lambda: DSRN(4)),
        ("dbpn", lambda: DBPN(4)),
        ("srfbn", lambda: SRFBN(4)),
        ("meta_rdn", MetaRDN),
        ("meta_edsr", MetaEDSR),
        ("liif", LIIF),
        ("esrgan", lambda: ESRGAN(4)),
        ("real_esrgan_compact", lambda: RealESRGANCompact(4)),
    ],
)
def test_the_benchmark_s_networks_are_as_large_as_ours(name: str, full: Callable[[], Model]) -> None:
    with torch.device("meta"):
        assert shapes(full()) == shapes(plain.NETWORKS[name]())


@pytest.mark.parametrize("plugin", [sr_plugins_cnn.plugin, sr_plugins_gan.plugin], ids=lambda plugin: plugin.__name__)
def test_every_network_of_the_package_has_an_independent_one(plugin: ModuleType) -> None:
    models = [component for component in check_plugin(plugin) if component.kind == "model"]
    registered = {c.name for c in models if min(c.facts["scales"]) >= 1}  # those that enlarge
    registered -= {"cincgan"}  # it is made of two of them
    assert registered <= plain.NETWORKS.keys()


def same_weights(make_ours: Callable[[], Model], make_other: Callable[[], nn.Module]) -> tuple[Model, nn.Module]:
    """Both in float64 for use; the tensors of ours, none of them as it starts, are the other's in the same order."""
    torch.manual_seed(0)
    ours, other = make_ours().double(), make_other().double()
    assert shapes(ours) == shapes(other)
    with torch.no_grad():
        for mine, others in zip(ours.parameters(), other.parameters(), strict=True):
            if mine.ndim == 4:
                nn.init.kaiming_normal_(mine, nonlinearity="linear")
            else:
                mine.add_(torch.randn_like(mine), alpha=0.2)
            others.copy_(mine)
        for mine, others in zip(normalisations(ours), normalisations(other), strict=True):
            others.running_mean = mine.running_mean = torch.randn_like(mine.running_mean) / 5
            others.running_var = mine.running_var = 0.5 + torch.rand_like(mine.running_var)
    return ready(ours, torch.device("cpu")), other.eval()


def compare(ours: Model, lr: Tensor, other: nn.Module, given: Tensor) -> None:
    """The product's way, and the way of training: some layers compute otherwise where gradients are wanted."""
    expected = other(given)
    tolerance = 1e-6 * (expected.max() - expected.min())
    for sr in (super_resolve(ours, lr, plain.SCALE), ours.requires_grad_()(lr, plain.SCALE)):
        assert sr.shape == expected.shape
        assert (sr - expected).abs().max() <= tolerance


def picture(planes: int) -> Tensor:
    return torch.rand((1, planes, 12, 10), dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def shapes(network: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in network.parameters()]


def normalisations(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
