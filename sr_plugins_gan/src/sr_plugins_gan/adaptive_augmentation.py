"""Pictures changed by chance before a discriminator sees them, so that it cannot learn a small data set by heart."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from sr_core import batch_mean, full_precision

_INTERVAL = 4
"""Steps of the discriminator between two looks at how well it does."""
_LARGEST_SHIFT = 1 / 8
"""Of the side of a picture."""
_ZOOM_OCTAVES, _CONTRAST_OCTAVES, _SATURATION_OCTAVES = 0.2, 0.5, 1.0
_BRIGHTNESS = 0.1
"""Standard deviations, as published; there pictures are −1 … 1, so that brightness changes by twice as much."""


class AdaptiveAugmentation(nn.Module):
    """Adaptive discriminator augmentation (ADA: Karras et al., NeurIPS 2020), of real and made pictures alike.

    Flip, quarter turn, shift by whole pixels, zoom, brightness, contrast and saturation, each applied to a picture with
    the probability p and drawn as in the authors' release, of which these are the parts that super-resolution can bear.
    p starts at 0 and rises while the discriminator is surer of real pictures than `target`.

    A real picture and the made one of its place are changed alike: so relations between the two stay, and each alone
    sees what it would if it were drawn for. Lines are resampled by one matrix along each axis, mirrored at the borders:
    exact where nothing is zoomed, differentiable to any order.

    Args:
        target: of the mean sign of the centred verdicts on real pictures.
        images: real pictures after which p can have gone from 0 to 1.
    """

    probability: Tensor
    _signs: Tensor
    _parts: Tensor
    _images: Tensor
    _steps: Tensor

    def __init__(self, target: float = 0.6, images: int = 500_000) -> None:
        super().__init__()
        self.target, self.images = target, images
        self.register_buffer("probability", torch.zeros(()))
        for name in ("_signs", "_parts", "_images", "_steps"):  # since the last look
            self.register_buffer(name, torch.zeros(()))

    def forward(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Both N×C×H×W, changed alike; of their dtype, in at least float32."""
        with full_precision(real, fake) as (real, fake):
            both = torch.stack([real, fake], dim=1)
            both = self._coloured(self._placed(both))
            return both[:, 0], both[:, 1]

    def _placed(self, both: Tensor) -> Tensor:
        """Flipped, turned, shifted and zoomed, N×2×C×H×W."""
        count, height, width = both.shape[0], both.shape[-2], both.shape[-1]
        flipped = self._drawn(torch.randint(2, (count,), device=both.device), 0)
        turns = self._drawn(torch.randint(4, (count,), device=both.device), 0)
        shift = torch.rand((count, 2), device=both.device, dtype=both.dtype) * 2 - 1
        shift = self._drawn(shift * _LARGEST_SHIFT, 0)
        zoom = self._drawn(torch.exp2(_ZOOM_OCTAVES * self._normal(both)), 1)
        if height == width:
            lies_across = (turns % 2 == 1).view(-1, 1, 1, 1, 1)
            both = torch.where(lies_across, both.transpose(-1, -2), both)
        else:
            turns = turns // 2 * 2
        # Turned by one quarter it is transposed and upside down, by three transposed and mirrored, by two both.
        upside_down = (turns == 1) | (turns == 2)
        mirrored = ((turns == 2) | (turns == 3)) ^ (flipped == 1)
        rows = _resampling(height, upside_down, (shift[:, 0] * height).round(), zoom)
        columns = _resampling(width, mirrored, (shift[:, 1] * width).round(), zoom)
        return torch.einsum("nih,nkchw,njw->nkcij", rows, both, columns)

    def _coloured(self, both: Tensor) -> Tensor:
        """In other light, N×2×C×H×W; planes keep their relations, and only RGB has a saturation."""
        brightness = self._drawn(_BRIGHTNESS * self._normal(both), 0)
        contrast = self._drawn(torch.exp2(_CONTRAST_OCTAVES * self._normal(both)), 1)
        saturation = self._drawn(torch.exp2(_SATURATION_OCTAVES * self._normal(both)), 1)
        brightness, contrast, saturation = (
            factor.view(-1, 1, 1, 1, 1) for factor in (brightness, contrast, saturation)
        )
        # In this order of sums every bit stays as it was where nothing is drawn.
        both = both * contrast + (brightness * contrast + (1 - contrast) / 2)
        if both.shape[2] != 3:
            return both
        gray = both.mean(dim=2, keepdim=True)
        return both * saturation + gray * (1 - saturation)

    def _drawn(self, values: Tensor, otherwise: int) -> Tensor:
        """Each sample's values with the probability p, else `otherwise`."""
        chosen = torch.rand(len(values), device=values.device) < self.probability
        return torch.where(chosen.view(-1, *[1] * (values.ndim - 1)), values, otherwise)

    @staticmethod
    def _normal(like: Tensor) -> Tensor:
        return torch.randn(len(like), device=like.device, dtype=like.dtype)

    def watch(self, verdict: Tensor) -> None:
        """Note the centred verdicts on real pictures, N×…; `adapt` judges by them."""
        signs = torch.nan_to_num(verdict.detach().sign().flatten(1).mean(dim=1))
        together = distributed.is_available() and distributed.is_initialized()
        self._signs += batch_mean(signs)
        self._parts += 1
        self._images += len(verdict) * (distributed.get_world_size() if together else 1)

    @torch.no_grad()
    def adapt(self) -> None:
        """After each step of the discriminator: every fourth one moves p by as much as pictures were seen."""
        self._steps += 1
        is_time = self._steps >= _INTERVAL  # a tensor: asking for its value would wait for the device
        surer = (self._signs / self._parts.clamp(min=1) - self.target).sign()
        moved = (self.probability + surer * self._images / self.images).clamp(0, 1)
        self.probability.copy_(torch.where(is_time, moved, self.probability))
        for tally in (self._signs, self._parts, self._images, self._steps):
            tally *= ~is_time


def _resampling(length: int, flipped: Tensor, shift: Tensor, zoom: Tensor) -> Tensor:
    """The matrix of each sample along one axis, N×length×length: about the centre, mirrored at the borders.

    Its kernel is a triangle, as wide as pixels are apart where the picture becomes smaller.
    """
    pixels = torch.arange(length, device=zoom.device, dtype=zoom.dtype)
    centre = (length - 1) / 2
    direction = torch.where(flipped, -1.0, 1.0).to(zoom.dtype) / zoom
    source = centre + direction[:, None] * (pixels - centre - shift[:, None])
    period = max(2 * (length - 1), 1)
    folded = source.remainder(period)
    source = torch.minimum(folded, period - folded)
    weights = F.relu(1 - (source[..., None] - pixels).abs() * zoom.clamp(max=1)[:, None, None])
    return weights / weights.sum(dim=-1, keepdim=True)
