"""Conformance checks of parts, one for each role; `sr_core.testing` offers them."""

from __future__ import annotations

import torch
from torch import Tensor

from sr_core.conformance import SIZES, check_constructor, expect, pictures, plane_count
from sr_core.interfaces.part import Backbone, Discriminator, FeatureNetwork


def check_backbone(backbone: Backbone) -> None:
    """A backbone keeps its contract: features of the picture's size, sample by sample, that see as far as it says.

    Args:
        backbone: built, on the CPU.
    """
    expect(isinstance(backbone, Backbone), "derive the class from sr_core.Backbone")
    check_constructor(type(backbone))
    backbone.check_facts()
    training = backbone.training
    backbone.eval()
    planes, multiple, margin = plane_count(backbone.channels), backbone.multiple, backbone.margin
    with torch.inference_mode():
        for height, width in SIZES:
            lr = pictures(2, planes, (height * multiple, width * multiple), seed=12)
            before = lr.clone()
            features, alone = backbone(lr), backbone(lr[1:])
            expect(torch.equal(lr, before), "the input must not be changed in place")
            expected = (2, backbone.width, *lr.shape[-2:])
            found = tuple(features.shape)
            expect(found == expected, f"features must be {expected} (the picture's size), they are {found}")
            expect(torch.allclose(features[1:], alone, atol=1e-4), "features must not depend on the batch")
        if margin is not None:
            beyond = -(-(margin + 1) // multiple) * multiple
            lr = pictures(1, planes, (multiple, beyond + 4 * multiple), seed=13)
            cut = backbone(lr[..., : -2 * multiple])
            seen = backbone(lr)[..., : cut.shape[-1]]
            inside = cut.shape[-1] - margin
            message = f"features depend on more than 'margin' = {margin} pixels around them"
            expect(torch.allclose(seen[..., :inside], cut[..., :inside], atol=1e-4), message)
    backbone.train(training)


def check_feature_network(network: FeatureNetwork, size: tuple[int, int] = (64, 72)) -> None:
    """A feature network keeps its contract: every layer that it names, sample by sample, and the same while training.

    Args:
        network: built, on the CPU.
        size: of the pictures to try, where 64×72 is too small for it.
    """
    expect(isinstance(network, FeatureNetwork), "derive the class from sr_core.FeatureNetwork")
    check_constructor(type(network))
    network.check_facts()
    training = network.training
    network.eval()
    image = pictures(2, 3, size, seed=14)
    before, layers = image.clone(), list(network.widths)
    with torch.no_grad():
        together = network(image, layers)
        expect(torch.equal(image, before), "the input must not be changed in place")
        expect(sorted(together) == sorted(layers), f"asked for {layers}, it gave {list(together)}")
        for layer, features in together.items():
            shape, width = tuple(features.shape), network.widths[layer]
            right = features.ndim == 4 and shape[:2] == (2, width)
            expect(right, f"layer '{layer}' must be 2×{width}×h×w as 'widths' says, it is {shape}")
            expect(bool(features.isfinite().all()), f"layer '{layer}' must be finite")
            alone = network(image, [layer])[layer]
            message = f"layer '{layer}' differs when it is asked for alone; does a layer behind it work in place?"
            expect(torch.allclose(features, alone, atol=1e-4), message)
        single, while_training = network(image[1:], layers), network.train()(image, layers)
        for layer, features in together.items():
            message = f"layer '{layer}' must not depend on the batch"
            expect(torch.allclose(features[1:], single[layer], rtol=1e-3, atol=1e-4), message)
            message = f"layer '{layer}' must be the same while training: a judge's statistics are fixed"
            expect(torch.allclose(features, while_training[layer], rtol=1e-3, atol=1e-4), message)
    network.train(training)
    _expect_gradient(network(image.requires_grad_(), layers[-1:])[layers[-1]], image)


def check_discriminator(discriminator: Discriminator, size: tuple[int, int] = (96, 96)) -> None:
    """A discriminator keeps its contract: stages, a verdict of one plane as the last, and gradients both ways.

    Args:
        discriminator: built, on the CPU.
        size: of the pictures to try.
    """
    expect(isinstance(discriminator, Discriminator), "derive the class from sr_core.Discriminator")
    check_constructor(type(discriminator))
    discriminator.check_facts()
    training = discriminator.training
    discriminator.eval()
    image = pictures(2, plane_count(discriminator.channels), size, seed=15)
    before = image.clone()
    with torch.no_grad():
        stages = discriminator.stages(image)
        expect(torch.equal(image, before), "the input must not be changed in place")
        expect(len(stages) > 0, "stages must end with the verdict, there are none")
        expect(all(len(stage) == 2 for stage in stages), "every stage must have one entry a picture")
        verdict = stages[-1]
        shape = tuple(verdict.shape)
        expect(shape == (2, 1) or (verdict.ndim == 4 and shape[1] == 1), f"a verdict is N×1 or N×1×h×w, it is {shape}")
        expect(bool(verdict.isfinite().all()), "the verdict must be finite")
        same = torch.allclose(verdict, discriminator(image), atol=1e-4)
        expect(same, "forward must give the verdict, the last of the stages")
        message = "a verdict must not depend on the batch, except by batch normalisation while training"
        expect(torch.allclose(verdict[1:], discriminator(image[1:]), rtol=1e-3, atol=1e-4), message)
    discriminator.train()
    verdict = discriminator(image.requires_grad_())
    _expect_gradient(verdict, image)
    parameters = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
    expect(bool(parameters), "a discriminator needs parameters that learn")
    gradients = torch.autograd.grad(discriminator(image).sum(), parameters, allow_unused=True)
    expect(any(gradient is not None for gradient in gradients), "its verdict must depend on its parameters")
    discriminator.train(training)


def _expect_gradient(made: Tensor, image: Tensor) -> None:
    """A network learns through what looks at its pictures."""
    (gradient,) = torch.autograd.grad(made.sum(), image, allow_unused=True) if made.requires_grad else (None,)
    reached = gradient is not None and bool(gradient.isfinite().all()) and bool(gradient.any())
    expect(reached, "the picture must get a finite gradient")
