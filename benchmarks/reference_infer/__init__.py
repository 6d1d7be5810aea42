"""The reference of the inference benchmark: every network, ×4, in the plainest PyTorch.

What a careful person writes in a few lines with the paper at hand: layers as `torch.nn` has them, eager, float32. No
memory format, no mixed precision, no allocator, and nothing slow on purpose. Written from the papers and the authors'
released models, not from the networks that are measured against it; tests/published/test_independent_networks.py holds
that both compute the same. One file a kind of network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from .adversarial import ESRGAN, Compact
from .any_scale import LIIF, MetaUpscale
from .attention import RCAN, SAN
from .back_projection import DBPN, SRFBN
from .dense import RDN, SRDenseNet
from .enlarged import DRCN, DRRN, DWSR, VDSR, MemNet, srcnn
from .layers import SCALE as SCALE
from .layers import enlarged_first
from .light import CARN, espcn, fsrcnn
from .multi_path import DSRN, MSRN, AroundBicubic
from .pyramids import LapSRN, MSLapSRN
from .residual import EDSR, MDSR, MSRResNet, SRResNet

NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "srcnn": lambda: enlarged_first(srcnn()),
    "fsrcnn": fsrcnn,
    "espcn": espcn,
    "vdsr": lambda: enlarged_first(VDSR()),
    "dwsr": lambda: enlarged_first(DWSR()),
    "drcn": lambda: enlarged_first(DRCN()),
    "drrn": lambda: enlarged_first(DRRN()),
    "memnet": lambda: enlarged_first(MemNet()),
    "srdensenet": SRDenseNet,
    "rdn": RDN,
    "lapsrn": LapSRN,
    "ms_lapsrn": MSLapSRN,
    "srresnet": SRResNet,
    "msrresnet": MSRResNet,
    "edsr_baseline": lambda: EDSR(blocks=16, width=64, scaling=1),
    "edsr": EDSR,
    "mdsr": MDSR,
    "carn": CARN,
    "carn_m": lambda: CARN(groups=4, shared=True),
    "rcan": RCAN,
    "san": SAN,
    "msrn": MSRN,
    "dsrn": lambda: AroundBicubic(DSRN()),
    "dbpn": DBPN,
    "srfbn": SRFBN,
    "meta_rdn": lambda: MetaUpscale(RDN()),
    "meta_edsr": lambda: MetaUpscale(EDSR(16, 64, 1)),
    "meta": lambda: MetaUpscale(EDSR(16, 64, 1)),
    "liif": LIIF,
    "esrgan": ESRGAN,
    "real_esrgan_compact": Compact,
}
"""LR to SR, ×4, each in the size of its paper."""
