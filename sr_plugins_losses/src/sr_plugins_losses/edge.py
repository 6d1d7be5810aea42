"""Edges of SR against those of HR."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from sr_core import Batch, Loss, SrkitError, full_precision


class Edge(Loss):
    """L1 between the edges of SR and of HR: a shift of brightness costs nothing, a blurred or misplaced edge does.

    The edges are derivatives where the 3×3 window fits, in pixel differences: with `sobel` the first in both
    directions, each weighted by (1, 2, 1)/4 across and (−1, 0, 1)/2 along, compared one by one and added; with
    `laplacian` the second, of the four neighbours less four times the pixel. Averaged over pixels and planes.

    Args:
        operator: `sobel` or `laplacian`; the latter sees finer detail, and noise.
    """

    def __init__(self, operator: Literal["sobel", "laplacian"] = "sobel") -> None:
        super().__init__()
        self.operator = operator

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """Compare `sr` with `hr`, both N×C×H×W; a scalar.

        Raises:
            SrkitError: they are smaller than 3×3 pixels.
        """
        del batch
        if min(sr.shape[-2:]) < 3:
            found = f"{sr.shape[-2]}×{sr.shape[-1]}"
            raise SrkitError(f"edges are found in targets of 3×3 pixels or more, this one is {found}")
        with full_precision(sr, hr) as (sr, hr):
            difference = sr - hr  # the filters are linear: their differences are the filtered difference
            if self.operator == "laplacian":
                return _laplacian(difference).abs().mean()
            return _sobel(difference).abs().mean() + _sobel(difference.mT).abs().mean()


def _sobel(image: Tensor) -> Tensor:
    """The horizontal derivative, written out: as a convolution it would be rounded to TF32 on some devices."""
    across = (image[..., :-2, :] + 2 * image[..., 1:-1, :] + image[..., 2:, :]) / 4
    return (across[..., 2:] - across[..., :-2]) / 2


def _laplacian(image: Tensor) -> Tensor:
    inner = image[..., 1:-1, 1:-1]
    rows = image[..., :-2, 1:-1] + image[..., 2:, 1:-1]
    return rows + image[..., 1:-1, :-2] + image[..., 1:-1, 2:] - 4 * inner
