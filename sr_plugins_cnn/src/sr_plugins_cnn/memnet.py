"""MemNet: memory blocks, each of which chooses from all that came before what to keep."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Prediction, Scale, full_precision
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.enlarging import ScalesToTake, enlarge, margin_on_lr, scales_taken
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.recomputing import recomputed
from sr_plugins_cnn.recursive_residual import PreActivated, RecursiveResidual


class MemNet(Model):
    """MemNet MxRy: x memory blocks of y recursions on the enlarged picture (Tai et al., ICCV 2017).

    A block applies one residual unit again and again; its gate, a 1×1 convolution, makes its memory from the features
    after every recursion (short-term memory) and from the first features and the memories of all blocks before
    (long-term). One convolution turns each memory into a picture, and SR is their sum with learned weights. Batch
    normalisation and ReLU stand before every convolution. All recursions of a block share convolutions, all blocks
    share the last one; normalisations are shared by none, as in the authors' released model. He initialisation.

    The paper does not say where the weights of the sum start. The released model starts each at 1, so that its first
    SR is M times too bright; here they start at 1/M, so that the first SR is the mean of the pictures.

    Args:
        blocks: M, memory blocks.
        recursions: R of each.
        width: maps of the hidden layers.
        channels: `y`, `rgb` or a number of planes.
        scales: the scales it is for.
        recompute: keep only the memory of each block while training, and compute its inside again in the backward pass.
    """

    def __init__(
        self,
        blocks: Annotated[int, Field(ge=1)] = 6,
        recursions: Annotated[int, Field(ge=1)] = 6,
        width: Width = 64,
        channels: Planes = "y",
        scales: ScalesToTake = (2, 3, 4),
        recompute: bool = False,
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = scales_taken(scales)
        self.margin = margin_on_lr(2 + 2 * blocks * recursions, self.scales)
        self.recompute = recompute
        self.feature_extractor = PreActivated(planes, width)
        self.dense_memory = nn.ModuleList(
            _MemoryBlock(width, recursions, long_term=1 + earlier) for earlier in range(blocks)
        )
        self.bn_reconstructor = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(blocks))
        self.reconstructor = he_convolution(width, planes)
        self.ensemble = nn.Parameter(torch.full((blocks,), 1 / blocks))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        return self._together(self._pictures(enlarge(lr, scale)))

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """The picture of every memory, `block 1` and so on, and their sum `sr`, each with HR; all weigh 1."""
        del progress
        pictures = self._pictures(enlarge(lr, scale))
        blocks = [Prediction(f"block {number}", picture, hr) for number, picture in enumerate(pictures, start=1)]
        return (*blocks, Prediction("sr", self._together(pictures), hr))

    def _pictures(self, enlarged: Tensor) -> list[Tensor]:
        memories = [self.feature_extractor(enlarged)]
        for block in self.dense_memory:
            memories.append(recomputed(block, *memories, of=block, when=self.recompute))
        pictures = []
        with full_precision(enlarged, *memories) as (enlarged, _, *memories):
            for normalise, memory in zip(self.bn_reconstructor, memories, strict=True):
                pictures.append(self.reconstructor(normalise(memory).relu()) + enlarged)
        return pictures

    def _together(self, pictures: list[Tensor]) -> Tensor:
        return (self.ensemble.view(-1, 1, 1, 1, 1) * torch.stack(pictures)).sum(dim=0)


class _MemoryBlock(nn.Module):
    def __init__(self, width: int, recursions: int, long_term: int) -> None:
        super().__init__()
        self.recursions = recursions
        self.recursive_unit = RecursiveResidual(width, recursions)
        self.gate_unit = PreActivated((long_term + recursions) * width, width, kernel=1)

    def forward(self, *long_term: Tensor) -> Tensor:
        features = long_term[-1]
        short_term = []
        for recursion in range(self.recursions):
            features = self.recursive_unit(features, recursion) + features
            short_term.append(features)
        memory: Tensor = self.gate_unit(torch.cat([*long_term, *short_term], dim=1))
        return memory
