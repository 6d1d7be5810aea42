"""DRRN: 52 layers deep with the weights of four, by recursion inside residuals."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.enlarging import ScalesToTake, enlarge, margin_on_lr, scales_taken
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.recomputing import recomputed
from sr_plugins_cnn.recursive_residual import PreActivated, RecursiveResidual
from sr_plugins_cnn.renaming import renamed

# jt827859032/DRRN-pytorch, yjn870/DRRN-pytorch and Lornatang/DRRN-PyTorch
_PORTS = {
    r"input\.(weight|bias)": r"blocks.0.input.conv.\1",
    r"(conv[12])\.(weight|bias)": r"blocks.0.residual.\1.\2",
    r"output\.(weight|bias)": r"output.conv.\1",
    r"rbs\.(\d+)\.h0\.module\.1\.weight": r"blocks.\1.input.conv.weight",
    r"rbs\.(\d+)\.ru\.module\.0\.module\.1\.weight": r"blocks.\1.residual.conv1.weight",
    r"rbs\.(\d+)\.ru\.module\.1\.module\.1\.weight": r"blocks.\1.residual.conv2.weight",
    r"rec\.module\.1\.weight": "output.conv.weight",
    r"conv1\.1\.weight": "blocks.0.input.conv.weight",
    r"trunk\.residual_unit\.1\.weight": "blocks.0.residual.conv1.weight",
    r"trunk\.residual_unit\.3\.weight": "blocks.0.residual.conv2.weight",
    r"conv2\.1\.weight": "output.conv.weight",
}


class DRRN(Model):
    """DRRN BxUy: x recursive blocks of y residual units on the enlarged picture (Tai et al., CVPR 2017).

    A block is a convolution, then its units: each computes two convolutions, which all units share, and adds what the
    block's first convolution gave. Batch normalisation and ReLU stand before every convolution; each unit has
    normalisations of its own, as in the authors' released model. A last convolution gives what bicubic lacks. He
    initialisation.

    The common PyTorch ports have neither batch normalisation nor biases, and their ReLU in place makes units add the
    rectified first features: `batch_norm: false, bias: false` is their network and loads their files.

    Args:
        blocks: B, recursive blocks.
        units: U, residual units of a block.
        width: maps of the hidden layers.
        batch_norm: whether batch normalisation stands before each ReLU.
        bias: whether convolutions add a bias.
        channels: `y`, `rgb` or a number of planes.
        scales: the scales it is for.
        recompute: keep only what each unit gives while training, and compute its inside again in the backward pass.
    """

    def __init__(
        self,
        blocks: Annotated[int, Field(ge=1)] = 1,
        units: Annotated[int, Field(ge=1)] = 25,
        width: Width = 128,
        batch_norm: bool = True,
        bias: bool = True,
        channels: Planes = "y",
        scales: ScalesToTake = (2, 3, 4),
        recompute: bool = False,
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = scales_taken(scales)
        self.margin = margin_on_lr(blocks * (1 + 2 * units) + 1, self.scales)
        self.recompute = recompute
        self.blocks = nn.ModuleList(
            _RecursiveBlock(width if block else planes, width, units, bias=bias, batch_norm=batch_norm)
            for block in range(blocks)
        )
        self.output = PreActivated(width, planes, bias=bias, batch_norm=batch_norm)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        enlarged = enlarge(lr, scale)
        features = enlarged
        for block in self.blocks:
            features = block(features, recompute=self.recompute)
        with full_precision(features, enlarged) as (features, enlarged):
            sr: Tensor = self.output(features) + enlarged
            return sr

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of the common PyTorch ports, which lack batch normalisation, under this network's names."""
        return renamed(tensors, _PORTS)


class _RecursiveBlock(nn.Module):
    def __init__(self, inputs: int, width: int, units: int, *, bias: bool, batch_norm: bool) -> None:
        super().__init__()
        self.units = units
        self.rectified_skip = not batch_norm
        self.input = PreActivated(inputs, width, bias=bias, batch_norm=batch_norm)
        self.residual = RecursiveResidual(width, units, bias=bias, batch_norm=batch_norm)

    def forward(self, features: Tensor, *, recompute: bool) -> Tensor:
        first: Tensor = self.input(features)
        if self.rectified_skip:
            first = first.relu()
        features = first
        for unit in range(self.units):
            added = partial(self.residual, recursion=unit)
            features = recomputed(added, features, of=self.residual, when=recompute) + first
        return features
