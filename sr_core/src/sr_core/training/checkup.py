"""What is looked at in a step whose curves are logged, where a loss learns: who moves SR, and how far SR is from LR."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core.data.patches import PatchBatch
from sr_core.imaging.resize import resize
from sr_core.imaging.size import per_axis, sr_size

BLOCK = 8
"""Side of the squares, in pixels of the smaller picture, whose means are the low frequencies."""
LEVELS = 255
"""Differences are told in levels of 8 bits."""


class Checkup:
    """One step, looked at while it is computed; its result and its random numbers stay what they are.

    Args:
        loss_scale: factor of the losses in the backward pass, which gradients are divided by.
        devices: that share the batch; each takes the mean over its own part.
    """

    def __init__(self, loss_scale: float = 1.0, devices: int = 1) -> None:
        self._factor = 1 / (loss_scale * math.sqrt(devices))
        self._norms: dict[str, list[Tensor]] = {}
        self._means: list[Tensor] = []
        self._blocks: list[Tensor] = []

    def listen(self, name: str, sr: Tensor) -> None:
        """Note what a loss says to SR in the backward pass that follows.

        Args:
            name: of the loss.
            sr: what it alone is given of a part of the batch.
        """
        norms = self._norms.setdefault(name, [])
        norms.append(torch.zeros((), device=sr.device))  # of a loss that has nothing to say to it
        if sr.requires_grad:
            sr.register_hook(  # type: ignore[no-untyped-call] # torch's own
                lambda gradient: norms.append(torch.linalg.vector_norm(gradient.float()))
            )

    @torch.no_grad()
    def look(self, sr: Tensor, patches: PatchBatch) -> None:
        """Compare a part of the batch with LR, unless SR is no whole picture (a network may learn single pixels).

        Args:
            sr: the network's final prediction, N×C×H'×W'.
            patches: the part it was made from.
        """
        lr = patches.lr.float()
        if sr.ndim != 4 or sr.shape != (*lr.shape[:2], *sr_size((lr.shape[-2], lr.shape[-1]), patches.scale)):
            return
        vertical, horizontal = per_axis(patches.scale)
        size = min(sr.shape[-2], lr.shape[-2]), min(sr.shape[-1], lr.shape[-1])
        shrunk = _resized(sr, (min(1, 1 / vertical), min(1, 1 / horizontal)), size)
        known = _resized(lr, (min(1, vertical), min(1, horizontal)), size)
        difference = LEVELS * (shrunk - known)
        block = min(BLOCK, size[0]), min(BLOCK, size[1])
        self._means.append(difference.mean(dim=(2, 3)))
        self._blocks.append(F.avg_pool2d(difference, block).square().mean(dim=(1, 2, 3)))

    def curves(self) -> dict[str, Tensor]:
        """What was found, once the backward pass is over.

        `gradient on SR/<loss>`: the norm of the gradient of SR that comes from each loss, weighted, over the batch.
        `drift/<plane>`: SR shrunk to the size of LR minus LR, in levels (`red`, `green`, `blue`; `y`; or numbers).
        `drift/low frequency`: the root of the mean square of that difference, averaged in squares of `BLOCK`, of each
        sample; then their mean. HR itself stays 0.1 away from LR of 8 bits.
        """
        found = {
            f"gradient on SR/{name}": torch.linalg.vector_norm(torch.stack(norms)) * self._factor
            for name, norms in self._norms.items()
        }
        if self._means:
            means = torch.cat(self._means).mean(dim=0)
            found |= {f"drift/{name}": mean for name, mean in zip(_planes(len(means)), means, strict=True)}
            found["drift/low frequency"] = torch.cat(self._blocks).sqrt().mean()  # a mean: over devices too
        return found


def _planes(count: int) -> tuple[str, ...]:
    return {1: ("y",), 3: ("red", "green", "blue")}.get(count) or tuple(str(plane) for plane in range(count))


def _resized(image: Tensor, scale: tuple[float, float], size: tuple[int, int]) -> Tensor:
    """Shrunk by antialiased bicubic, unrounded."""
    return image if scale == (1, 1) else resize(image, scale, size)
