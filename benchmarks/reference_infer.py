"""The reference of the inference benchmark: every network, ×4, in the plainest PyTorch.

What a careful person writes in a few lines with the paper at hand: layers as `torch.nn` has them, eager, float32. No
memory format, no mixed precision, no allocator, and nothing slow on purpose. Written from the papers and the authors'
released models, not from the networks that are measured against it; tests/published/test_independent_networks.py holds
that both compute the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALE = 4
LEVELS = 255
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)


def convolution(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
    """A convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


def pre_activated(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Batch normalisation, ReLU, convolution."""
    return nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU(), convolution(inputs, outputs, kernel))


def sub_pixel(width: int) -> nn.Sequential:
    """×4 by two convolutions, each followed by a pixel shuffle."""
    twice = (convolution(width, 4 * width), nn.PixelShuffle(2), convolution(width, 4 * width), nn.PixelShuffle(2))
    return nn.Sequential(*twice)


def enlarged_first(network: nn.Module) -> nn.Sequential:
    """A network that works on the bicubic picture, as one that takes LR."""
    return nn.Sequential(nn.Upsample(scale_factor=SCALE, mode="bicubic"), network)


def srcnn(widths: tuple[int, int] = (64, 32), middle: int = 5) -> nn.Sequential:
    """9-5-5 on the enlarged picture, continued by its border pixels (Dong et al., TPAMI 2016)."""

    def layer(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="replicate")

    first, second = widths
    return nn.Sequential(layer(1, first, 9), nn.ReLU(), layer(first, second, middle), nn.ReLU(), layer(second, 1, 5))


def fsrcnn(d: int = 56, s: int = 12, m: int = 4) -> nn.Sequential:
    """Shrink, map, expand, and a transposed convolution (Dong et al., ECCV 2016)."""
    mapping = (layer for _ in range(m) for layer in (convolution(s, s), nn.PReLU(s)))
    return nn.Sequential(
        *(convolution(1, d, 5), nn.PReLU(d)),
        *(convolution(d, s, 1), nn.PReLU(s)),
        *mapping,
        *(convolution(s, d, 1), nn.PReLU(d)),
        nn.ConvTranspose2d(d, 1, 9, stride=SCALE, padding=4, output_padding=SCALE - 1),
    )


def espcn(widths: tuple[int, int] = (64, 32)) -> nn.Sequential:
    """Three convolutions on LR and a pixel shuffle (Shi et al., CVPR 2016)."""
    first, second = widths
    return nn.Sequential(
        *(convolution(1, first, 5), nn.Tanh()),
        *(convolution(first, second), nn.Tanh()),
        *(convolution(second, SCALE**2), nn.PixelShuffle(SCALE)),
    )


class VDSR(nn.Module):
    """20 convolutions and the enlarged picture (Kim et al., CVPR 2016)."""

    def __init__(self, depth: int = 20, width: int = 64) -> None:
        super().__init__()
        hidden = (layer for _ in range(depth - 2) for layer in (convolution(width, width), nn.ReLU()))
        self.layers = nn.Sequential(convolution(1, width), nn.ReLU(), *hidden, convolution(width, 1))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        out: Tensor = self.layers(enlarged) + enlarged
        return out


class DWSR(nn.Module):
    """12 convolutions on the Haar sub-bands of the enlarged picture (Guo et al., CVPRW 2017)."""

    def __init__(self, depth: int = 10, width: int = 64) -> None:
        super().__init__()
        hidden = (layer for _ in range(depth) for layer in (convolution(width, width), nn.ReLU()))
        self.layers = nn.Sequential(convolution(4, width, 5), nn.ReLU(), *hidden, convolution(width, 4))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W with even sides, to SR of that size."""
        top, bottom = enlarged[..., ::2, :], enlarged[..., 1::2, :]
        low, high = top + bottom, top - bottom
        sums = [band[..., ::2] + band[..., 1::2] for band in (low, high)]
        differences = [band[..., ::2] - band[..., 1::2] for band in (low, high)]
        bands = torch.cat([*sums, *differences], dim=1) / 2
        bands = bands + self.layers(bands)
        mean, rows, columns, both = bands.split(1, dim=1)
        out = torch.empty_like(enlarged)
        out[..., ::2, ::2] = (mean + rows + columns + both) / 2
        out[..., ::2, 1::2] = (mean + rows - columns - both) / 2
        out[..., 1::2, ::2] = (mean - rows + columns - both) / 2
        out[..., 1::2, 1::2] = (mean - rows - columns + both) / 2
        return out


class DRCN(nn.Module):
    """One convolution 16 times, a picture after each, and their weighted sum (Kim et al., CVPR 2016)."""

    def __init__(self, recursions: int = 16, width: int = 256) -> None:
        super().__init__()
        self.embedding = nn.Sequential(convolution(1, width), nn.ReLU(), convolution(width, width), nn.ReLU())
        self.recursion = convolution(width, width)
        self.reconstruction = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, 1))
        self.weights = nn.Parameter(torch.full((recursions,), 1 / recursions))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        state = self.embedding(enlarged)
        out = torch.zeros_like(enlarged)
        for weight in self.weights:
            state = F.relu(self.recursion(state))
            out = out + weight * (self.reconstruction(state) + enlarged)
        return out


