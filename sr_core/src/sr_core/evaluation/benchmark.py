"""Compare candidates on data sets: one loop over pictures, everything measured under one protocol."""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from sr_core.data.dataset import Dataset
from sr_core.errors import ContractError, DatasetError
from sr_core.evaluation.candidates import Answer, Candidate, Question
from sr_core.evaluation.comparison import compared_colours, compared_planes
from sr_core.evaluation.passed_over import PassedOver
from sr_core.evaluation.truth import Truth, make_truth
from sr_core.guard import guarded
from sr_core.imaging.files import read_picture
from sr_core.imaging.size import lr_size, sr_size
from sr_core.interfaces.capabilities import Channels
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.metric import LowResolutionMetric, Metric, MetricFacts, SetMetric
from sr_core.protocol import Protocol
from sr_core.record import Record
from sr_core.scales import Scale, describe_scale

_log = logging.getLogger("srkit")


@dataclass(frozen=True)
class Benchmark:
    """Everything a comparison needs; objects, no names to look up.

    Attributes:
        datasets: to measure on.
        scales: at which.
        candidates: to compare.
        metrics: by name.
        protocol: how.
        degradation: makes LR where a data set brings none.
        device: where SR is made.
        seed: of random degradations.
        degradation_name: how records call the degradation, parameters included.
        passed_over: what no figure will show, said once however often the comparison is made.
    """

    datasets: Sequence[Dataset]
    scales: Sequence[Scale]
    candidates: Sequence[Candidate]
    metrics: Mapping[str, Metric | LowResolutionMetric | SetMetric]
    protocol: Protocol
    degradation: Degradation
    device: torch.device
    seed: int = 0
    degradation_name: str = "bicubic"
    passed_over: PassedOver = field(default_factory=PassedOver, repr=False)

    @property
    def measuring_device(self) -> torch.device:
        """Where figures are computed: the run's device, or the CPU where that device has no float64."""
        return torch.device("cpu") if self.device.type == "mps" else self.device

    def __len__(self) -> int:
        """How many pictures will be made ready: each HR at each scale."""
        return len(self.scales) * sum(len(dataset.hr) for dataset in self.datasets)


@dataclass(frozen=True)
class Comparison:
    """One picture at one scale, answered by every candidate.

    Attributes:
        dataset: its data set.
        scale: SR size over LR size.
        picture: the HR file's name without suffix.
        truth: what was given and what is compared with.
        answers: candidate → SR.
        values: candidate → metric → value, of the metrics that measure single pictures.
    """

    dataset: str
    scale: Scale
    picture: str
    truth: Truth
    answers: Mapping[str, Answer]
    values: Mapping[str, Mapping[str, float]]


def compare(benchmark: Benchmark) -> Iterator[Comparison | Record]:
    """Yield each picture's comparison as soon as it is made, and after each data set and scale its records.

    Raises:
        DatasetError: a picture does not fit; the message names it.
        ContractError: a candidate or metric failed; the message names it.
        PictureError: a file cannot be read.
    """
    for dataset in benchmark.datasets:
        for scale in benchmark.scales:
            tally = _Tally(benchmark, dataset, scale)
            for index in range(len(dataset.hr)):
                comparison = _compare_one(benchmark, dataset, scale, index)
                tally.add(comparison)
                yield comparison
            yield from tally.records()


def _compare_one(benchmark: Benchmark, dataset: Dataset, scale: Scale, index: int) -> Comparison:
    hr_file = dataset.hr[index]
    lr_file = dataset.lr.get(scale, {}).get(hr_file) if benchmark.protocol.lr == "dataset" else None

    def read(file: Path) -> Tensor:
        picture = read_picture(file)
        benchmark.passed_over.look_at(picture, file, dataset.name)
        return picture.image.to(benchmark.measuring_device)

    hr = read(hr_file)
    lr = None if lr_file is None else read(lr_file)
    try:
        truth = make_truth(hr, lr, scale, benchmark.protocol, benchmark.degradation, benchmark.seed, index)
        question = Question(dataset.name, hr_file, scale, truth)
        answers = {candidate.name: candidate.answer(question) for candidate in benchmark.candidates}
        values = {name: _measure(benchmark, answer, truth, scale) for name, answer in answers.items()}
    except (DatasetError, ContractError) as error:
        raise type(error)(f"{dataset.name}, {hr_file.name}, scale {describe_scale(scale)}: {error}") from error
    _note_what_is_left_out(hr, truth, scale, hr_file)
    return Comparison(dataset.name, scale, hr_file.stem, truth, answers, values)


def _note_what_is_left_out(hr: Tensor, truth: Truth, scale: Scale, hr_file: Path) -> None:
    """Say so where a data set's own LR covers less of HR than it could."""
    whole, compared = (hr.shape[-2], hr.shape[-1]), (truth.hr.shape[-2], truth.hr.shape[-1])
    if compared != sr_size(lr_size(whole, scale), scale):
        sizes = _by(compared), _by(whole)
        _log.warning("%s: its LR covers %s of its %s pixels; the rest is left out", hr_file, *sizes)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"


