"""Region-level non-local attention: every place of a quarter of the picture looks at all places of that quarter."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import full_precision


class RegionNonLocal(nn.Module):
    """One non-local block for each quarter of the picture (Dai et al., SAN, CVPR 2019, section 3.4).

    In float32 also under autocast: rounded embeddings would choose other places. Of pictures with an odd side, the
    quarters below and on the right are one pixel larger. Memory grows with the number of places, not with its square,
    where PyTorch's attention is a fused one: on CPUs, and on CUDA where `embedded` is a multiple of 4. Time grows with
    the square all the same.

    Args:
        width: maps that come in and go out.
        embedded: maps in which places are compared.
    """

    def __init__(self, width: int, embedded: int) -> None:
        super().__init__()
        self.non_local = _NonLocal(width, embedded)

    def forward(self, features: Tensor) -> Tensor:
        """N×F×H×W to the same, in float32 or float64."""
        with full_precision(features) as (features,):
            found: Tensor = self.non_local(features)
            return found


class _NonLocal(nn.Module):
    """x + W · softmax(theta(x)ᵀ phi(x)) g(x), an embedded Gaussian (Wang et al., CVPR 2018); W starts at 0."""

    def __init__(self, width: int, embedded: int) -> None:
        super().__init__()
        self.g, self.theta, self.phi = (nn.Conv2d(width, embedded, 1) for _ in range(3))
        self.W = nn.Conv2d(embedded, width, 1)
        nn.init.zeros_(self.W.weight)
        nn.init.zeros_(self.W.bias)  # type: ignore[arg-type] # it has one

    def forward(self, features: Tensor) -> Tensor:
        embeddings = self.theta(features), self.phi(features), self.g(features)
        rows, columns = (_halves(length) for length in features.shape[-2:])
        strips = []
        for height in zip(*(maps.split(rows, dim=2) for maps in embeddings), strict=True):
            quarters = zip(*(maps.split(columns, dim=3) for maps in height), strict=True)
            strips.append(torch.cat([_attended(*quarter) for quarter in quarters], dim=3))
        added: Tensor = self.W(torch.cat(strips, dim=2))
        return features + added


def _halves(length: int) -> list[int]:
    return [half for half in (length // 2, length - length // 2) if half]


def _attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Of each place the mean of all values, weighted by how alike query and key are; all N×E×H×W."""
    found = F.scaled_dot_product_attention(_places(query), _places(key), _places(value), scale=1.0)
    return found.squeeze(1).transpose(1, 2).reshape(query.shape)


def _places(maps: Tensor) -> Tensor:
    """N×1×HW×E of N×E×H×W; each place's numbers in a row, or else no fused attention takes them."""
    return maps.flatten(2).transpose(1, 2).unsqueeze(1).contiguous()
