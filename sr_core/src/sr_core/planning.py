"""From a spec to everything a run needs, found and built before anything is written."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sr_core.data.dataset import Dataset, fill_in, find_pictures, open_dataset
from sr_core.data.pairing import pair_by_name
from sr_core.data.pictures import list_pictures
from sr_core.data.training_set import TrainingSet, open_training_set
from sr_core.errors import DatasetError
from sr_core.imaging.formats import suffix_to_write
from sr_core.registry import Registry
from sr_core.scales import Scale, describe_scale
from sr_core.spec.document import KeyPath
from sr_core.spec.faults import FaultCollector
from sr_core.spec.measuring_spec import DatasetSpec
from sr_core.spec.phases_spec import place_in_phases
from sr_core.spec.reading import Spec

if TYPE_CHECKING:
    import torch

    from sr_core.evaluation.benchmark import Benchmark
    from sr_core.evaluation.candidates import MethodCandidate
    from sr_core.inference.precision import Precision
    from sr_core.training_plan import TrainingPlan

MOST_SHOWN = 5

FinishedPictures = dict[str, dict[tuple[str, Scale], Mapping[Path, Path]]]
"""Candidate → (data set, scale) → HR file → SR file."""


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        device: where.
        training: what is trained; None where the spec has no `train`.
        benchmark: what is compared with what; None where the spec has no `evaluate`.
        inputs: pictures to enlarge.
        method: what enlarges them; None where the spec has no `upscale`.
        precision: of networks when upscaling.
        notes: what the tool decided for the user, said once.
    """

    device: torch.device
    training: TrainingPlan | None
    benchmark: Benchmark | None
    inputs: tuple[Path, ...]
    method: MethodCandidate | None
    precision: Precision
    notes: tuple[str, ...]

    def summary(self) -> str:
        """The plan in one sentence."""
        parts = [] if self.training is None else [self.training.summary()]
        if self.benchmark is not None:
            pictures = sum(len(dataset.hr) for dataset in self.benchmark.datasets)
            names = ", ".join(candidate.name for candidate in self.benchmark.candidates)
            scales = ", ".join(f"×{describe_scale(scale)}" for scale in self.benchmark.scales)
            metrics = ", ".join(self.benchmark.metrics)
            protocol = self.benchmark.protocol
            parts.append(f"compare {names} on {pictures} pictures at {scales} by {metrics}, protocol {protocol}")
        if self.method is not None:
            parts.append(f"upscale {len(self.inputs)} pictures with {self.method.name}")
        return f"{'; '.join(parts)}; on {self.device}"


def make_plan(spec: Spec, registry: Registry) -> Plan:
    """Open every data set and build every component.

    Raises:
        SpecError: with every fault found, placed in the file.
        ImportError: torch cannot be imported; faults in files are reported even then.
    """
    faults = FaultCollector(spec.document)
    datasets = _open_datasets(spec.run.evaluate.on if spec.run.evaluate else (), ("evaluate", "on"), spec, faults)
    watched = _open_watched(spec, faults)
    pictures = _open_training_sets(spec, faults)
    finished = _find_finished_pictures(spec, datasets, faults)
    inputs = _find_inputs(spec, faults)
    try:
        from sr_core.assembling import Assembler
    except ImportError:
        faults.stop_if_any()
        raise
    _refuse_tested(pictures, [*datasets, *itertools.chain.from_iterable(watched)], spec, faults)
    assembler = Assembler(spec, registry, faults)
    training = None
    if spec.run.train:
        from sr_core.train_assembling import TrainAssembler

        training = TrainAssembler(spec, registry, faults, assembler).plan(pictures, watched)
        assembler.trained = training.model if training is not None else None
    benchmark = assembler.benchmark(datasets, finished)
    method = assembler.method()
    precision = assembler.precision()
    faults.stop_if_any()
    notes = [*_notes(spec, datasets), *assembler.notes]
    return Plan(assembler.device, training, benchmark, tuple(inputs), method, precision, tuple(notes))


def _open_datasets(
    wanted_sets: Sequence[DatasetSpec], path: KeyPath, spec: Spec, faults: FaultCollector
) -> list[Dataset]:
    datasets = []
    for index, wanted in enumerate(wanted_sets):
        with faults.at(*path, index):
            datasets.append(open_dataset(wanted.name, wanted.hr, wanted.lr, spec.run.scale))
    return datasets


