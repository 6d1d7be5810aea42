"""Every network learns: a gradient reaches each parameter, and one batch is soon known by heart."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sr_core import Model, Prediction, resize
from sr_plugins_cnn.planes import plane_count
from tests.networks.catalogue import SmallNetwork
from tests.networks.every import every_network, every_scale

STEPS = 500
SIDE = 32


def pictures(planes: int, scale: int) -> Tensor:
    """Four pictures of fine waves and a disc in the range of Y, 4×planes×32×32.

    The waves are as fine as LR can just hold, where bicubic makes them faint: there is much to learn in few steps.
    """
    draw = torch.Generator().manual_seed(7)
    rows, columns = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")

    def drawn(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=draw))

    def wave() -> Tensor:
        turn, pace = drawn(0, math.pi), drawn(0.3, 0.9) * math.pi / scale
        return torch.sin(pace * (rows * math.cos(turn) + columns * math.sin(turn)) + drawn(0, 6))

    def picture() -> Tensor:
        disc = drawn(4, 8) - ((rows - drawn(0, SIDE)) ** 2 + (columns - drawn(0, SIDE)) ** 2).sqrt()
        waves = 0.5 + sum((0.15 * wave() for _ in range(3)), torch.zeros(()))
        return torch.lerp(waves, torch.tensor(drawn(0, 1)), torch.sigmoid(3 * disc))

    return torch.stack([torch.stack([picture() for _ in range(planes)]) for _ in range(4)]) * 219 / 255 + 16 / 255


def batch(network: Model, scale: int) -> tuple[Tensor, Tensor]:
    """LR and HR for it."""
    side = SIDE // scale * scale
    hr = pictures(plane_count(network.channels), scale)[..., :side, :side]
    return resize(hr, 1 / scale), hr


def objective(predictions: tuple[Prediction, ...]) -> Tensor:
    return torch.stack([p.weight * F.mse_loss(p.image, p.target) for p in predictions]).sum()


@every_scale
def test_a_gradient_reaches_every_parameter_within_three_steps(small: SmallNetwork, scale: int) -> None:
    """A network for several scales is shown them in turn."""
    network = small.build(scale).train()
    optimizer = torch.optim.Adam(network.parameters(), small.rate)
    unreached = dict(network.named_parameters())
    takes = [other for other in small.scales if other in network.scales]  # type: ignore[operator]
    for step in range(3):
        shown = takes[(takes.index(scale) + step) % len(takes)]
        optimizer.zero_grad()
        objective(network.predictions(*batch(network, shown), shown, step / 3)).backward()
        for name, parameter in network.named_parameters():
            if parameter.grad is not None:
                assert parameter.grad.isfinite().all(), name
                if parameter.grad.any():
                    unreached.pop(name, None)
        optimizer.step()
    assert not unreached


@pytest.mark.slow
@every_network
def test_one_batch_is_learned_by_heart(small: SmallNetwork) -> None:
    """Measured as it will be used: batch normalisation by its running statistics."""
    torch.manual_seed(0)
    network, scale = small.build(), small.scales[0]
    lr, hr = batch(network, scale)
    bicubic = resize(lr, scale)
    optimizer = torch.optim.Adam(network.parameters(), small.rate)
    share = math.inf
    for step in range(STEPS):
        optimizer.zero_grad()
        objective(network.train().predictions(lr, hr, scale, step / STEPS)).backward()
        optimizer.step()
        if step % 10 == 9:
            share = min(share, share_of_bicubic(network, lr, hr, scale, bicubic))
            if share <= 0.5:
                return
    pytest.fail(f"after {STEPS} steps its squared error is still {share:.2f} of bicubic's")


def share_of_bicubic(network: Model, lr: Tensor, hr: Tensor, scale: int, bicubic: Tensor) -> float:
    """The squared error of SR over that of bicubic, where SR is compared with HR at all."""
    with torch.no_grad():
        (sr,) = (p for p in network.eval().predictions(lr, hr, scale, 1.0) if p.name == "sr")
    cut = (hr.shape[-1] - sr.target.shape[-1]) // 2
    inner = slice(cut, hr.shape[-1] - cut)
    ours = F.mse_loss(sr.image, sr.target)
    return float(ours / F.mse_loss(bicubic[..., inner, inner], hr[..., inner, inner]))
