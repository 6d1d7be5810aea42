"""srkit's core: what plugin authors and scripts import, each name loaded when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sr_core.checkpoint import read_tensors as read_tensors
    from sr_core.errors import SrkitError as SrkitError
    from sr_core.fetching import cached_path as cached_path
    from sr_core.fetching import fetch as fetch
    from sr_core.hooks import hookimpl as hookimpl
    from sr_core.imaging.files import Picture as Picture
    from sr_core.imaging.files import read_picture as read_picture
    from sr_core.imaging.files import write_picture as write_picture
    from sr_core.imaging.resize import resize as resize
    from sr_core.imaging.size import Scale as Scale
    from sr_core.imaging.size import degraded_size as degraded_size
    from sr_core.imaging.size import lr_size as lr_size
    from sr_core.imaging.size import sr_size as sr_size
    from sr_core.interfaces.capabilities import Channels as Channels
    from sr_core.interfaces.capabilities import ScaleRange as ScaleRange
    from sr_core.interfaces.collective import batch_mean as batch_mean
    from sr_core.interfaces.degradation import Degradation as Degradation
    from sr_core.interfaces.loss import Batch as Batch
    from sr_core.interfaces.loss import LearnedLoss as LearnedLoss
    from sr_core.interfaces.loss import Loss as Loss
    from sr_core.interfaces.metric import Metric as Metric
    from sr_core.interfaces.metric import SetMetric as SetMetric
    from sr_core.interfaces.model import AnyScaleModel as AnyScaleModel
    from sr_core.interfaces.model import FittedModel as FittedModel
    from sr_core.interfaces.model import Grid as Grid
    from sr_core.interfaces.model import Model as Model
    from sr_core.interfaces.model import Prediction as Prediction
    from sr_core.interfaces.model import TrainingPair as TrainingPair
    from sr_core.interfaces.part import Backbone as Backbone
    from sr_core.interfaces.part import Discriminator as Discriminator
    from sr_core.interfaces.part import FeatureNetwork as FeatureNetwork
    from sr_core.interfaces.part import Part as Part
    from sr_core.interfaces.precision import full_precision as full_precision
    from sr_core.interfaces.randomness import SampleRandom as SampleRandom
    from sr_core.interfaces.upsampler import Upsampler as Upsampler
    from sr_core.upscaling import upscale as upscale
    from sr_core.weights import load_model as load_model

__version__ = "0.1.0"

_HOME = {
    "read_tensors": "checkpoint",
    "SrkitError": "errors",
    "cached_path": "fetching",
    "fetch": "fetching",
    "hookimpl": "hooks",
    "Picture": "imaging.files",
    "read_picture": "imaging.files",
    "write_picture": "imaging.files",
    "resize": "imaging.resize",
    "Scale": "imaging.size",
    "degraded_size": "imaging.size",
    "lr_size": "imaging.size",
    "sr_size": "imaging.size",
    "Channels": "interfaces.capabilities",
    "ScaleRange": "interfaces.capabilities",
    "batch_mean": "interfaces.collective",
    "Degradation": "interfaces.degradation",
    "Batch": "interfaces.loss",
    "LearnedLoss": "interfaces.loss",
    "Loss": "interfaces.loss",
    "Metric": "interfaces.metric",
    "SetMetric": "interfaces.metric",
    "AnyScaleModel": "interfaces.model",
    "FittedModel": "interfaces.model",
    "Grid": "interfaces.model",
    "Model": "interfaces.model",
    "Prediction": "interfaces.model",
    "TrainingPair": "interfaces.model",
    "Backbone": "interfaces.part",
    "Discriminator": "interfaces.part",
    "FeatureNetwork": "interfaces.part",
    "Part": "interfaces.part",
    "full_precision": "interfaces.precision",
    "SampleRandom": "interfaces.randomness",
    "Upsampler": "interfaces.upsampler",
    "upscale": "upscaling",
    "load_model": "weights",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'sr_core' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sr_core.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
