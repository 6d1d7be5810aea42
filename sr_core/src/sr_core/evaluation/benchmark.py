"""Compare candidates on data sets: one loop over pictures, everything measured under one protocol."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sr_core.data.dataset import Dataset
from sr_core.errors import ContractError, DatasetError
from sr_core.evaluation.candidates import Answer, Candidate, Question
from sr_core.evaluation.comparison import compared_colours, compared_planes
from sr_core.evaluation.truth import Truth, make_truth
from sr_core.imaging.files import read_picture
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.metric import Metric, MetricFacts, SetMetric
from sr_core.protocol import Protocol
from sr_core.record import Record


@dataclass(frozen=True)
class Benchmark:
    """Everything a comparison needs; objects, no names to look up."""

    datasets: Sequence[Dataset]
    scales: Sequence[float]
    candidates: Sequence[Candidate]
    metrics: Mapping[str, Metric | SetMetric]
    protocol: Protocol
    degradation: Degradation
    device: torch.device
    seed: int = 0

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
    scale: float
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
            tally = _Tally(benchmark)
            for index, hr_file in enumerate(dataset.hr):
                comparison = _compare_one(benchmark, dataset, scale, hr_file, index)
                tally.add(comparison)
                yield comparison
            yield from tally.records(dataset.name, scale)


def _compare_one(benchmark: Benchmark, dataset: Dataset, scale: float, hr_file: Path, index: int) -> Comparison:
    lr_file = dataset.lr.get(scale, {}).get(hr_file)
    hr = read_picture(hr_file).image.to(benchmark.measuring_device)
    lr = None if lr_file is None else read_picture(lr_file).image.to(hr.device)
    try:
        truth = make_truth(hr, lr, scale, benchmark.protocol, benchmark.degradation, benchmark.seed, index)
        question = Question(dataset.name, hr_file, scale, truth)
        answers = {candidate.name: candidate.answer(question) for candidate in benchmark.candidates}
        values = {name: _measure(benchmark, answer, truth, scale) for name, answer in answers.items()}
    except DatasetError as error:
        raise DatasetError(f"{dataset.name}, {hr_file.name}, scale {scale:g}: {error}") from error
    return Comparison(dataset.name, scale, hr_file.stem, truth, answers, values)


def _measure(benchmark: Benchmark, answer: Answer, truth: Truth, scale: float) -> dict[str, float]:
    values = {}
    for name, metric in benchmark.metrics.items():
        if isinstance(metric, Metric):
            sr, reference = _what_is_compared(metric, answer, truth, scale, benchmark.protocol)
            try:
                values[name] = float(metric(sr, reference))
            except ValueError as error:
                raise DatasetError(f"metric '{name}': {error}") from error
            except Exception as error:  # a stranger's code may raise anything
                raise ContractError(f"metric '{name}' failed: {type(error).__name__}: {error}") from error
    return values


def _what_is_compared(
    metric: MetricFacts, answer: Answer, truth: Truth, scale: float, protocol: Protocol
) -> tuple[Tensor, Tensor]:
    if metric.channels == "rgb":
        sr, hr = compared_colours(answer.picture, truth.hr, scale, protocol)
    else:
        sr, hr = compared_planes(answer.measured, truth.hr, scale, protocol)
    if metric.needs == "lr":
        return answer.picture.double(), truth.lr.double()
    return (sr, sr) if metric.needs == "nothing" else (sr, hr)


class _Tally:
    """The figures of one data set at one scale, as they come in."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
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
                    protocol = self._benchmark.protocol
                    sr, reference = _what_is_compared(metric, answer, comparison.truth, comparison.scale, protocol)
                    self._pairs.setdefault((candidate, name), []).append((sr.cpu(), reference.cpu()))

    def records(self, dataset: str, scale: float) -> Iterator[Record]:
        """One record for each candidate and metric."""
        for candidate in self._benchmark.candidates:
            for name, metric in self._benchmark.metrics.items():
                per_image = self._values.get((candidate.name, name), {})
                if isinstance(metric, SetMetric):
                    pairs = self._pairs[candidate.name, name]
                    mean = metric([sr for sr, _ in pairs], [reference for _, reference in pairs])
                else:
                    mean = statistics.fmean(per_image.values())
                seconds = self._seconds.get(candidate.name)
                yield Record(
                    dataset=dataset,
                    scale=scale,
                    candidate=candidate.name,
                    metric=name,
                    protocol=self._benchmark.protocol,
                    mean=mean,
                    per_image=per_image,
                    seconds_per_image=statistics.fmean(seconds) if seconds else None,
                    device=str(self._benchmark.device),
                    precision="float32",
                    unit=metric.unit,
                    higher_is_better=metric.higher_is_better,
                    decimals=metric.decimals,
                )
