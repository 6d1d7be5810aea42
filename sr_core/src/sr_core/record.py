"""One figure with everything it depends on, as `results.json` keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from sr_core.protocol import Protocol
from sr_core.scales import Scale


class Record(BaseModel):
    """A metric of one candidate on one data set at one scale.

    Attributes:
        dataset: name of the data set.
        scale: SR size over LR size; a number, or (vertical, horizontal).
        candidate: name of the candidate.
        metric: name of the metric.
        protocol: how it was measured, with all parts.
        mean: the mean of the pictures' values; of a set metric, its value.
        per_image: picture → value; empty for a set metric.
        seconds_per_image: mean time of making SR, without reading and measuring; None for finished pictures.
        device: what SR was made on.
        precision: of making SR; figures themselves are computed in float64.
        low_resolution: where LR came from: `data set`, `unrounded bicubic`, or the degradation with its parameters.
        unit: of the values, as `dB`.
        higher_is_better: the direction.
        decimals: how many are worth printing.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    dataset: str
    scale: Scale
    candidate: str
    metric: str
    protocol: Protocol
    mean: float
    per_image: Mapping[str, float]
    seconds_per_image: float | None
    device: str
    precision: str
    low_resolution: str = "unknown"
    unit: str
    higher_is_better: bool
    decimals: int

    def plain(self) -> dict[str, Any]:
        """The record as JSON knows it; infinity becomes a text, since JSON has none."""
        plain: dict[str, Any] = json.loads(self.model_dump_json())
        return plain


class Cost(BaseModel):
    """What a candidate costs at a scale, as `costs.json` keeps it.

    Attributes:
        candidate: name of the candidate.
        scale: SR size over LR size; a number, or (vertical, horizontal).
        parameters: numbers that were learned.
        multiply_adds: for a 1280×720 result; None where there is no network, or it cannot be counted.
        seconds_per_megapixel: of SR, over all pictures of the run.
        peak_bytes_per_megapixel: most bytes of tensors alive at once, over SR's megapixels.
        device: what it was measured on.
    """

    model_config = ConfigDict(frozen=True)

    candidate: str
    scale: Scale
    parameters: int
    multiply_adds: int | None
    seconds_per_megapixel: float
    peak_bytes_per_megapixel: float
    device: str
