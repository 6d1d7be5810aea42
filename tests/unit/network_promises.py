"""What every network of the official package promises beyond its contract, tried on any of them."""

from __future__ import annotations

import copy
from math import ceil, floor

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sr_core import Model, Scale, ScaleRange, sr_size
from sr_core.errors import ContractError
from sr_core.imaging.size import per_axis
from sr_core.inference.engine import super_resolve

LEVEL = 1 / 255


def check_margin(model: Model, scale: Scale) -> int:
    """The SR pixels of one LR pixel depend on LR as far as the margin says; at whole scales they do reach it.

    A network for a range of scales has one margin for all of them, and need not reach it at each.

    At other scales SR pixels lie elsewhere in each LR pixel, so four in a row are tried, and where a network works on
    squares of LR pixels, all of a square. Pictures are bright, so that they stay positive where a network subtracts the
    mean of all pictures.

    Returns:
        How far they reach.
    """
    assert model.margin is not None
    first, axes = model.margin + 2, per_axis(scale)
    side = 2 * first + max(4, model.multiple)
    model = copy.deepcopy(model).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # positive weights: no two ways from a pixel cancel, and no ReLU closes
        for parameter in model.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
            parameter.copy_((1 + torch.rand(parameter.shape, generator=generator, dtype=torch.float64)) / fan_in)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.register_forward_pre_hook(_scale_by_what_comes_in)
    lr = 0.6 + 0.4 * torch.rand((1, _planes(model), side, side), generator=generator, dtype=torch.float64)
    lr.requires_grad_()
    sr = model(lr, scale)
    reached, tried = 0, model.multiple if all(axis == int(axis) for axis in axes) else 4
    for centre in range(first, first + tried):
        # Of an SR pixel whose centre lies on an edge, both LR pixels are the one it belongs to.
        rows, columns = (slice(ceil(centre * axis - 0.5), floor((centre + 1) * axis - 0.5) + 1) for axis in axes)
        (gradient,) = torch.autograd.grad(sr[..., rows, columns].sum(), lr, retain_graph=True)
        places = gradient[0].abs().sum(dim=0).nonzero()
        reached = max(reached, int((places - centre).abs().max()))
    assert reached <= model.margin, f"SR depends on LR {reached} pixels away, the margin is {model.margin}"
    if all(axis == int(axis) for axis in axes) and not isinstance(model.scales, ScaleRange):
        assert reached == model.margin, f"SR depends on LR only {reached} pixels away, the margin is {model.margin}"
    return reached


def _scale_by_what_comes_in(layer: nn.Module, maps: tuple[Tensor]) -> None:
    """In use a normalisation then neither overflows what comes after it nor makes it negative."""
    assert isinstance(layer, nn.BatchNorm2d)
    layer.running_var = maps[0].detach().square().mean(dim=(0, 2, 3))


def check_one_pixel_and_odd_sizes(model: Model, scales: tuple[Scale, ...]) -> None:
    """Pictures of one pixel, one row, one column; under `inference_mode`."""
    planes = _planes(model)
    for scale in scales:
        for size in ((1, 1), (1, 7), (6, 1), (5, 8)):
            with torch.inference_mode():
                sr = model(torch.rand(2, planes, *size), scale)
            assert sr.shape == (2, planes, *sr_size(size, scale))
            assert sr.isfinite().all()


def check_first_weights_of_pytorch(model: Model) -> None:
    """Convolutions start as PyTorch starts them: evenly up to one over the square root of the fan-in."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d) and layer.weight.requires_grad]
    assert layers
    for layer in layers:
        bound = layer.weight[0].numel() ** -0.5
        assert layer.weight.abs().max() <= bound
        if layer.weight.numel() > 1000:
            assert layer.weight.abs().max() > 0.99 * bound
            assert layer.weight.detach().std().item() == pytest.approx(bound / 3**0.5, rel=0.04)
        if layer.bias is not None:
            assert 0 < layer.bias.abs().max() <= bound


def check_axes_that_differ_are_refused(model: Model, scale: tuple[float, float]) -> None:
    """It takes both of these scales, and the engine refuses it for one on each axis."""
    lr = torch.rand(1, _planes(model), 5, 6)
    for axis in scale:
        super_resolve(model, lr, axis)
    with pytest.raises(ContractError, match="alike on both axes"):
        super_resolve(model, lr, scale)


def check_copies(model: Model, scale: Scale) -> None:
    """A deep copy answers alike, and the network runs on `meta`, where nothing is computed."""
    planes = _planes(model)
    lr = torch.rand(1, planes, 9, 8)
    assert torch.equal(copy.deepcopy(model)(lr, scale), model(lr, scale))
    assert copy.deepcopy(model).to("meta")(lr.to("meta"), scale).shape == (1, planes, *sr_size((9, 8), scale))


def check_learning_and_low_precision(model: Model) -> None:
    """A few steps of Adam teach it to enlarge; autocast then moves SR by less than two levels, and SR is float32."""
    hr = pictures(2, 1, 24)
    lr = F.avg_pool2d(hr, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(60):
        (prediction,) = model.predictions(lr, hr, 2, 0.0)
        loss = F.mse_loss(prediction.image, prediction.target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.inference_mode():
        exact = model(lr, 2)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model(lr, 2)
    spread = (hr - hr.mean()).square().mean()
    assert (exact - hr).square().mean() < spread / 2, "it learned nothing"
    assert rounded.dtype == torch.float32
    assert (exact - rounded).abs().max() < 2 * LEVEL


def _planes(model: Model) -> int:
    return {"y": 1, "rgb": 3}[model.channels] if isinstance(model.channels, str) else model.channels


def pictures(count: int, planes: int, side: int) -> Tensor:
    """Smooth waves in the range of Y, N×C×side×side."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.rand((count, planes, 6, 6), generator=generator)
    smooth = F.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=True)
    return 16 / 255 + smooth * 219 / 255
