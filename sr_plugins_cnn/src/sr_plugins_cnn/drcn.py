"""DRCN: one convolution applied 16 times, and a picture after each."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from sr_core import Model, Prediction, Scale, full_precision
from sr_plugins_cnn.convolutions import he_convolution
from sr_plugins_cnn.enlarging import ScalesToTake, enlarge, margin_on_lr, scales_taken
from sr_plugins_cnn.planes import Planes, Width, plane_count
from sr_plugins_cnn.recomputing import recomputed

_RECOMPUTED_TOGETHER = 4
"""Recursions of which only the last state is kept: the square root of 16 keeps least."""


class DRCN(Model):
    """A recursion whose every state gives a picture; SR is their sum with learned weights (Kim et al., CVPR 2016).

    Two convolutions embed the enlarged picture, one is applied again and again, and two, the same after every
    recursion, reconstruct what bicubic lacks; ReLU after all but the last. Training compares all pictures with HR: the
    early ones less and less, since the share alpha of their mean error falls along a line from 1 to 0, and SR more.
    The paper does not say how fast alpha falls; a common port lets it reach 0 after 25 epochs, here it is a quarter of
    training.

    The recursion starts as the identity, the weights of the sum at one over the recursions, all others as He et al.
    start them.

    Args:
        recursions: how often the convolution is applied.
        width: maps of the hidden layers.
        supervision: the share of training in which alpha falls to 0.
        channels: `y`, `rgb` or a number of planes.
        scales: the scales it is for.
        recompute: keep only every fourth state while training, and compute the others again in the backward pass.
    """

    def __init__(
        self,
        recursions: Annotated[int, Field(ge=1)] = 16,
        width: Width = 256,
        supervision: Annotated[float, Field(gt=0, le=1)] = 0.25,
        channels: Planes = "y",
        scales: ScalesToTake = (2, 3, 4),
        recompute: bool = False,
    ) -> None:
        super().__init__()
        planes = plane_count(channels)
        self.channels = channels
        self.scales = scales_taken(scales)
        self.margin = margin_on_lr(4 + recursions, self.scales)
        self.recursions = recursions
        self.supervision = supervision
        self.recompute = recompute
        self.embedding = nn.ModuleList([he_convolution(planes, width), he_convolution(width, width)])
        self.recursion = he_convolution(width, width)
        nn.init.dirac_(self.recursion.weight)
        self.reconstruction = nn.ModuleList([he_convolution(width, width), he_convolution(width, planes)])
        self.ensemble = nn.Parameter(torch.full((recursions,), 1 / recursions))

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`, N×C×H×W with the planes it is for."""
        return self._together(self._pictures(enlarge(lr, scale)))

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """The picture after every recursion, together weighing alpha, and `sr`, weighing 1 − alpha, each with HR."""
        alpha = max(0.0, 1 - progress / self.supervision)
        pictures = self._pictures(enlarge(lr, scale))
        early = [
            Prediction(f"recursion {number}", picture, hr, alpha / self.recursions)
            for number, picture in enumerate(pictures, start=1)
        ]
        return (*early, Prediction("sr", self._together(pictures), hr, 1 - alpha))

    def _pictures(self, enlarged: Tensor) -> list[Tensor]:
        state = enlarged
        for layer in self.embedding:
            state = layer(state).relu()
        pictures: list[Tensor] = []
        for first in range(0, self.recursions, _RECOMPUTED_TOGETHER):
            recur = partial(self._recur, min(_RECOMPUTED_TOGETHER, self.recursions - first))
            state, *made = recomputed(recur, state, enlarged, of=self, when=self.recompute)
            pictures += made
        return pictures

    def _recur(self, times: int, state: Tensor, enlarged: Tensor) -> tuple[Tensor, ...]:
        """The state after so many recursions, and the picture after each."""
        pictures = []
        for _ in range(times):
            state = self.recursion(state).relu()
            # Inside a group that is computed again, the hidden maps of one picture at a time are enough.
            pictures.append(recomputed(self._picture, state, enlarged, of=self, when=self.recompute))
        return (state, *pictures)

    def _picture(self, state: Tensor, enlarged: Tensor) -> Tensor:
        hidden, last = self.reconstruction
        features = hidden(state).relu()
        with full_precision(features, enlarged) as (features, enlarged):
            picture: Tensor = last(features) + enlarged
            return picture

    def _together(self, pictures: list[Tensor]) -> Tensor:
        return (self.ensemble.view(-1, 1, 1, 1, 1) * torch.stack(pictures)).sum(dim=0)
