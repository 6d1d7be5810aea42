"""Every installed component keeps its contract: a new one is tested the day it registers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sr_core import testing
from sr_core.component import Component
from sr_core.discovery import discover
from sr_core.metrics.perceptual import MissingLibraryError

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
    try:
        built = component.load()()
    except MissingLibraryError as error:
        pytest.skip(str(error))
    CHECKS[component.kind](built)


def test_the_official_plugins_register_what_they_promise() -> None:
    names = {(component.kind, component.name) for component in COMPONENTS}
    upsamplers = {"nearest", "bilinear", "bicubic", "lanczos2", "lanczos3", "spline"}
    assert names >= {("upsampler", name) for name in upsamplers}
    metrics = {"psnr", "ssim", "ssim_global", "ms_ssim", "ifc", "vif", "vifp", "niqe", "consistency", "lpips", "dists"}
    assert names >= {("degradation", "bicubic")} | {("metric", name) for name in metrics}


def test_nothing_official_fails_to_load() -> None:
    assert not discover().failures