class DRRN(nn.Module):
    """B1U25: 25 units of the same two convolutions, each with normalisations of its own (Tai et al., CVPR 2017)."""

    def __init__(self, units: int = 25, width: int = 128) -> None:
        super().__init__()
        self.first = pre_activated(1, width)
        self.conv_a, self.conv_b = convolution(width, width), convolution(width, width)
        self.norms_a = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(units))
        self.norms_b = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(units))
        self.last = pre_activated(width, 1)

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        first = self.first(enlarged)
        features = first
        for norm_a, norm_b in zip(self.norms_a, self.norms_b, strict=True):
            hidden = self.conv_a(F.relu(norm_a(features)))
            features = self.conv_b(F.relu(norm_b(hidden))) + first
        out: Tensor = self.last(features) + enlarged
        return out


class MemoryBlock(nn.Module):
    """Recursions of one residual unit, and a gate over what they and all blocks before have said."""

    def __init__(self, width: int, recursions: int, earlier: int) -> None:
        super().__init__()
        self.conv_a, self.conv_b = convolution(width, width), convolution(width, width)
        self.norms_a = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(recursions))
        self.norms_b = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(recursions))
        self.gate = pre_activated((earlier + recursions) * width, width, 1)

    def forward(self, memories: Sequence[Tensor]) -> Tensor:
        """The next memory, N×F×H×W, from the first features and all memories."""
        features, states = memories[-1], []
        for norm_a, norm_b in zip(self.norms_a, self.norms_b, strict=True):
            hidden = self.conv_a(F.relu(norm_a(features)))
            features = self.conv_b(F.relu(norm_b(hidden))) + features
            states.append(features)
        out: Tensor = self.gate(torch.cat([*memories, *states], dim=1))
        return out


class MemNet(nn.Module):
    """M6R6: a picture from each of 6 memories, and their weighted sum (Tai et al., ICCV 2017)."""

    def __init__(self, blocks: int = 6, recursions: int = 6, width: int = 64) -> None:
        super().__init__()
        self.first = pre_activated(1, width)
        self.blocks = nn.ModuleList(MemoryBlock(width, recursions, 1 + block) for block in range(blocks))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(blocks))
        self.last = convolution(width, 1)
        self.weights = nn.Parameter(torch.full((blocks,), 1 / blocks))

    def forward(self, enlarged: Tensor) -> Tensor:
        """The enlarged picture, N×1×H×W, to SR of that size."""
        memories = [self.first(enlarged)]
        out = torch.zeros_like(enlarged)
        for block, norm, weight in zip(self.blocks, self.norms, self.weights, strict=True):
            memories.append(block(memories))
            out = out + weight * (self.last(F.relu(norm(memories[-1]))) + enlarged)
        return out


class DenseBlock(nn.Module):
    """Convolutions of which each but the first reads what all before it in the block have made."""

    def __init__(self, inputs: int, growth: int, layers: int) -> None:
        super().__init__()
        self.first = convolution(inputs, growth)
        self.others = nn.ModuleList(convolution(growth * layer, growth) for layer in range(1, layers))

    def forward(self, features: Tensor) -> Tensor:
        """What the block adds, N×(layers · growth)×H×W."""
        made = F.relu(self.first(features))
        for layer in self.others:
            made = torch.cat([made, F.relu(layer(made))], dim=1)
        return made


