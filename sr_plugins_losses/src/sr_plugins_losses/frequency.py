"""The spectrum of SR against that of HR."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from sr_core import Batch, Loss, full_precision


class Frequency(Loss):
    """L1 between the Fourier transforms of SR and HR: each frequency counts alike, where pixels favour the low ones.

    The transform is that of each plane as a whole, orthonormal (white noise has one size in pixels and frequencies),
    and the mean runs over all frequencies and planes.

    Args:
        compare: `amplitude`: how much there is of each frequency, | |F(SR)| − |F(HR)| |, wherever it is: a picture and
            its shifted self are alike, so add a loss that compares pixels. `complex`: amplitude and phase at once,
            |F(SR) − F(HR)| (Cho et al., MIMO-UNet, ICCV 2021, who take real and imaginary part apart).
    """

    def __init__(self, compare: Literal["amplitude", "complex"] = "amplitude") -> None:
        super().__init__()
        self.compare = compare

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """Compare `sr` with `hr`, both N×C×H×W; a scalar."""
        del batch
        with full_precision(sr, hr) as (sr, hr):
            if self.compare == "complex":
                return _spectrum(sr - hr).abs().mean()
            return (_spectrum(sr).abs() - _spectrum(hr).abs()).abs().mean()


def _spectrum(image: Tensor) -> Tensor:
    spectrum: Tensor = torch.fft.fft2(image, norm="ortho")
    return spectrum
