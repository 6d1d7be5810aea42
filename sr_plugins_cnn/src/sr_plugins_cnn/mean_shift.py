"""The colour mean of DIV2K, which EDSR and its followers subtract in front and add at the end."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean red, green and blue of DIV2K's training pictures, of 1 (Lim et al., EDSR-PyTorch)."""
LEVELS = 255
"""The range of values inside EDSR and its followers."""


class MeanShift(nn.Module):
    """Adds `sign` · mean to a picture of range 0 … 255 (or 0 … `levels`): a 1×1 convolution that never learns.

    Its tensors are stored with the weights under EDSR-PyTorch's names. Pictures that are not RGB have no such mean;
    they pass through.

    Args:
        planes: of the picture.
        sign: −1 in front, 1 at the end.
        rgb: whether the planes are red, green and blue.
        levels: the largest value of the picture.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, planes: int, sign: int, *, rgb: bool, levels: int = LEVELS) -> None:
        super().__init__()
        mean = torch.tensor(DIV2K_MEAN) if rgb else torch.zeros(planes)
        self.register_buffer("weight", torch.eye(planes).view(planes, planes, 1, 1))
        self.register_buffer("bias", sign * levels * mean)

    def forward(self, levels: Tensor) -> Tensor:
        """N×C×H×W to the same, shifted."""
        return F.conv2d(levels, self.weight, self.bias)


def stored_means(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network's `sub_mean` and `add_mean` by their names, for published files that have none."""
    return {
        name: tensor for name, tensor in network.state_dict().items() if name.startswith(("sub_mean.", "add_mean."))
    }
