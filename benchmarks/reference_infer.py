"""The reference of the inference benchmark: every network, ×4, in the plainest PyTorch.

What a careful person writes in a few lines with the paper at hand: layers as `torch.nn` has them, eager, float32. No
memory format, no mixed precision, no allocator, and nothing slow on purpose. Written from the papers and the authors'
released models, not from the networks that are measured against it; tests/published/test_independent_networks.py holds
that both compute the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.first(lr * LEVELS)
        features, outputs = self.second(shallow), []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        out: Tensor = self.tail(self.fusion(torch.cat(outputs, dim=1)) + shallow) / LEVELS
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

    def forward(self, lr: Tensor) -> Tensor:
        """N×3×H×W to N×3×4H×4W."""
        shallow = self.head(lr * LEVELS - self.mean)
        out: Tensor = (self.tail(self.body(shallow) + shallow) + self.mean) / LEVELS
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


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "srcnn": lambda: enlarged_first(srcnn()),
    "fsrcnn": fsrcnn,
    "espcn": espcn,
    "vdsr": lambda: enlarged_first(VDSR()),
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
}
"""LR to SR, ×4, each in the size of its paper."""
