"""What a candidate costs: parameters, multiply-adds, time and memory, measured here."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch

from sr_core.evaluation.benchmark import Comparison
from sr_core.evaluation.candidates import Candidate, MethodCandidate
from sr_core.evaluation.multiply_adds import multiply_adds
from sr_core.imaging.size import sr_size
from sr_core.inference.alive_tensors import AliveTensors
from sr_core.inference.engine import Method, super_resolve
from sr_core.inference.networks import without_contents
from sr_core.interfaces.model import Model
from sr_core.record import Cost
from sr_core.scales import Scale

SAMPLE_SIDE = 128

_log = logging.getLogger("srkit")


class CostMeter:
    """Adds up times as pictures come in, and measures the rest once for each candidate and scale."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._seconds: dict[tuple[str, Scale], float] = {}
        self._megapixels: dict[tuple[str, Scale], float] = {}

    def add(self, comparison: Comparison) -> None:
        """Note how long each candidate took for one picture."""
        megapixels = comparison.truth.hr.shape[-2] * comparison.truth.hr.shape[-1] / 1e6
        for name, answer in comparison.answers.items():
            if answer.seconds is not None:
                key = (name, comparison.scale)
                self._seconds[key] = self._seconds.get(key, 0.0) + answer.seconds
                self._megapixels[key] = self._megapixels.get(key, 0.0) + megapixels

    def costs(self) -> list[Cost]:
        """One cost for each candidate that was run, and each scale."""
        methods = {
            candidate.name: candidate for candidate in self._candidates if isinstance(candidate, MethodCandidate)
        }
        return [
            Cost(
                candidate=name,
                scale=scale,
                parameters=count_parameters(methods[name].method),
                multiply_adds=count_multiply_adds(methods[name].method, scale),
                seconds_per_megapixel=seconds / self._megapixels[name, scale],
                peak_bytes_per_megapixel=peak_bytes_per_megapixel(methods[name], scale),
                device=str(methods[name].device),
            )
            for (name, scale), seconds in self._seconds.items()
        ]


def count_parameters(method: Method) -> int:
    """Numbers that were learned; 0 for an upsampler."""
    return sum(parameter.numel() for parameter in method.parameters()) if isinstance(method, Model) else 0


def count_multiply_adds(method: Method, scale: Scale) -> int | None:
    """Multiply-adds of a network for a 1280×720 result, counted without computing; None where that is not possible."""
    if not isinstance(method, Model):
        return None
    try:
        return multiply_adds(without_contents(method), scale)
    except Exception as error:  # noqa: BLE001 - a stranger's network may refuse the meta device in any way
        _log.warning("multiply-adds of %s cannot be counted: %s", type(method).__name__, error)
        return None


def peak_bytes_per_megapixel(candidate: MethodCandidate, scale: Scale) -> float:
    """Most bytes of tensors alive at once while one sample is enlarged, over the SR megapixels of the sample."""
    planes = candidate.method.channels if isinstance(candidate.method.channels, int) else 3
    sample = torch.rand((1, planes, SAMPLE_SIDE, SAMPLE_SIDE), generator=torch.Generator().manual_seed(0))
    sample = sample.to(candidate.device)
    rows, columns = sr_size((SAMPLE_SIDE, SAMPLE_SIDE), scale)
    meter = AliveTensors()
    with meter:
        super_resolve(candidate.method, sample, scale)
    return meter.peak / (rows * columns / 1e6)
