"""BD: blurred, then every scale-th pixel, as RDN's and SRFBN's tables have it."""

from __future__ import annotations

from sr_core.degradations.gaussian import Gaussian


class BD(Gaussian):
    """The LR of the BD tables: Gaussian blur of 7×7, σ 1.6, then the pixel under the centre of each LR pixel.

    It is `gaussian` at its defaults; the tables are of ×3, where every third pixel is kept, the second first.

    Source: Zhang et al., CVPR 2018 (RDN) and its released scripts.
    """

    def __init__(self) -> None:
        super().__init__()
