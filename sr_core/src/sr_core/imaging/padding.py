"""Pictures whose sides have to be multiples of something."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def continued(image: Tensor, multiple: int) -> Tensor:
    """N×C×H×W continued at the bottom and at the right by its last pixels, until both sides are multiples."""
    bottom, right = -image.shape[-2] % multiple, -image.shape[-1] % multiple
    return F.pad(image, (0, right, 0, bottom), mode="replicate") if bottom or right else image
