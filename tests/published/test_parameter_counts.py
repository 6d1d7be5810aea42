"""How many numbers each network learns, against the papers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

import sr_plugins_cnn.plugin
import sr_plugins_gan.plugin
from sr_core import Model
from sr_core.testing import check_plugin
from sr_plugins_cnn.carn import CARN, CARNM
from sr_plugins_cnn.dbpn import DBPN
from sr_plugins_cnn.drcn import DRCN
from sr_plugins_cnn.drrn import DRRN
from sr_plugins_cnn.dsrn import DSRN
from sr_plugins_cnn.dwsr import DWSR
from sr_plugins_cnn.edsr import EDSR
from sr_plugins_cnn.espcn import ESPCN
from sr_plugins_cnn.fsrcnn import FSRCNN
from sr_plugins_cnn.lapsrn import LapSRN
from sr_plugins_cnn.liif import LIIF
from sr_plugins_cnn.mdsr import MDSR
from sr_plugins_cnn.memnet import MemNet
from sr_plugins_cnn.meta_upscale import MetaEDSR, MetaRDN, MetaUpscale
from sr_plugins_cnn.ms_lapsrn import MSLapSRN
from sr_plugins_cnn.msrn import MSRN
from sr_plugins_cnn.msrresnet import MSRResNet
from sr_plugins_cnn.rcan import RCAN
from sr_plugins_cnn.rdn import RDN, RDNBackbone
from sr_plugins_cnn.san import SAN
from sr_plugins_cnn.srcnn import SRCNN
from sr_plugins_cnn.srdensenet import SRDenseNet
from sr_plugins_cnn.srfbn import SRFBN
from sr_plugins_cnn.srresnet import SRResNet
from sr_plugins_cnn.vdsr import VDSR
from sr_plugins_gan.esrgan import ESRGAN
from sr_plugins_gan.real_esrgan_compact import RealESRGANCompact

# SRCNN: Dong et al., TPAMI 2016, table of network widths and kernels; FSRCNN: Dong et al., ECCV 2016, table 1. Both count
# the weights of convolutions alone, without biases and PReLU slopes. VDSR: Kim et al., CVPR 2016, by its layout. DRCN:
# Kim et al., CVPR 2016, 1,775K; DRRN: Tai et al., CVPR 2017, 297K; MemNet: Tai et al., ICCV 2017, 677K, without what
# batch normalisation learns and the weights of predictions.
# LapSRN: Lai et al., CVPR 2017, prints 407K for ×2 and 812K for ×3 and ×4, which are those of its released models: they
# double features by 3×3 kernels. With the 4×4 of its text there are 7 % more. MS-LapSRN: Lai et al., TPAMI 2018, 222K.
LAPSRN = {2: 406_672, 3: 812_768, 4: 812_768, 8: 1_218_864}
LAPSRN_OF_THE_TEXT = {2: 435_344, 4: 870_112, 8: 1_304_880}
WEIGHTS = [
    (SRCNN(1), 8_032),
    (SRCNN(3), 24_416),
    (SRCNN(5), 57_184),
    *((FSRCNN(scale), 12_464) for scale in (2, 3, 4)),
    (FSRCNN(3, d=32, s=5, m=1), 3_937),
    (VDSR(), 664_704),
    (VDSR(bias=False), 664_704),
    (DRCN(), 1_774_080),
    (DRRN(units=9), 297_216),
    (DRRN(units=25), 297_216),
    (MemNet(), 676_992),
    (MemNet(10, 10), 1_373_312),
    *((LapSRN(scale), count) for scale, count in LAPSRN.items()),
    *((LapSRN(scale, feature_kernel=4), count) for scale, count in LAPSRN_OF_THE_TEXT.items()),
    *((MSLapSRN(recursions=recursions), 222_352) for recursions in (2, 5, 8)),
    (SRDenseNet(4), 2_657_664),
    (CARNM(), 412_050 - 18),  # the figure counts the two layers for the mean colour, which never learn
]
# SRDenseNet is an exception: its paper (Tong et al., ICCV 2017) prints no count, and the 2,015K of CARN's table (Ahn et
# al., ECCV 2018) do not belong to the 3×3 transposed convolutions of the paper's text. With 2×2 ones they fit within 1 %,
# and so do that table's multiply-adds, 389.9 billion (here 389.1, counted at each SR pixel as there).
ROUNDED = [(SRDenseNet(4, overlapping=False), 2_015_000)]


def _rdn() -> list[tuple[Model, int]]:
    """RDN as later tables count it, less the 24 numbers of its two layers for the mean colour, which never learn.

    The paper's smaller network, D20 C6 G32, is counted from its layout, in the order of its layers.
    """
    dense = 9 * 32 * sum(64 + 32 * layer for layer in range(6)) + 6 * 32
    fused = (64 + 6 * 32) * 64 + 64
    ends = (9 * 3 * 64 + 64) + (9 * 64 * 64 + 64), (20 * 64 * 64 + 64) + (9 * 64 * 64 + 64)
    enlarging = (9 * 64 * 256 + 256) + (9 * 64 * 3 + 3)
    small = ends[0] + 20 * (dense + fused) + ends[1] + enlarging
    assert small == 5_616_515
    with torch.device("meta"):  # 22 million numbers without their memory
        published = [(RDN(scale), count - 24) for scale, count in ((2, 22_123_419), (3, 22_308_059), (4, 22_271_131))]
        return [*published, (RDN(2, depth=20, convolutions=6, growth=32), small)]


def _residual() -> list[tuple[Model, int]]:
    """SRResNet, EDSR, MDSR, CARN and CARN-M; SRResNet is counted without its slopes, one for each PReLU.

    The 1,518K that later tables print for SRResNet are those of MSRResNet, which has no normalisation and 3×3 ends.
    """
    counted: list[tuple[Callable[[], Model], int]] = [
        (lambda: SRResNet(2), 1_401_731 + 18),
        (lambda: SRResNet(4), 1_549_443 + 19),
        (lambda: MSRResNet(4), 1_517_571),
        (lambda: EDSR(2), 1_369_859),
        (lambda: EDSR(3), 1_554_499),
        (lambda: EDSR(4), 1_517_571),
        (lambda: EDSR(2, blocks=32, width=256, residual_scaling=0.1), 40_729_603),
        (lambda: EDSR(3, blocks=32, width=256, residual_scaling=0.1), 43_680_003),
        (lambda: EDSR(4, blocks=32, width=256, residual_scaling=0.1), 43_089_923),
        (CARN, 1_591_939),
        *((partial(CARN, (scale,)), count) for scale, count in ((2, 964_163), (3, 1_148_803), (4, 1_111_875))),
        (CARNM, 414_787),
        (MDSR, 3_227_203),
        (lambda: MDSR(blocks=80), 7_953_987),
    ]
    with torch.device("meta"):
        return [(network(), count) for network, count in counted]


def _multi_path() -> list[tuple[Model, int]]:
    """MSRN as released, without its two layers for the mean colour, and the paper's on Y; DSRN as its authors' code is."""
    with torch.device("meta"):
        released = {2: 5_930_307, 3: 6_114_947, 4: 6_078_019, 8: 6_225_731}
        of_the_paper = MSRN(4, one_step=True, channels="y")
        return [
            *((MSRN(scale), count) for scale, count in released.items()),
            (of_the_paper, 6_334_209),
            (DSRN(2), 732_035),
        ]


def _projections() -> list[tuple[Model, int]]:
    """D-DBPN of 7 and of 10 stages, DBPN-S, SRFBN and SRFBN-S, as their authors' code has them."""
    with torch.device("meta"):
        return [
            *((DBPN(scale), count) for scale, count in ((2, 5_953_526), (4, 10_426_358), (8, 23_205_878))),
            *((DBPN(scale, 10), count) for scale, count in ((2, 8_811_086), (4, 15_348_302), (8, 34_026_062))),
            *((DBPN(scale, 2, False, 128, 32), count) for scale, count in ((2, 341_518), (4, 599_566), (8, 1_336_846))),
            *((SRFBN(scale), count) for scale, count in ((2, 2_140_510), (3, 2_832_734), (4, 3_631_454))),
            *((SRFBN(scale, 4, 3, 32), count) for scale, count in ((2, 282_418), (3, 375_602), (4, 483_122))),
        ]


