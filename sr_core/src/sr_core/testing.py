"""Conformance checks, one for each contract: what a component promises by deriving from it, tried out.

Plugin authors call them in their own tests; the project calls them for every component that is installed:

    from sr_core.testing import check_upsampler
    from my_package.mine import Mine

    def test_mine_keeps_the_contract():
        check_upsampler(Mine())

Each check raises `AssertionError` with what was promised, what was seen, and what to change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import pluggy
import torch
from torch import Tensor

from sr_core import hooks
from sr_core.component import Component, Distribution
from sr_core.conformance import SIZES, check_constructor, expect, pictures, plane_count
from sr_core.imaging.size import Scale, degraded_size, per_axis, sr_size
from sr_core.inference.engine import super_resolve
from sr_core.interfaces.capabilities import ScaleRange, Scales
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.loss import Batch, LearnedLoss, Loss
from sr_core.interfaces.metric import LowResolutionMetric, Metric, SetMetric
from sr_core.interfaces.model import AnyScaleModel, Grid, Model
from sr_core.interfaces.randomness import SampleRandom
from sr_core.interfaces.upsampler import Upsampler
from sr_core.registry import Registrar
from sr_core.testing_parts import check_backbone, check_discriminator, check_feature_network

__all__ = [
    "check_backbone",
    "check_constructor",
    "check_degradation",
    "check_discriminator",
    "check_feature_network",
    "check_loss",
    "check_metric",
    "check_model",
    "check_plugin",
    "check_upsampler",
]


def check_upsampler(upsampler: Upsampler, scales: Sequence[Scale] = ()) -> None:
    """An upsampler keeps its contract: sizes, planes, batches, and an untouched input.

    Args:
        upsampler: built, on the CPU.
        scales: to try; by default a few that it says it takes.
    """
    expect(isinstance(upsampler, Upsampler), "derive the class from sr_core.Upsampler")
    check_constructor(type(upsampler))
    for scale in scales or _some_scales(upsampler.scales):
        _check_enlarging(upsampler, scale)


def check_model(model: Model, scales: Sequence[Scale] = ()) -> None:
    """A network keeps its contract: sizes, batches, predictions that can be trained on, and (any scale) its split.

    Args:
        model: built, on the CPU.
        scales: to try; by default a few that it says it takes.
    """
    expect(isinstance(model, Model), "derive the class from sr_core.Model")
    expect(hasattr(model, "scales"), "set 'scales', e.g. scales = frozenset({2, 3, 4})")
    check_constructor(type(model))
    training = model.training
    model.eval()
    for scale in scales or _some_scales(model.scales):
        _check_enlarging(model, scale)
        if min(per_axis(scale)) >= 1:
            _check_predictions(model, scale)
        if isinstance(model, AnyScaleModel):
            _check_split(model, scale)
    model.train(training)


def check_loss(loss: Loss, side: int = 32) -> None:
    """A loss keeps its contract: scalar terms, finite, and a gradient for SR.

    Args:
        loss: built, on the CPU.
        side: of the SR pictures that are tried, an even number of pixels; larger for a loss that needs larger ones.
    """
    expect(isinstance(loss, Loss), "derive the class from sr_core.Loss")
    check_constructor(type(loss))
    planes = plane_count(loss.channels)
    sr, hr = (pictures(2, planes, (side, side), seed=seed) for seed in (1, 2))
    sr.requires_grad_()
    batch = Batch(lr=pictures(2, planes, (side // 2, side // 2), seed=3), scale=2, step=0, progress=0.0)
    total = _sum_of_terms(loss(sr, hr, batch), "forward")
    (gradient,) = torch.autograd.grad(total, sr, allow_unused=True)
    expect(gradient is not None and bool(gradient.isfinite().all()), "SR must get a finite gradient")
    if isinstance(loss, LearnedLoss):
        _check_learning(loss, sr.detach(), hr, batch)


def check_degradation(degradation: Degradation, scales: Sequence[Scale] = (2, 3, 1.7, 2.3, 2.5)) -> None:
    """A degradation keeps its contract: sizes, planes, and chance only from `random`, sample by sample."""
    expect(isinstance(degradation, Degradation), "derive the class from sr_core.Degradation")
    check_constructor(type(degradation))
    for scale in scales:
        size = sr_size((12, 10), scale)
        hr = pictures(2, 3, size, seed=4)
        lr = _degraded(degradation, hr, scale, [0, 1])
        expected = (2, 3, *degraded_size(size, scale))
        expect(
            tuple(lr.shape) == expected,
            f"LR must be {expected} (see sr_core.degraded_size), it is {tuple(lr.shape)}",
        )
        again = _degraded(degradation, hr, scale, [0, 1])
        expect(
            torch.equal(lr, again),
            "the same seed, step and index must give the same LR; draw from 'random' alone",
        )
        alone = _degraded(degradation, hr[1:], scale, [1])
        message = "a sample's LR must not depend on the rest of its batch; use one row of 'random' a sample"
        expect(torch.allclose(lr[1:], alone, atol=1e-5), message)
        if degradation.deterministic:
            other = _degraded(degradation, hr, scale, [5, 6])
            expect(torch.equal(lr, other), "it depends on chance: set deterministic = False")


def check_metric(metric: Metric | LowResolutionMetric | SetMetric) -> None:
    """A metric keeps its contract: one finite value a picture (or set), and equal pictures are the best."""
    known = isinstance(metric, Metric | LowResolutionMetric | SetMetric)
    expect(known, "derive the class from sr_core.Metric or sr_core.SetMetric")
    check_constructor(type(metric))
    planes = plane_count(metric.channels)
    hr = pictures(2, planes, (192, 192), seed=5).double()
    near, far = ((hr + amount * torch.randn_like(hr)).clamp(0, 1) for amount in (0.01, 0.2))
    if isinstance(metric, SetMetric):
        expect(isinstance(metric([near[:1], near[1:]], [hr[:1], hr[1:]]), float), "a set metric gives one float")
        return
    if isinstance(metric, LowResolutionMetric):
        _check_figures(lambda sr, lr: metric(sr, lr, 2), near, pictures(2, planes, (96, 96), seed=11).double())
        return
    _check_figures(metric, near, hr)
    if metric.needs == "hr":
        values = metric(near, hr)
        better = values > metric(far, hr) if metric.higher_is_better else values < metric(far, hr)
        expect(bool(better.all()), "less noise must be better; check 'higher_is_better'")


def _check_figures(metric: Callable[[Tensor, Tensor], Tensor], sr: Tensor, reference: Tensor) -> None:
    """One finite value for each of two pictures, whatever their batch."""
    values = metric(sr, reference)
    expect(tuple(values.shape) == (2,), f"a metric gives N values, here 2; it gave {tuple(values.shape)}")
    expect(bool(values.isfinite().all()), f"values must be finite, they are {values.tolist()}")
    single = metric(sr[:1], reference[:1])
    expect(
        torch.allclose(values[:1].double(), single.double(), rtol=1e-5),
        "a picture's value must not depend on the batch",
    )


def check_plugin(plugin: ModuleType) -> tuple[Component, ...]:
    """A plugin module answers known hooks, registers components, and each one can be imported.

    Returns:
        The registered components.
    """
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(plugin)
    manager.check_pending()
    expect(bool(manager.get_hookcallers(plugin)), "mark srkit_register with @sr_core.hookimpl")
    registrar = Registrar(Distribution("plugin-under-test", "0"))
    manager.hook.srkit_register(registry=registrar)
    for component in registrar.components:
        check_constructor(component.load())
    return registrar.components


def _check_enlarging(method: Upsampler | Model, scale: Scale) -> None:
    """Sizes for every tried LR size; the engine itself checks the shape and says what was promised."""
    planes = plane_count(method.channels)
    for size in SIZES:
        image = pictures(1, planes, size, seed=6)
        before = image.clone()
        super_resolve(method, image, scale)
        expect(torch.equal(image, before), "the input must not be changed in place")
    pair = pictures(2, planes, SIZES[0], seed=7)
    together = super_resolve(method, pair, scale)
    alone = super_resolve(method, pair[1:], scale)
    expect(torch.allclose(together[1:], alone, atol=1e-4), "a picture's result must not depend on its batch")


def _check_predictions(model: Model, scale: Scale) -> None:
    planes = plane_count(model.channels)
    side = 24 * model.multiple
    lr = pictures(2, planes, (side, side), seed=8)
    hr = pictures(2, planes, sr_size((side, side), scale), seed=9)
    predictions = model.predictions(lr, hr, scale, 0.0)
    names = [prediction.name for prediction in predictions]
    expect(len(names) > 0 and len(set(names)) == len(names), f"predictions need different names, found {names}")
    for prediction in predictions:
        shapes = tuple(prediction.image.shape), tuple(prediction.target.shape)
        expect(
            shapes[0] == shapes[1],
            f"prediction '{prediction.name}': image and target differ in shape: {shapes}",
        )


def _check_split(model: AnyScaleModel, scale: Scale) -> None:
    """Decoding a part of the grid gives that part of the whole."""
    lr = pictures(1, plane_count(model.channels), SIZES[0], seed=10)
    with torch.inference_mode():
        features = model.encode(lr)
        grid = Grid.of(SIZES[0], scale)
        whole = model.decode(features, grid, scale)
        part = model.decode(features, grid.cut(slice(3, 9), slice(2, 7)), scale)
    expect(
        torch.allclose(whole[..., 3:9, 2:7], part, atol=4e-5),
        "decode must give the same pixels for a part of the grid",
    )


def _check_learning(loss: LearnedLoss, sr: Tensor, hr: Tensor, batch: Batch) -> None:
    terms = loss.own_objective(sr, hr, batch)
    expect("objective" in terms, f"own_objective must hold 'objective', it holds {sorted(terms)}")
    parameters = [parameter for parameter in loss.parameters() if parameter.requires_grad]
    expect(bool(parameters), "a learned loss needs parameters of its own")
    gradients = torch.autograd.grad(terms["objective"], parameters, allow_unused=True)
    expect(any(gradient is not None for gradient in gradients), "its objective must reach its parameters")
    loss.after_own_step()


def _sum_of_terms(terms: Tensor | dict[str, Tensor], what: str) -> Tensor:
    tensors = list(terms.values()) if isinstance(terms, dict) else [terms]
    for tensor in tensors:
        expect(
            tensor.ndim == 0 and bool(tensor.isfinite()),
            f"{what} must give finite scalars, gave {tuple(tensor.shape)}",
        )
    return torch.stack(tensors).sum()


def _degraded(degradation: Degradation, hr: Tensor, scale: Scale, indices: Sequence[int]) -> Tensor:
    made = degradation(hr, scale, SampleRandom(1, 0, indices))
    lr: Tensor = made[0] if isinstance(made, tuple) else made
    return lr


def _some_scales(scales: Scales) -> list[float]:
    if isinstance(scales, ScaleRange):
        tried = (0.5, 1, 1.37, 2, 2.5, 3, 4)
        return [scale for scale in tried if scale in scales] or [scales.low, scales.high]
    return sorted(scales)
