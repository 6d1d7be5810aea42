"""ESRGAN's generator, RRDBNet: dense blocks in residual blocks, nothing normalised; Real-ESRGAN's is the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Scale, full_precision, sr_size
from sr_core.imaging.padding import continued
from sr_plugins_gan.planes import Planes, Width, plane_count

_RESIDUAL_SCALING = 0.2
_FIRST_WEIGHTS = 0.1
"""Of He's, in dense blocks: what they add starts small."""


class ESRGAN(Model):
    """Dense blocks on LR, three in a residual block; nearest pixels and convolutions enlarge (Wang et al., ECCVW 2018).

    All skips add a fifth of what a block makes. At ×2 and ×1 the network folds squares of 2×2 and 4×4 LR pixels into
    planes and then makes ×4 of these, as Real-ESRGAN does (Wang et al., ICCVW 2021); it continues the picture to whole
    squares by its last pixels. There is no ×3 and no ×8 in the released code. State-dict names and first weights (He's,
    a tenth of them in dense blocks; PyTorch's elsewhere) are those of BasicSR's RRDBNet.

    Args:
        scale: the one scale it is for: 1, 2 or 4.
        blocks: residual blocks; 6 in Real-ESRGAN's network for anime.
        width: maps of the features.
        growth: maps that each layer of a dense block adds.
        unshuffle: whether it folds pixels at ×2 and ×1. Without, it enlarges once at ×2 and never at ×1, as weights do
            that were trained by ESRGAN's first code.
        channels: `y`, `rgb` or a number of planes.
    """

    def __init__(
        self,
        scale: Literal[1, 2, 4],
        blocks: Annotated[int, Field(ge=1)] = 23,
        width: Width = 64,
        growth: Width = 32,
        unshuffle: bool = True,
        channels: Planes = "rgb",
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        enlargings = 2 if unshuffle else scale.bit_length() - 1
        self.channels = channels
        self.scales = frozenset({scale})
        self.multiple = 2**enlargings // scale
        self.margin = _margin(scale, enlargings, 1 + 15 * blocks + 1, self.multiple)
        self.conv_first = nn.Conv2d(planes * self.multiple**2, width, 3, padding=1)
        self.body = nn.Sequential(*(_ResidualDenseBlocks(width, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_up1 = nn.Conv2d(width, width, 3, padding=1) if enlargings >= 1 else None
        self.conv_up2 = nn.Conv2d(width, width, 3, padding=1) if enlargings == 2 else None
        self.conv_hr = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, planes, 3, padding=1)

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        rows, columns = sr_size((lr.shape[-2], lr.shape[-1]), scale)
        with full_precision(continued(lr, self.multiple)) as (lr,):
            shallow = self.conv_first(F.pixel_unshuffle(lr, self.multiple))
        added = self.conv_body(self.body(shallow))
        features = (shallow + added).to(added.dtype)
        for layer in (self.conv_up1, self.conv_up2):
            if layer is not None:
                features = _leaky(layer(F.interpolate(features, scale_factor=2, mode="nearest")))
        features = _leaky(self.conv_hr(features))
        with full_precision(features) as (features,):
            sr: Tensor = self.conv_last(features)
            return sr[..., :rows, :columns]

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of both layouts that ESRGAN's authors had before BasicSR's, under these names.

        RRDB_ESRGAN_x4.pth says `RRDB_trunk.0.RDB1.conv1.weight`; RRDB_ESRGAN_x4_old_arch.pth, as most networks of the
        community, numbers its layers through, as far as ×2 and ×1 have them.

        Raises:
            ValueError: they are of another width or growth, or without `unshuffle`; says which parameters would fit.
        """
        numbers = sorted(
            int(found[1]) for name in tensors if (found := re.fullmatch(r"(?:model\.)?(\d+)\.weight", name))
        )
        enlarging = [f"conv_up{stage}" for stage in range(1, len(numbers) - 2)]
        numbered = dict(zip(numbers, ["conv_first", *enlarging, "conv_hr", "conv_last"], strict=False))
        rules = {
            r"RRDB_trunk\.(\d+)\.RDB(\d)\.(conv\d)\.(\w+)": r"body.\1.rdb\2.\3.\4",
            r"trunk_conv\.(\w+)": r"conv_body.\1",
            r"upconv(\d)\.(\w+)": r"conv_up\1.\2",
            r"HRconv\.(\w+)": r"conv_hr.\1",
            r"(?:model\.)?1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0\.(\w+)": r"body.\1.rdb\2.\3.\4",
            r"(?:model\.)?1\.sub\.\d+\.(\w+)": r"conv_body.\1",
            **{rf"(?:model\.)?{number}\.(\w+)": rf"{layer}.\1" for number, layer in numbered.items()},
        }
        adopted = {_renamed(name, rules): tensor for name, tensor in tensors.items()}
        if {"conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight"} <= adopted.keys():
            self._refuse_another_form(_Form.of(adopted))
        return adopted

    def _refuse_another_form(self, theirs: _Form) -> None:
        """Where no tensor would fit, or layers are missing, say with which parameters they would."""
        ours = _Form.of(self.state_dict())
        if (theirs.width, theirs.growth) == (ours.width, ours.growth) and theirs.enlargings >= ours.enlargings:
            return
        fitting = {name: getattr(theirs, name) for name in ("blocks", "width", "growth")}
        shown = [f"{name}: {value}" for name, value in fitting.items() if value != getattr(ours, name)]
        shown += ["unshuffle: false"] if theirs.enlargings < min(2, ours.enlargings) else []
        raise ValueError(
            f"they are of ESRGAN in another form: {{{', '.join(shown)}}} at scale {theirs.scale} would fit"
        )


@dataclass(frozen=True)
class _Form:
    """What the shapes of a network's tensors say of it, under BasicSR's names."""

    blocks: int
    width: int
    growth: int
    enlargings: int
    scale: int

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> _Form:
        first, dense, last = (tensors[f"{name}.weight"] for name in ("conv_first", "body.0.rdb1.conv1", "conv_last"))
        enlargings = sum(f"conv_up{stage}.weight" in tensors for stage in (1, 2))
        blocks = {name.split(".")[1] for name in tensors if name.startswith("body.")}
        folded = isqrt(max(first.shape[1] // len(last), 1))
        return cls(len(blocks), len(first), len(dense), enlargings, 2**enlargings // folded)


class _ResidualDenseBlocks(nn.Module):
    """Three dense blocks, one after the other, and a skip around them (the paper's RRDB)."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = _DenseBlock(width, growth)
        self.rdb2 = _DenseBlock(width, growth)
        self.rdb3 = _DenseBlock(width, growth)

    def forward(self, features: Tensor) -> Tensor:
        return torch.add(features, self.rdb3(self.rdb2(self.rdb1(features))), alpha=_RESIDUAL_SCALING)


class _DenseBlock(nn.Module):
    """Five convolutions, each on all that came before it in the block; the last is added to what came in."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = _dense_convolution(width, growth)
        self.conv2 = _dense_convolution(width + growth, growth)
        self.conv3 = _dense_convolution(width + 2 * growth, growth)
        self.conv4 = _dense_convolution(width + 3 * growth, growth)
        self.conv5 = _dense_convolution(width + 4 * growth, width)

    def forward(self, features: Tensor) -> Tensor:
        made = _leaky(self.conv1(features))
        seen = torch.cat((features.to(made.dtype), made), 1)
        for layer in (self.conv2, self.conv3, self.conv4):
            seen = torch.cat((seen, _leaky(layer(seen))), 1)
        # Under autocast this sum is as exact as what came in: 92 of them follow each other.
        return torch.add(features, self.conv5(seen), alpha=_RESIDUAL_SCALING)


def _dense_convolution(inputs: int, outputs: int) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight)
    with torch.no_grad():
        layer.weight.mul_(_FIRST_WEIGHTS)
    nn.init.zeros_(layer.get_parameter("bias"))
    return layer


def _leaky(maps: Tensor) -> Tensor:
    return F.leaky_relu(maps, 0.2, inplace=True)


def _renamed(name: str, rules: Mapping[str, str]) -> str:
    for pattern, replacement in rules.items():
        if match := re.fullmatch(pattern, name):
            return match.expand(replacement)
    return name


def _margin(scale: int, enlargings: int, radius: int, multiple: int) -> int:
    """How many LR pixels around an LR pixel its SR pixels depend on.

    Args:
        scale: SR size over LR size.
        enlargings: steps of ×2, each with a 3×3 convolution after it; two more follow the last.
        radius: of the layers before, in squares of LR pixels.
        multiple: side of these squares.
    """
    furthest = 0
    for place in range(multiple):
        low, high = place * scale - 2, (place + 1) * scale + 1
        for _ in range(enlargings):
            low, high = (low - 1) // 2, (high + 1) // 2
        low, high = (low - radius) * multiple, (high + radius + 1) * multiple - 1
        furthest = max(furthest, place - low, high - place)
    return furthest