def _implicit() -> list[tuple[Model, int]]:
    """LIIF on EDSR's baseline, less its two layers for the mean colour, which never learn, and on RDN."""
    with torch.device("meta"):
        return [(LIIF(), 1_220_440 - 24 + 346_883), (LIIF(RDNBackbone()), 22_320_835)]


def _meta() -> list[tuple[Model, int]]:
    """Meta-RDN as the authors' code has it, less its two layers for the mean colour; on EDSR's baseline, and on its body."""
    with torch.device("meta"):
        return [
            (MetaRDN(), 22_419_072),
            (MetaEDSR(), 1_220_440 - 24 + 445_120),
            (MetaUpscale(RDNBackbone()), 22_419_072),
        ]


def _attention() -> list[tuple[Model, int]]:
    """RCAN, and SAN in the order of its layers.

    RCAN's figures leave out the 24 numbers of its two layers for the mean colour, which in its code learn after all and
    here never do. SAN's, in millions, count 38,044 numbers of layers that its code never calls.
    """
    attention = (64 * 4 + 4) + (4 * 64 + 64)
    ends = (9 * 3 * 64 + 64) + 3 * (64 * 8 + 8) + (8 * 64 + 64) + (9 * 64 * 3 + 3)
    body = 20 * (21 * (9 * 64 * 64 + 64) + attention) + 1
    rcan = {2: 15_444_643, 3: 15_629_283, 4: 15_592_355, 8: 15_740_067}
    san = {scale: ends + body + maps * (9 * 64 * 64 + 64) for scale, maps in ((2, 4), (3, 9), (4, 8), (8, 12))}
    assert [round((count + 38_044) / 1e6, 2) for count in san.values()] == [15.71, 15.90, 15.86, 16.01]
    with torch.device("meta"):
        return [(RCAN(scale), rcan[scale]) for scale in rcan] + [(SAN(scale), san[scale]) for scale in san]


