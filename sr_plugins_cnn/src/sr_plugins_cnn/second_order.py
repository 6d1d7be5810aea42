"""Second-order channel attention: the weight of each map from how all maps vary together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sr_core import full_precision
from sr_plugins_cnn.channel_attention import channel_weights

ITERATIONS = 5
"""Of Newton and Schulz, as in SAN (Dai et al., CVPR 2019)."""
_SMALLEST_TRACE = 1e-12
"""Maps that do not vary at all, as of one pixel, have a covariance of 0: its root is 0, not 0 / 0."""


def covariance(features: Tensor) -> Tensor:
    """How the maps of each picture vary together over all its places, N×F×F from N×F×H×W."""
    maps = features.flatten(2)
    centred = maps - maps.mean(dim=2, keepdim=True)
    return centred @ centred.transpose(1, 2) / maps.shape[2]


def matrix_square_root(matrices: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """The square roots of positive semi-definite matrices, nearly, by the coupled iteration of Newton and Schulz.

    It consists of products alone, so it is fast where a decomposition is slow (Li et al., CVPR 2018, iSQRT-COV). The
    largest directions are found first; after the 5 iterations of the paper the small ones are still too small.

    Args:
        matrices: N×F×F, float32 or float64.
        iterations: more come closer.
    """
    trace = matrices.diagonal(dim1=1, dim2=2).sum(dim=1).view(-1, 1, 1).clamp(min=_SMALLEST_TRACE)
    one = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    root, inverse = matrices / trace, one.expand_as(matrices)  # eigenvalues in 0 … 1, where it converges
    for _ in range(iterations):
        step = 1.5 * one - 0.5 * inverse @ root
        root, inverse = root @ step, step @ inverse
    return root * trace.sqrt()


class SecondOrderAttention(nn.Module):
    """Features times weights that come from the root of their covariance (Dai et al., SAN, CVPR 2019, section 3.3).

    Covariance and root are float32 also under autocast, and read the whole picture; the authors' code leaves out what
    is further than 500 pixels (in `TrainCode`; 100 in `code`) from its middle, to save time. Names as there.

    Args:
        width: maps.
        reduction: how many times fewer there are between the two convolutions.
    """

    def __init__(self, width: int, reduction: int) -> None:
        super().__init__()
        self.conv_du = channel_weights(width, reduction)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same."""
        with full_precision(features) as (exact,):
            root = matrix_square_root(covariance(exact))
            weights: Tensor = self.conv_du(root.mean(dim=1)[..., None, None])
        return features * weights.to(features.dtype)
