"""Every installed component keeps its contract: a new one is tested the day it registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sr_core import testing
from sr_core.building import build
from sr_core.component import Component
from sr_core.discovery import discover
from sr_core.errors import SrkitError
from sr_core.interfaces.part import Backbone, Discriminator, FeatureNetwork, Part
from sr_core.parameters import ComponentReference

RANDOM = {"name": "vgg19", "weights": "random"}
PATCHES = {"name": "patchgan", "layers": 1, "width": 4}
GIVEN: dict[str, dict[str, Any]] = {
    **{name: {"network": RANDOM} for name in ("vgg", "texture", "contextual", "feature_distance")},
    **{name: {"weights": "random"} for name in ("vgg16", "vgg19", "resnet50")},
    "feature": {"network": RANDOM},
    "gan": {"discriminator": PATCHES},
    "downscaler": {"scale": 0.5, "width": 8},
    "cincgan": {
        "cleaner": {"name": "real_esrgan_compact", "scale": 1, "convolutions": 1, "width": 4},
        "enlarger": {"name": "real_esrgan_compact", "convolutions": 1, "width": 4},
    },
    "cycle": {"back": {"name": "downscaler", "scale": 0.5, "width": 4, "blocks": 1, "channels": "rgb"}},
    "compose": {"steps": ["bicubic"]},
}
"""Parameters that have no default that works anywhere: parts, published weights."""


def check_part(part: Part) -> None:
    """By its role."""
    checks: dict[type[Part], Callable[[Any], None]] = {
        Backbone: testing.check_backbone,
        FeatureNetwork: testing.check_feature_network,
        Discriminator: testing.check_discriminator,
    }
    (check,) = (check for role, check in checks.items() if isinstance(part, role))
    check(part)


CHECKS: dict[str, Callable[[Any], None]] = {
    "upsampler": testing.check_upsampler,
    "model": testing.check_model,
    "loss": testing.check_loss,
    "degradation": testing.check_degradation,
    "metric": testing.check_metric,
    "part": check_part,
}
REGISTRY = discover().registry
COMPONENTS = REGISTRY.all()


@pytest.mark.parametrize("component", COMPONENTS, ids=str)
def test_it_keeps_its_contract_with_default_parameters(component: Component) -> None:
    reference = ComponentReference.of(component.qualified_name, GIVEN.get(component.name, {}))
    if component.name == "learned":  # trained weights
        pytest.skip("it has no default: tests/unit/test_learned_degradation.py")
    filled: dict[str, Any] = {"scale": 2, "scales": [2, 3]}  # what the core fills
    if component.kind in ("loss", "part"):
        filled["channels"] = "rgb"
    try:
        built = build(REGISTRY, component.kind, reference, filled)
    except SrkitError as error:
        if component.name in ("lpips", "dists") and "which is not installed" in str(error):
            pytest.skip(str(error))
        raise
    if component.name == "ms_ssim" and component.kind == "loss":  # five halvings
        testing.check_loss(built, side=192)
    else:
        CHECKS[component.kind](built)


def test_the_official_plugins_register_what_they_promise() -> None:
    names = {(component.kind, component.name) for component in COMPONENTS}
    upsamplers = {"nearest", "bilinear", "bicubic", "lanczos2", "lanczos3", "spline"}
    assert names >= {("upsampler", name) for name in upsamplers}
    metrics = {"psnr", "ssim", "ssim_global", "ms_ssim", "ifc", "vif", "vifp", "niqe", "consistency", "lpips", "dists"}
    assert names >= {("degradation", "bicubic"), ("degradation", "gaussian")} | {("metric", name) for name in metrics}
    assert names >= {("model", name) for name in ("srcnn", "fsrcnn", "espcn", "vdsr")}
    assert names >= {("loss", name) for name in ("mse", "l1", "charbonnier")}


def test_nothing_official_fails_to_load() -> None:
    assert not discover().failures