def _generators() -> list[tuple[Model, int]]:
    """RRDBNet as published, where LR is folded with 12 or 48 planes in; SRVGGNetCompact and the slopes of its PReLU."""
    folded = {4: 0, 2: 9 * 9 * 64, 1: 9 * 45 * 64}
    with torch.device("meta"):
        return [
            *((ESRGAN(scale), 16_697_987 + more) for scale, more in folded.items()),  # type: ignore[arg-type]
            (ESRGAN(2, unshuffle=False), 16_697_987 - 36_928),
            (RealESRGANCompact(4), 620_336 + 17 * 64),
        ]


# Everything that is learned: recounted from the papers' layouts, as later tables print it.
ALL = [
    (SRCNN(1), 8_129),
    (SRCNN(3), 24_513),
    (SRCNN(5), 57_281),
    (SRCNN(5, channels="rgb"), 69_251),
    (FSRCNN(2), 12_637 + 172),
    (FSRCNN(2, d=32, s=5, m=1), 4_012 + 74),
    (ESPCN(2), 21_284),
    (ESPCN(3), 22_729),
    (ESPCN(4), 24_752),
    (VDSR(), 665_921),
    (VDSR(bias=False), 664_704),
    (DRCN(), 1_775_105 + 16),  # and the weight of each prediction
    (DWSR(), 6_464 + 10 * 36_928 + 2_308),  # of the authors' networks for ×2 and ×4
    (DWSR(first_kernel=3), 2_368 + 10 * 36_928 + 2_308),  # and for ×3
    (DRRN(units=9), 297_601 + 4_866),  # and what batch normalisation learns
    (DRRN(units=25), 297_601 + 13_058),
    (DRRN(batch_norm=False, bias=False), 297_216),
    (MemNet(), 678_209 + 17_282 + 6),  # and both
    (LapSRN(2), 407_441),
    (LapSRN(4, feature_kernel=4, bias=False), 870_112),
    (MSLapSRN(), 222_801),
    (SRDenseNet(4), 2_659_585),
    *_rdn(),
    *_residual(),
    *_projections(),
    *_multi_path(),
    *_implicit(),
    *_meta(),
    *_attention(),
    *_generators(),
]


@pytest.mark.parametrize(("network", "published"), WEIGHTS, ids=lambda value: type(value).__name__)
def test_the_weights_of_the_convolutions_are_as_many_as_published(network: Model, published: int) -> None:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert sum(layer.weight.numel() for layer in layers) == published


@pytest.mark.parametrize(("network", "published"), ROUNDED, ids=lambda value: type(value).__name__)
def test_the_weights_are_within_a_percent_of_what_a_table_prints_rounded(network: Model, published: int) -> None:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert sum(layer.weight.numel() for layer in layers) == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(("network", "counted"), ALL, ids=lambda value: type(value).__name__)
def test_all_that_is_learned_is_as_much_as_counted(network: Model, counted: int) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == counted


def test_every_network_of_the_packages_has_a_row_here() -> None:
    listed = {type(network).__name__ for network, _ in WEIGHTS + ALL}
    components = [*check_plugin(sr_plugins_cnn.plugin), *check_plugin(sr_plugins_gan.plugin)]
    enlarging = [c for c in components if c.kind == "model" and min(c.facts["scales"]) >= 1]
    registered = {component.target.partition(":")[2] for component in enlarging}
    assert registered - {"CinCGAN"} == listed, "it is made of two networks that are here"
