"""What `sr_core` offers is frozen here, and importing it costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sr_core

OFFERED = {
    *("__version__", "SrkitError", "hookimpl", "upscale", "load_model", "resize", "full_precision"),
    *("degraded_size", "lr_size", "sr_size"),
    *("Picture", "read_picture", "write_picture", "Scale", "Channels", "ScaleRange"),
    *("Upsampler", "Model", "AnyScaleModel", "FittedModel", "Grid", "Prediction", "TrainingPair"),
    *("Part", "Backbone", "Discriminator", "FeatureNetwork"),
    *("read_tensors", "fetch", "cached_path"),
    *("Loss", "LearnedLoss", "Batch", "batch_mean", "Degradation", "SampleRandom", "Metric", "SetMetric"),
}


def test_the_public_names_are_these() -> None:
    assert set(sr_core.__all__) == OFFERED
    assert set(dir(sr_core)) == OFFERED


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(sr_core, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'upscal'"):
        sr_core.upscal  # noqa: B018


def test_importing_the_core_and_every_plugin_loads_neither_torch_nor_pydantic() -> None:
    code = "import sys, sr_core, sr_core.cli; from sr_core.discovery import discover; discover(); "
    code += "print([name for name in ('torch', 'pydantic', 'numpy', 'PIL') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_package_below_the_core_and_every_plugin_has_an_empty_init_file() -> None:
    core = Path(sr_core.__file__).parent
    plugins = Path(__file__).parents[2].glob("sr_plugins_*/src/*/__init__.py")
    for init in [*core.glob("*/__init__.py"), *plugins]:
        assert init.read_text(encoding="utf-8") == "", init