def _measure(benchmark: Benchmark, answer: Answer, truth: Truth, scale: Scale) -> dict[str, float]:
    values = {}
    planes = _Planes(benchmark.protocol, answer, truth, scale)
    for name, metric in benchmark.metrics.items():
        if not isinstance(metric, SetMetric):
            with guarded(f"metric '{name}'"):
                sr, reference = planes.for_metric(metric)
                if isinstance(metric, LowResolutionMetric):
                    found = metric(sr, reference, scale)
                else:
                    found = metric(sr, reference)
                if found.shape != (1,):
                    raise ContractError(f"promised one value for each picture, gave shape {tuple(found.shape)}")
                values[name] = float(found)
            if math.isnan(values[name]):
                raise ContractError(f"metric '{name}' gave no number (NaN)")
    return values


class _Planes:
    """What metrics are given of one answer; made once however many metrics ask."""

    def __init__(self, protocol: Protocol, answer: Answer, truth: Truth, scale: Scale) -> None:
        self._made: dict[Channels, tuple[Tensor, Tensor]] = {}
        self._protocol, self._answer, self._truth, self._scale = protocol, answer, truth, scale

    def for_metric(self, metric: MetricFacts) -> tuple[Tensor, Tensor]:
        """(SR, reference) as `channels` and `needs` say: copies, so that one metric cannot change the next."""
        if metric.needs == "lr":
            return self._answer.picture.double(), self._truth.lr.double()
        sr, hr = self._compared(metric.channels)
        if metric.channels not in ("any", "rgb", "y", sr.shape[1]):
            raise ContractError(f"takes {metric.channels} planes, the protocol compares {sr.shape[1]}")
        return sr.clone(), (sr if metric.needs == "nothing" else hr).clone()

    def _compared(self, channels: Channels) -> tuple[Tensor, Tensor]:
        if channels not in self._made:
            protocol, answer, truth, scale = self._protocol, self._answer, self._truth, self._scale
            if channels == "rgb":
                self._made[channels] = compared_colours(answer.picture, truth.hr, scale, protocol)
            else:
                if channels == "y" and protocol.luma == "rgb":
                    protocol = protocol.with_parts(luma="y")
                self._made[channels] = compared_planes(answer.measured, truth.hr, scale, protocol)
        return self._made[channels]


class _Tally:
    """The figures of one data set at one scale, as they come in."""

    def __init__(self, benchmark: Benchmark, dataset: Dataset, scale: Scale) -> None:
        self._benchmark, self._dataset, self._scale = benchmark, dataset, scale
        self._values: dict[tuple[str, str], dict[str, float]] = {}
        self._seconds: dict[str, list[float]] = {}
        self._pairs: dict[tuple[str, str], list[tuple[Tensor, Tensor]]] = {}

    def add(self, comparison: Comparison) -> None:
        """Note one picture's figures; whole-set metrics keep its planes on the host until the set is done."""
        for candidate, answer in comparison.answers.items():
            for name, value in comparison.values[candidate].items():
                self._values.setdefault((candidate, name), {})[comparison.picture] = value
            if answer.seconds is not None:
                self._seconds.setdefault(candidate, []).append(answer.seconds)
            for name, metric in self._benchmark.metrics.items():
                if isinstance(metric, SetMetric):
                    planes = _Planes(self._benchmark.protocol, answer, comparison.truth, comparison.scale)
                    with guarded(f"metric '{name}'"):
                        sr, reference = planes.for_metric(metric)
                    self._pairs.setdefault((candidate, name), []).append((sr.cpu(), reference.cpu()))

    def records(self) -> Iterator[Record]:
        """One record for each candidate and metric."""
        for candidate in self._benchmark.candidates:
            for name, metric in self._benchmark.metrics.items():
                per_image = self._values.get((candidate.name, name), {})
                if isinstance(metric, SetMetric):
                    pairs = self._pairs[candidate.name, name]
                    with guarded(f"metric '{name}'"):
                        mean = float(metric([sr for sr, _ in pairs], [reference for _, reference in pairs]))
                else:
                    mean = statistics.fmean(per_image.values())
                seconds = self._seconds.get(candidate.name)
                yield Record(
                    dataset=self._dataset.name,
                    scale=self._scale,
                    candidate=candidate.name,
                    metric=name,
                    protocol=self._benchmark.protocol,
                    mean=mean,
                    per_image=per_image,
                    seconds_per_image=statistics.fmean(seconds) if seconds else None,
                    device=str(self._benchmark.device),
                    precision="float32",
                    low_resolution=self._low_resolution(),
                    unit=metric.unit,
                    higher_is_better=metric.higher_is_better,
                    decimals=metric.decimals,
                )

    def _low_resolution(self) -> str:
        """Where LR came from, in words."""
        if self._benchmark.protocol.lr == "unrounded":
            return "unrounded bicubic"
        return "data set" if self._scale in self._dataset.lr else self._benchmark.degradation_name
