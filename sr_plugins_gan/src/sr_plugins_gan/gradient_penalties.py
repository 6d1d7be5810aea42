"""Penalties on a discriminator's slope with regard to the picture.

Both run the discriminator once more, in full precision: in bfloat16 the gradient of a gradient is noise. The slope is
that of a picture's score, the mean of its verdicts; public releases sum a map of verdicts instead, which is the same
where there is one verdict a picture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sr_core import Discriminator, full_precision
from sr_plugins_gan.objectives import scores


def interpolation_penalty(discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
    """Mean of (‖∇D‖ − 1)² between real and made pictures (WGAN-GP: Gulrajani et al., NeurIPS 2017, equation 3).

    The norm runs over all planes and pixels of a picture; some releases take it over planes alone.

    Args:
        discriminator: without batch normalisation, so that a picture's score is its own.
        real: N×C×H×W.
        fake: N×C×H×W; each is mixed with the real one of its place, by a share drawn for each pair.
    """
    with full_precision(real, fake) as (real, fake):
        share = torch.rand((len(real), 1, 1, 1), device=real.device, dtype=real.dtype)
        slope = _slope(discriminator, torch.lerp(fake, real, share))
        penalty: Tensor = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        return penalty


def squared_slope(discriminator: Discriminator, real: Tensor) -> Tensor:
    """Mean of ‖∇D‖² on real pictures N×C×H×W: R1 without its γ/2 (Mescheder et al., ICML 2018, equation 9)."""
    with full_precision(real) as (real,):
        return _slope(discriminator, real).square().flatten(1).sum(dim=1).mean()


def _slope(discriminator: Discriminator, pictures: Tensor) -> Tensor:
    """The gradient of each picture's score, N×C×H×W, through which the discriminator can be taught."""
    pictures = pictures.detach().requires_grad_()
    total = scores(discriminator(pictures)).sum()
    (slope,) = torch.autograd.grad(total, pictures, create_graph=True)
    return slope