def _open_watched(spec: Spec, faults: FaultCollector) -> list[list[Dataset]]:
    """The validation sets of each phase of training; phases that name the same share them."""
    opened: list[list[Dataset]] = []
    for index, phase in enumerate(spec.run.train):
        wanted = phase.validation.on if phase.validation else ()
        before = spec.run.train[index - 1].validation if index else None
        if before is not None and before.on == wanted:
            opened.append(opened[-1])
        else:
            path = place_in_phases(spec.document, index, "validate", "on")
            opened.append(_open_datasets(wanted, path, spec, faults))
    return opened


def _open_training_sets(spec: Spec, faults: FaultCollector) -> list[TrainingSet | None]:
    """The pictures of each phase of training, None where they are faulty; phases that name the same share them."""
    opened: list[TrainingSet | None] = []
    for index, phase in enumerate(spec.run.train):
        if index and spec.run.train[index - 1].data == phase.data:
            opened.append(opened[-1])
            continue
        found = None
        with faults.at(*place_in_phases(spec.document, index, "data")):
            data = phase.data
            found = open_training_set(
                *(data.hr, data.lr, spec.run.trained_scales, data.leave_out, data.unpaired_lr or ())
            )
        opened.append(found)
    return opened


def _refuse_tested(
    pictures: Sequence[TrainingSet | None], tests: Sequence[Dataset], spec: Spec, faults: FaultCollector
) -> None:
    """No picture to learn from may also be measured on."""
    from sr_core.data.duplicates import find_shared_pictures

    tested = list(dict.fromkeys(path for dataset in tests for path in dataset.hr))
    for index, found in enumerate(pictures):
        if found is None or any(found is earlier for earlier in pictures[:index]):
            continue
        with faults.at(*place_in_phases(spec.document, index, "data"), "hr"):
            if shared := find_shared_pictures([*found.hr, *found.unpaired_lr], tested):
                shown = "; ".join(f"{ours} is {theirs}" for ours, theirs in shared[:MOST_SHOWN])
                more = f"; and {len(shared) - MOST_SHOWN} more" if len(shared) > MOST_SHOWN else ""
                raise DatasetError(f"pictures to learn from are also measured on: {shown}{more}; add them to leave_out")


def _find_finished_pictures(spec: Spec, datasets: list[Dataset], faults: FaultCollector) -> FinishedPictures:
    found: FinishedPictures = {}
    for index, candidate in enumerate(spec.run.evaluate.candidates if spec.run.evaluate else ()):
        if candidate.pictures is None:
            continue
        with faults.at("evaluate", "candidates", index, "pictures"):
            found[candidate.name] = {
                (dataset.name, scale): _pair_finished(candidate.pictures, dataset, scale)
                for dataset in datasets
                for scale in spec.run.scale
            }
    return found


def _pair_finished(pattern: str, dataset: Dataset, scale: Scale) -> Mapping[Path, Path]:
    files = list_pictures(Path(fill_in(pattern, scale, dataset.name)))
    return pair_by_name(dataset.hr, files, f"finished picture for {dataset.name} at scale {describe_scale(scale)}")


def _find_inputs(spec: Spec, faults: FaultCollector) -> list[Path]:
    inputs: list[Path] = []
    for index, source in enumerate(spec.run.upscale.inputs if spec.run.upscale else ()):
        with faults.at("upscale", "inputs", index):
            inputs += find_pictures(source)
    with faults.at("upscale", "inputs"):
        names = [path.stem + suffix_to_write(path) for path in inputs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise DatasetError(f"two inputs are called '{twice}'; results are kept by that name")
    return inputs


def _notes(spec: Spec, datasets: list[Dataset]) -> list[str]:
    """What the tool decides for the user, as far as the spec goes."""
    notes = []
    evaluate = spec.run.evaluate
    if evaluate is not None and evaluate.protocol.protocol.lr == "unrounded":
        ignored = [dataset.name for dataset in datasets if dataset.lr]
        if ignored:
            notes.append(f"the protocol makes its own unrounded LR; the LR of {', '.join(ignored)} is ignored")
        if spec.run.degradation.name != "bicubic" or spec.run.degradation.parameters:
            notes.append(f"the protocol makes its own unrounded LR; degradation '{spec.run.degradation}' is ignored")
    if evaluate is not None and spec.run.precision not in ("auto", "float32"):
        notes.append(f"figures are measured in float32; precision {spec.run.precision} is for 'train' and 'upscale'")
    return notes
