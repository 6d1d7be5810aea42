"""One figure with everything it depends on, as `results.json` keeps it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from sr_core.protocol import Protocol


class Record(BaseModel):
    """A metric of one candidate on one data set at one scale.

    Attributes:
        dataset: name of the data set.
        scale: SR size over LR size.
        candidate: name of the candidate.
        metric: name of the metric.
        protocol: how it was measured, with all parts.
        mean: the mean of the pictures' values; of a set metric, its value.
        per_image: picture → value; empty for a set metric.
        seconds_per_image: mean time of making SR, without reading and measuring; None for finished pictures.
        device: what SR was made on.
        precision: of making SR; figures themselves are float64 (float32 where the device has no more).
        unit: of the values, as `dB`.
        higher_is_better: the direction.
        decimals: how many are worth printing.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    dataset: str
    scale: float
    candidate: str
    metric: str
    protocol: Protocol
    mean: float
    per_image: Mapping[str, float]
    seconds_per_image: float | None
    device: str
    precision: str
    unit: str
    higher_is_better: bool
    decimals: int
