"""Every installed component keeps its contract: a new one is tested the day it registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sr_core import testing
from sr_core.component import Component
from sr_core.discovery import discover
from sr_core.metrics.perceptual import MissingLibraryError
from sr_core.parameters import check_parameters

CHECKS: dict[str, Callable[[Any], None]] = {
    "upsampler": testing.check_upsampler,
    "model": testing.check_model,
    "loss": testing.check_loss,
    "degradation": testing.check_degradation,
    "metric": testing.check_metric,
}
COMPONENTS = [component for component in discover().registry.all() if component.kind in CHECKS]


@pytest.mark.parametrize("component", COMPONENTS, ids=str)
def test_it_keeps_its_contract_with_default_parameters(component: Component) -> None:
    component_class = component.load()
    parameters = check_parameters(component_class, {}, {"scale": 2, "scales": [2, 3]})  # what the core fills
    try:
        built = component_class(**parameters)
    except MissingLibraryError as error:
        pytest.skip(str(error))
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
