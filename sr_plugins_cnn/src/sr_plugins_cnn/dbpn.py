"""DBPN: features go up to HR and down to LR again, and each step is mended by what it got wrong."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Scale, full_precision
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.projection import ProjectionScale, down_projection, to_and_fro, up_projection
from sr_plugins_cnn.receptive_field import Convolution, margin


class DBPN(Model):
    """Up- and down-projections in turn; the HR maps of all up-projections make SR (Haris et al., CVPR 2018).

    A projection goes to the other size, back, and once more with the difference between what came back and what it
    began with. In the dense network (D-DBPN, the default) it reads all former outputs of its size through a 1×1
    convolution; otherwise the last one. One PReLU slope after every layer but the last; nothing is added to SR. Names
    of tensors and first weights (He) are those of the authors' DBPN-Pytorch, whose weights of `DBPN` and of `DBPNLL`
    (10 stages) fit as they are. Its later DBPN-RES, which is run several times and adds bicubic, is another network.

    The paper's S, M and L read luminance alone and end with a 1×1 convolution; here, as in the authors' `dbpns.py`,
    the last one is 3×3, and RGB the default.

    Args:
        scale: the one scale it is for: 2, 4 or 8.
        stages: T, up-projections; there is one down-projection less.
        dense: whether a projection reads all former ones of its size.
        features: maps of the first convolution.
        width: maps of the projections.
        channels: `y`, `rgb` or a number of planes.

    Raises:
        ValueError: any other scale; ×3 has no DBPN.
    """

    def __init__(
        self,
        scale: ProjectionScale,
        stages: Annotated[int, Field(ge=1)] = 7,
        dense: bool = True,
        features: Width = 256,
        width: Width = 64,
        channels: Planes = "rgb",
    ) -> None:
        if scale not in (2, 4, 8):
            raise ValueError(f"DBPN makes ×2, ×4 or ×8, not ×{scale}")
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = frozenset({scale})
        # The longest way: up, down, up in each up-projection, down, up, down between two of them.
        projections = to_and_fro(scale, 3 * stages - 2)
        self.margin = margin([Convolution(1), *projections, Convolution(1)], scale)
        self.stages = stages
        self.dense = dense
        self.feat0 = _activated(conv=he_convolution(planes, features))
        self.feat1 = _activated(conv=he_convolution(features, width, 1))
        self.up1 = _UpProjection(width, scale, 1)
        for former in range(1, stages):
            read = former if dense else 1
            self.add_module(f"down{former}", _DownProjection(width, scale, read))
            self.add_module(f"up{former + 1}", _UpProjection(width, scale, read))
        self.output_conv = nn.Sequential(OrderedDict(conv=he_convolution(stages * width, planes)))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        del scale
        with full_precision(lr) as (lr,):
            shallow = self.feat0(lr)
        high: list[Tensor] = [self.up1(self.feat1(shallow))]
        low: list[Tensor] = []  # the newest first, as the authors' weights ask
        for former in range(1, self.stages):
            low.insert(0, self.get_submodule(f"down{former}")(self._read(high)))
            high.insert(0, self.get_submodule(f"up{former + 1}")(self._read(low)))
        with full_precision(torch.cat(high, 1)) as (maps,):
            sr: Tensor = self.output_conv(maps)
            return sr

    def _read(self, former: list[Tensor]) -> Tensor:
        return torch.cat(former, 1) if self.dense and len(former) > 1 else former[0]


class _UpProjection(nn.Module):
    def __init__(self, width: int, scale: int, read: int) -> None:
        super().__init__()
        self.conv = _fusion(read, width)
        self.up_conv1 = _activated(deconv=up_projection(width, scale))
        self.up_conv2 = _activated(conv=down_projection(width, scale))
        self.up_conv3 = _activated(deconv=up_projection(width, scale))

    def forward(self, former: Tensor) -> Tensor:
        low = self.conv(former)
        high = self.up_conv1(low)
        mended: Tensor = self.up_conv3(self.up_conv2(high) - low) + high
        return mended


class _DownProjection(nn.Module):
    def __init__(self, width: int, scale: int, read: int) -> None:
        super().__init__()
        self.conv = _fusion(read, width)
        self.down_conv1 = _activated(conv=down_projection(width, scale))
        self.down_conv2 = _activated(deconv=up_projection(width, scale))
        self.down_conv3 = _activated(conv=down_projection(width, scale))

    def forward(self, former: Tensor) -> Tensor:
        high = self.conv(former)
        low = self.down_conv1(high)
        mended: Tensor = self.down_conv3(self.down_conv2(low) - high) + low
        return mended


def _fusion(read: int, width: int) -> nn.Module:
    """What brings the maps of several projections together; one alone needs nothing."""
    return _activated(conv=he_convolution(read * width, width, 1)) if read > 1 else nn.Identity()


def _activated(**layer: nn.Module) -> nn.Sequential:
    """The layer under its name, and a PReLU of one slope."""
    return nn.Sequential(OrderedDict(**layer, act=nn.PReLU()))