class SRDenseNet(nn.Module):
    """All: each block reads the outputs of all before it (Tong et al., ICCV 2017)."""

    def __init__(self, blocks: int = 8, layers: int = 8, growth: int = 16, width: int = 256) -> None:
        super().__init__()
        each = growth * layers
        self.first = convolution(1, each)
        self.blocks = nn.ModuleList(DenseBlock(each * (1 + block), growth, layers) for block in range(blocks))
        self.bottleneck = convolution(each * (1 + blocks), width, 1)
        self.enlarging = nn.Sequential(
            *(nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
            *(nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1), nn.ReLU()),
        )
        self.last = convolution(width, 1)

    def forward(self, lr: Tensor) -> Tensor:
        """N×1×H×W to N×1×4H×4W."""
        features = F.relu(self.first(lr))
        for block in self.blocks:
            features = torch.cat([features, block(features)], dim=1)
        out: Tensor = self.last(self.enlarging(F.relu(self.bottleneck(features))))
        return out


class ResidualDenseBlock(nn.Module):
    """Convolutions that read all before them, fused and added to what came in."""

    def __init__(self, width: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(convolution(width + layer * growth, growth) for layer in range(layers))
        self.fusion = convolution(width + layers * growth, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        gathered = features
        for layer in self.layers:
            gathered = torch.cat([gathered, F.relu(layer(gathered))], dim=1)
        out: Tensor = self.fusion(gathered) + features
        return out


class RDN(nn.Module):
    """D16 C8 G64, on values 0 … 255 (Zhang et al., CVPR 2018)."""

    def __init__(self, blocks: int = 16, layers: int = 8, growth: int = 64, width: int = 64) -> None:
        super().__init__()
        self.first, self.second = convolution(3, width), convolution(width, width)
        self.blocks = nn.ModuleList(ResidualDenseBlock(width, growth, layers) for _ in range(blocks))
        self.fusion = nn.Sequential(convolution(blocks * width, width, 1), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def features(self, levels: Tensor) -> Tensor:
        """N×F×H×W of values 0 … 255."""
        shallow = self.first(levels)
        features, outputs = self.second(shallow), []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        fused: Tensor = self.fusion(torch.cat(outputs, dim=1))
        return fused + shallow

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = self.tail(self.features(lr * LEVELS)) / LEVELS
        return out


class PyramidLevel(nn.Module):
    """Features and picture, doubled.

    The released models cut one line off the doubled features, at the bottom and at the right.
    """

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.image = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        self.residual = convolution(width, 1)
        layers = (layer for _ in range(depth) for layer in (convolution(width, width), nn.LeakyReLU(0.2)))
        self.features = nn.Sequential(*layers)
        self.doubling = nn.ConvTranspose2d(width, width, 3, stride=2)

    def forward(self, features: Tensor, picture: Tensor) -> tuple[Tensor, Tensor]:
        """N×F×H×W and N×1×H×W to N×F×2H×2W and N×1×2H×2W."""
        doubled = self.doubling(self.features(features))[..., :-1, :-1]
        features = F.leaky_relu(doubled, 0.2)
        return features, self.image(picture) + self.residual(features)


class LapSRN(nn.Module):
    """Two levels of ten convolutions each (Lai et al., CVPR 2017)."""

    def __init__(self, depth: int = 10, width: int = 64) -> None:
        super().__init__()
        self.first = convolution(1, width)
        self.levels = nn.ModuleList(PyramidLevel(depth, width) for _ in range(2))

    def forward(self, lr: Tensor) -> Tensor:
        """N×1×H×W to N×1×4H×4W."""
        features, picture = F.leaky_relu(self.first(lr), 0.2), lr
        for level in self.levels:
            features, picture = level(features, picture)
        return picture


class MSLapSRN(nn.Module):
    """D5R8 with skips from the level's source: both levels share everything (Lai et al., TPAMI 2018)."""

    def __init__(self, depth: int = 5, recursions: int = 8, width: int = 64) -> None:
        super().__init__()
        self.recursions = recursions
        self.first = convolution(1, width)
        self.image = nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False)
        self.residual = convolution(width, 1)
        layers = (layer for _ in range(depth) for layer in (nn.LeakyReLU(0.2), convolution(width, width)))
        self.block = nn.Sequential(*layers)
        self.doubling = nn.ConvTranspose2d(width, width, 3, stride=2)

    def forward(self, lr: Tensor) -> Tensor:
        """N×1×H×W to N×1×4H×4W."""
        features, picture = self.first(lr), lr
        for _ in range(2):
            source = features
            for _ in range(self.recursions):
                features = self.block(features) + source
            features = self.doubling(F.leaky_relu(features, 0.2))[..., :-1, :-1]
            picture = self.image(picture) + self.residual(features)
        return picture


class NormalisedBlock(nn.Module):
    """The residual block of SRResNet."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(convolution(width, width), nn.BatchNorm2d(width), nn.PReLU()),
            *(convolution(width, width), nn.BatchNorm2d(width)),
        )

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        out: Tensor = self.layers(features) + features
        return out


class SRResNet(nn.Module):
    """16 residual blocks with batch normalisation; SR in −1 … 1 inside (Ledig et al., CVPR 2017)."""

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.head = nn.Sequential(convolution(3, width, 9), nn.PReLU())
        self.blocks = nn.Sequential(*(NormalisedBlock(width) for _ in range(blocks)))
        self.after = nn.Sequential(convolution(width, width), nn.BatchNorm2d(width))
        self.tail = nn.Sequential(
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()),
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()),
            convolution(width, 3, 9),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr)
        out: Tensor = (self.tail(self.after(self.blocks(shallow)) + shallow) + 1) / 2
        return out


class ResidualBlock(nn.Module):
    """Two convolutions around a rectifier, added to the input (Lim et al., EDSR, CVPRW 2017)."""

    def __init__(self, width: int, kernel: int = 3, scaling: float = 1) -> None:
        super().__init__()
        self.scaling = scaling
        self.layers = nn.Sequential(convolution(width, width, kernel), nn.ReLU(), convolution(width, width, kernel))

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return torch.add(features, self.layers(features), alpha=self.scaling)


class MSRResNet(nn.Module):
    """BasicSR's: no batch normalisation, a leaky upsampler, around the bilinear picture."""

    def __init__(self, blocks: int = 16, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(convolution(3, width), nn.LeakyReLU(0.1)),
            *(ResidualBlock(width) for _ in range(blocks)),
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.LeakyReLU(0.1)),
            *(convolution(width, 4 * width), nn.PixelShuffle(2), nn.LeakyReLU(0.1)),
            *(convolution(width, width), nn.LeakyReLU(0.1)),
            convolution(width, 3),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = self.layers(lr) + F.interpolate(lr, scale_factor=SCALE, mode="bilinear")
        return out


class EDSR(nn.Module):
    """Residual blocks and a long skip, on values 0 … 255 less DIV2K's mean (Lim et al., CVPRW 2017)."""

    mean: Tensor

    def __init__(self, blocks: int = 32, width: int = 256, scaling: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.head = convolution(3, width)
        residual = (ResidualBlock(width, scaling=scaling) for _ in range(blocks))
        self.body = nn.Sequential(*residual, convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def features(self, levels: Tensor) -> Tensor:
        """N×F×H×W of values 0 … 255 less the mean."""
        shallow: Tensor = self.head(levels)
        return shallow + self.body(shallow)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = (self.tail(self.features(lr * LEVELS - self.mean)) + self.mean) / LEVELS
        return out


class MDSR(nn.Module):
    """80 residual blocks; two of 5×5 in front and the upsampler are ×4's own (Lim et al., CVPRW 2017)."""

    mean: Tensor

    def __init__(self, blocks: int = 80, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.head = nn.Sequential(convolution(3, width), ResidualBlock(width, kernel=5), ResidualBlock(width, kernel=5))
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr * LEVELS - self.mean)
        out: Tensor = (self.tail(self.body(shallow) + shallow) + self.mean) / LEVELS
        return out


class Cascade(nn.Module):
    """Three blocks, each of which reads what was last fused from all that came before (Ahn et al., ECCV 2018)."""

    def __init__(self, blocks: Sequence[nn.Module], width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.fusions = nn.ModuleList(nn.Conv2d(width * n, width, 1) for n in (2, 3, 4))

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        everything, fused = x, x
        for step, fusion in enumerate(self.fusions):
            block = self.blocks[step % len(self.blocks)]
            everything = torch.cat([everything, block(fused)], 1)
            fused = F.relu(fusion(everything))
        return fused


class AddedAndRectified(nn.Module):
    """ReLU(x + layers(x))."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return F.relu(x + self.layers(x))


class CARN(nn.Module):
    """Cascades in a cascade; the mobile one has groups and one block thrice (Ahn et al., ECCV 2018)."""

    mean: Tensor

    def __init__(self, width: int = 64, groups: int = 1, shared: bool = False) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(DIV2K_MEAN).view(1, 3, 1, 1))

        def grouped(outputs: int) -> nn.Conv2d:
            return nn.Conv2d(width, outputs, 3, padding=1, groups=groups)

        def block() -> nn.Module:
            if shared:
                last = convolution(width, width, 1)
                return AddedAndRectified(grouped(width), nn.ReLU(), grouped(width), nn.ReLU(), last)
            return AddedAndRectified(grouped(width), nn.ReLU(), grouped(width))

        self.first = convolution(3, width)
        self.body = Cascade([Cascade([block() for _ in range(1 if shared else 3)], width) for _ in range(3)], width)
        doubling = (layer for _ in range(2) for layer in (grouped(4 * width), nn.ReLU(), nn.PixelShuffle(2)))
        self.tail = nn.Sequential(*doubling, convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = self.tail(self.body(self.first(lr - self.mean))) + self.mean
        return out


class ChannelAttention(nn.Module):
    """Maps times weights that come from their means (Zhang et al., RCAN, ECCV 2018)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        fewer = width // reduction
        self.weights = nn.Sequential(
            *(nn.AdaptiveAvgPool2d(1), convolution(width, fewer, 1), nn.ReLU()),
            *(convolution(fewer, width, 1), nn.Sigmoid()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        return x * self.weights(x)


class Added(nn.Module):
    """x + layers(x)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        out: Tensor = x + self.layers(x)
        return out


class RCAN(nn.Module):
    """Ten groups of twenty attended residual blocks, on values 0 … 255 less DIV2K's mean (Zhang et al., ECCV 2018)."""

    mean: Tensor

    def __init__(self, groups: int = 10, blocks: int = 20, width: int = 64, reduction: int = 16) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))

        def block() -> nn.Module:
            attention = ChannelAttention(width, reduction)
            return Added(convolution(width, width), nn.ReLU(), convolution(width, width), attention)

        def group() -> nn.Module:
            return Added(*(block() for _ in range(blocks)), convolution(width, width))

        self.head = convolution(3, width)
        self.body = Added(*(group() for _ in range(groups)), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        out: Tensor = (self.tail(self.body(self.head(lr * LEVELS - self.mean))) + self.mean) / LEVELS
        return out


class QuartersAttended(nn.Module):
    """In each quarter, every place adds what it finds at places like it (Dai et al., SAN, CVPR 2019)."""

    def __init__(self, width: int, embedded: int) -> None:
        super().__init__()
        self.value, self.query, self.key = (convolution(width, embedded, 1) for _ in range(3))
        self.found = convolution(embedded, width, 1)

    def quarter(self, x: Tensor) -> Tensor:
        """One quarter, N×F×h×w to the same."""
        query, key, value = (layer(x).flatten(2) for layer in (self.query, self.key, self.value))
        alike = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        out: Tensor = x + self.found((value @ alike.transpose(1, 2)).unflatten(2, x.shape[2:]))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same; both sides at least 2."""
        row, column = x.shape[2] // 2, x.shape[3] // 2
        top, bottom = (
            torch.cat([self.quarter(half[..., :column]), self.quarter(half[..., column:])], dim=3)
            for half in (x[..., :row, :], x[..., row:, :])
        )
        return torch.cat([top, bottom], dim=2)


class CovarianceAttention(nn.Module):
    """Maps times weights that come from the root of their covariance (Dai et al., SAN, CVPR 2019)."""

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        fewer = width // reduction
        self.weights = nn.Sequential(convolution(width, fewer, 1), nn.ReLU(), convolution(fewer, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        maps = x.flatten(2) - x.mean(dim=(2, 3)).unsqueeze(2)
        covariance = torch.bmm(maps, maps.transpose(1, 2)) / maps.shape[2]
        trace = covariance.diagonal(dim1=1, dim2=2).sum(dim=1).view(-1, 1, 1)
        eye = torch.eye(maps.shape[1], dtype=x.dtype, device=x.device)
        y, z = covariance / trace, eye.expand_as(covariance)
        for _ in range(5):
            middle = (3 * eye - z @ y) / 2
            y, z = y @ middle, middle @ z
        statistic = (y * trace.sqrt()).mean(dim=1)[..., None, None]
        return x * torch.sigmoid(self.weights(statistic))


class SAN(nn.Module):
    """Twenty groups of ten residual blocks and covariance attention, which all add the first features again.

    On values 0 … 255 less DIV2K's mean (Dai et al., CVPR 2019).
    """

    mean: Tensor

    def __init__(
        self, groups: int = 20, blocks: int = 10, width: int = 64, reduction: int = 16, embedded: int = 8
    ) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))

        def group() -> nn.Module:
            last = CovarianceAttention(width, reduction), convolution(width, width)
            return Added(*(ResidualBlock(width) for _ in range(blocks)), *last)

        self.gamma = nn.Parameter(torch.zeros(1))
        self.head = convolution(3, width)
        self.ends = QuartersAttended(width, embedded)
        self.groups = nn.ModuleList(group() for _ in range(groups))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr * LEVELS - self.mean)
        source = self.ends(shallow)
        features = source
        for group in self.groups:
            features = group(features) + self.gamma * source
        out: Tensor = (self.tail(self.ends(features) + shallow) + self.mean) / LEVELS
        return out


class MultiScaleBlock(nn.Module):
    """Two pairs of a 3×3 and a 5×5 convolution; the second pair reads both of the first (Li et al., ECCV 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.small, self.small_of_both = convolution(width, width), convolution(2 * width, 2 * width)
        self.large, self.large_of_both = convolution(width, width, 5), convolution(2 * width, 2 * width, 5)
        self.fusion = convolution(4 * width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        both = torch.cat([F.relu(self.small(features)), F.relu(self.large(features))], dim=1)
        all_four = torch.cat([F.relu(self.small_of_both(both)), F.relu(self.large_of_both(both))], dim=1)
        out: Tensor = self.fusion(all_four) + features
        return out


class MSRN(nn.Module):
    """8 multi-scale blocks, all fused, on values 0 … 255 less DIV2K's mean (Li et al., ECCV 2018, as released)."""

    mean: Tensor

    def __init__(self, blocks: int = 8, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.head = convolution(3, width)
        self.blocks = nn.ModuleList(MultiScaleBlock(width) for _ in range(blocks))
        self.fusion = nn.Sequential(convolution((blocks + 1) * width, width, 1), convolution(width, width))
        self.tail = nn.Sequential(sub_pixel(width), convolution(width, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = features = self.head(lr * LEVELS - self.mean)
        said = []
        for block in self.blocks:
            features = block(features)
            said.append(features)
        fused = self.fusion(torch.cat([*said, shallow], dim=1))
        out: Tensor = (self.tail(fused) + self.mean) / LEVELS
        return out


class DSRN(nn.Module):
    """A state in LR and one in HR, seven steps; it makes what bicubic lacks (Han et al., CVPR 2018)."""

    def __init__(self, steps: int = 7, width: int = 128) -> None:
        super().__init__()
        self.steps = steps
        self.first = nn.Sequential(convolution(3, width // 2), nn.ReLU(), convolution(width // 2, width), nn.ReLU())
        self.in_lr = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))
        self.in_hr = nn.Sequential(convolution(width, width), nn.ReLU(), convolution(width, width))
        self.up = nn.ConvTranspose2d(width, width, SCALE, stride=SCALE)
        self.last = convolution(width, 3, 1)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        first = self.first(lr)
        low, high = F.relu(first + self.in_lr(first)), F.relu(self.up(first))
        highs = [high]
        for step in range(2, self.steps):
            from_low = self.up(low)
            if step < self.steps - 1:
                low = F.relu(low + self.in_lr(low) + F.avg_pool2d(high, SCALE))
            high = F.relu(high + self.in_hr(high) + from_low)
            highs.append(high)
        out: Tensor = self.last(torch.stack(highs).mean(dim=0))
        return out


class AroundBicubic(nn.Module):
    """What a network makes from LR, added to the enlarged picture; `enlarge` may be another bicubic than PyTorch's."""

    def __init__(self, network: nn.Module, enlarge: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        self.network = network
        self.enlarge = enlarge or nn.Upsample(scale_factor=SCALE, mode="bicubic")

    def forward(self, lr: Tensor) -> Tensor:
        """N×C×H×W to N×C×4H×4W."""
        out: Tensor = self.network(lr) + self.enlarge(lr)
        return out


def with_slope(layer: nn.Module, start: float = 0.25) -> nn.Sequential:
    """The layer and a PReLU of one slope."""
    return nn.Sequential(layer, nn.PReLU(init=start))


class Projection(nn.Module):
    """There, back, and there again with what came back wrong; 1×1 in front where it reads several (Haris et al.)."""

    def __init__(self, width: int, former: int, there: type[nn.Module], back: type[nn.Module]) -> None:
        super().__init__()
        self.fusion = with_slope(convolution(former * width, width, 1)) if former > 1 else nn.Identity()
        steps = (kind(width, width, 8, stride=4, padding=2) for kind in (there, back, there))
        self.first, self.back, self.again = (with_slope(step) for step in steps)

    def forward(self, x: Tensor) -> Tensor:
        """N×F×H×W to the other size."""
        x = self.fusion(x)
        there = self.first(x)
        out: Tensor = there + self.again(self.back(there) - x)
        return out


class DBPN(nn.Module):
    """D-DBPN: up and down in turn, each reading all outputs of its size (Haris et al., CVPR 2018)."""

    def __init__(self, stages: int = 7, dense: bool = True, features: int = 256, width: int = 64) -> None:
        super().__init__()
        self.dense = dense
        self.first = nn.Sequential(with_slope(convolution(3, features)), with_slope(convolution(features, width, 1)))
        kinds = nn.ConvTranspose2d, nn.Conv2d
        units = [Projection(width, 1, *kinds)]
        for former in range(1, stages):
            read = former if dense else 1
            units += [Projection(width, read, *reversed(kinds)), Projection(width, read, *kinds)]
        self.units = nn.ModuleList(units)
        self.last = convolution(stages * width, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        up, *others = self.units
        high = newest = up(self.first(lr))
        low = None
        for down, up in zip(others[::2], others[1::2], strict=True):
            newest = down(high if self.dense else newest)
            low = newest if low is None else torch.cat([newest, low], 1)
            newest = up(low if self.dense else newest)
            high = torch.cat([newest, high], 1)
        out: Tensor = self.last(high)
        return out


class SRFBN(nn.Module):
    """A block of dense up- and down-projections that reads its own last output (Li et al., CVPR 2019)."""

    mean: Tensor

    def __init__(self, steps: int = 4, groups: int = 6, width: int = 64) -> None:
        super().__init__()

        def fusion(former: int) -> nn.Module:
            return with_slope(convolution(former * width, width, 1), 0.2)

        def up() -> nn.Module:
            return with_slope(nn.ConvTranspose2d(width, width, 8, stride=4, padding=2), 0.2)

        def down() -> nn.Module:
            return with_slope(nn.Conv2d(width, width, 8, stride=4, padding=2), 0.2)

        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.steps = steps
        first = convolution(3, 4 * width), convolution(4 * width, width, 1)
        self.first = nn.Sequential(*(with_slope(layer, 0.2) for layer in first))
        self.enter = fusion(2)
        self.up, self.down = nn.ModuleList(up() for _ in range(groups)), nn.ModuleList(down() for _ in range(groups))
        self.before_up = nn.ModuleList(fusion(1 + former) for former in range(1, groups))
        self.before_down = nn.ModuleList(fusion(1 + former) for former in range(1, groups))
        self.leave = fusion(groups)
        self.enlarge, self.last = up(), convolution(width, 3)

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W, the last step's picture."""
        lr = lr * LEVELS - self.mean
        features = state = self.first(lr)
        for _ in range(self.steps):
            low = self.enter(torch.cat([features, state], 1))
            high = self.up[0](low)
            said = self.down[0](high)
            low = torch.cat([low, said], 1)
            for group in range(1, len(self.up)):
                high = torch.cat([high, self.up[group](self.before_up[group - 1](low))], 1)
                newest = self.down[group](self.before_down[group - 1](high))
                low, said = torch.cat([low, newest], 1), torch.cat([said, newest], 1)
            state = self.leave(said)
        enlarged = F.interpolate(lr, scale_factor=SCALE, mode="bilinear")
        out: Tensor = (self.last(self.enlarge(state)) + enlarged + self.mean) / LEVELS
        return out


class MetaUpscale(nn.Module):
    """3×3 weights predicted for each of the 4×4 pixels that an LR pixel becomes (Hu et al., CVPR 2019).

    On a network whose own tail is taken away, given values 0 … 255 less DIV2K's mean.
    """

    mean: Tensor

    def __init__(self, network: RDN | EDSR, width: int = 64) -> None:
        super().__init__()
        self.register_buffer("mean", LEVELS * torch.tensor(DIV2K_MEAN).view(3, 1, 1))
        self.network = network
        del self.network.tail
        self.prediction = nn.Sequential(nn.Linear(3, 256), nn.ReLU(), nn.Linear(256, 9 * width * 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        count, _, height, width = lr.shape
        patches = F.unfold(self.network.features(lr * LEVELS - self.mean), 3, padding=1)
        offsets = torch.arange(SCALE, device=lr.device, dtype=lr.dtype) / SCALE
        places = torch.cartesian_prod(offsets.new_full((1,), 1 / SCALE), offsets, offsets)
        weights = self.prediction(places).view(SCALE**2, -1, 3)
        pixels = torch.einsum("nfp,sfc->ncsp", patches, weights).reshape(count, -1, height, width)
        return (F.pixel_shuffle(pixels, SCALE) + self.mean) / LEVELS


class LIIF(nn.Module):
    """EDSR's baseline without its upsampler, and a perceptron asked four times a pixel (Chen et al., CVPR 2021).

    As in the authors' program, 30,000 pixels at a time.
    """

    def __init__(self, blocks: int = 16, width: int = 64, layers: int = 4, hidden: int = 256) -> None:
        super().__init__()
        self.head = convolution(3, width)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), convolution(width, width))
        widths = [9 * width + 4] + [hidden] * layers
        perceptron = (layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU()))
        self.perceptron = nn.Sequential(*perceptron, nn.Linear(hidden, 3))

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        count, _, height, width = lr.shape
        shallow = self.head(lr * 2 - 1)
        features = F.unfold(self.body(shallow) + shallow, 3, padding=1)
        features = features.view(count, -1, height, width).permute(0, 2, 3, 1).contiguous()
        places = [(torch.arange(SCALE * side, device=lr.device) + 0.5) / SCALE - 0.5 for side in (height, width)]
        rows, columns = (axis.flatten().to(lr.dtype) for axis in torch.meshgrid(*places, indexing="ij"))
        blocks = zip(rows.split(30_000), columns.split(30_000), strict=True)
        colours = torch.cat([self.colours(features, *block) for block in blocks], 1)
        return colours.view(count, SCALE * height, SCALE * width, 3).permute(0, 3, 1, 2) / 2 + 0.5

    def colours(self, features: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """N×Q×3 at Q places, of features N×H×W×F."""
        total = torch.zeros(())
        for down in (0, 1):
            row = rows.floor() + down
            for across in (0, 1):
                column = columns.floor() + across
                area = (1 - (rows - row).abs()) * (1 - (columns - column).abs())
                y, x = row.long().clamp(0, features.shape[1] - 1), column.long().clamp(0, features.shape[2] - 1)
                cell = torch.full_like(rows, 2 / SCALE)
                way = torch.stack([2 * (rows - y), 2 * (columns - x), cell, cell], 1).expand(len(features), -1, -1)
                total = total + area[:, None] * self.perceptron(torch.cat([features[:, y, x], way], 2))
        return total


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
}
"""LR to SR, ×4, each in the size of its paper."""
