"""Measure a network in training with the code, and under the protocol, that measures it afterwards."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from sr_core.evaluation.benchmark import Benchmark, compare
from sr_core.evaluation.candidates import MethodCandidate
from sr_core.inference.precision import true_float32
from sr_core.interfaces.model import Model
from sr_core.record import Record
from sr_core.scales import describe_scale
from sr_core.training.journal import Journal


@dataclass(frozen=True)
class Validator:
    """A benchmark whose only candidate is the network in training.

    Attributes:
        benchmark: data sets, metrics and protocol.
        candidate: the benchmark's candidate; its method is the network.
        metric: the name of the metric that tells better from worse.
        pictures: how many pictures are shown in the journal.
    """

    benchmark: Benchmark
    candidate: MethodCandidate
    metric: str
    pictures: int

    @property
    def higher_is_better(self) -> bool:
        """The direction of the metric."""
        return self.benchmark.metrics[self.metric].higher_is_better

    @property
    def figure(self) -> str:
        """What the figure is, in words: equal words, comparable figures."""
        sets = ", ".join(f"{dataset.name} ({len(dataset.hr)})" for dataset in self.benchmark.datasets)
        scales = ", ".join(describe_scale(scale) for scale in self.benchmark.scales)
        return f"{self.metric} on {sets} at {scales}, protocol {self.benchmark.protocol}"

    def measure(self, network: Model, step: int, journal: Journal | None) -> float:
        """The metric's mean over all data sets and scales.

        Raises:
            ContractError: the network or a metric failed.
        """
        was_training = network.training
        network.eval()
        self.candidate.method = network
        records: list[Record] = []
        shown = 0
        with true_float32():
            for outcome in compare(self.benchmark):
                if isinstance(outcome, Record):
                    records.append(outcome)
                elif journal is not None and shown < self.pictures:
                    journal.pictured(step, outcome)
                    shown += 1
        network.train(was_training)
        if journal is not None:
            journal.validated(step, records)
        return statistics.fmean(record.mean for record in records if record.metric == self.metric)
