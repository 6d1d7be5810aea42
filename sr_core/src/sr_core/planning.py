"""From a spec to everything a run needs, found and built before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sr_core.building import build
from sr_core.data.dataset import Dataset, fill_in, find_pictures, open_dataset
from sr_core.data.pairing import pair_by_name
from sr_core.data.pictures import list_pictures
from sr_core.errors import DatasetError, SrkitError
from sr_core.registry import Registry
from sr_core.spec.faults import FaultCollector
from sr_core.spec.reading import Spec
from sr_core.spec.run_spec import CandidateSpec

if TYPE_CHECKING:
    import torch

    from sr_core.evaluation.benchmark import Benchmark
    from sr_core.evaluation.candidates import Candidate, MethodCandidate

FinishedPictures = dict[str, dict[tuple[str, float], Mapping[Path, Path]]]
"""Candidate → (data set, scale) → HR file → SR file."""


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes:
        device: where.
        benchmark: what is compared with what; None where the spec has no `evaluate`.
        inputs: pictures to enlarge.
        method: what enlarges them; None where the spec has no `upscale`.
        notes: what the tool decided for the user, said once.
    """

    device: torch.device
    benchmark: Benchmark | None
    inputs: tuple[Path, ...]
    method: MethodCandidate | None
    notes: tuple[str, ...]

    def summary(self) -> str:
        """The plan in one sentence."""
        parts = []
        if self.benchmark is not None:
            pictures = sum(len(dataset.hr) for dataset in self.benchmark.datasets)
            names = ", ".join(candidate.name for candidate in self.benchmark.candidates)
            scales = ", ".join(f"×{scale:g}" for scale in self.benchmark.scales)
            metrics = ", ".join(self.benchmark.metrics)
            protocol = self.benchmark.protocol
            parts.append(f"compare {names} on {pictures} pictures at {scales} by {metrics}, protocol {protocol}")
        if self.method is not None:
            parts.append(f"upscale {len(self.inputs)} pictures with {self.method.name}")
        return f"{'; '.join(parts)}; on {self.device}"


def make_plan(spec: Spec, registry: Registry) -> Plan:
    """Open every data set and build every component.

    Files are looked for first, so that a missing folder is said without waiting for torch.

    Raises:
        SpecError: with every fault found, placed in the file.
    """
    faults = FaultCollector(spec.document)
    datasets = _open_datasets(spec, faults)
    finished = _find_finished_pictures(spec, datasets, faults)
    inputs = _find_inputs(spec, faults)
    faults.stop_if_any()

    from sr_core.inference.devices import choose_device

    with faults.at("device"):
        device = choose_device(spec.run.device)
    faults.stop_if_any()
    benchmark = _build_benchmark(spec, registry, datasets, finished, device, faults)
    method = _build_method(spec, registry, device, faults)
    faults.stop_if_any()
    return Plan(device, benchmark, tuple(inputs), method, tuple(_notes(spec, datasets, registry)))


def _open_datasets(spec: Spec, faults: FaultCollector) -> list[Dataset]:
    datasets = []
    for index, wanted in enumerate(spec.run.evaluate.on if spec.run.evaluate else ()):
        with faults.at("evaluate", "on", index):
            datasets.append(open_dataset(wanted.name, wanted.hr, wanted.lr, spec.run.scale))
    return datasets


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


def _pair_finished(pattern: str, dataset: Dataset, scale: float) -> Mapping[Path, Path]:
    files = list_pictures(Path(fill_in(pattern, scale, dataset.name)))
    return pair_by_name(dataset.hr, files, f"finished picture for {dataset.name} at scale {scale:g}")


def _find_inputs(spec: Spec, faults: FaultCollector) -> list[Path]:
    inputs: list[Path] = []
    for index, source in enumerate(spec.run.upscale.inputs if spec.run.upscale else ()):
        with faults.at("upscale", "inputs", index):
            inputs += find_pictures(source)
    with faults.at("upscale", "inputs"):
        names = [path.name for path in inputs]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise DatasetError(f"two inputs are called '{twice}'; results are kept by that name")
    return inputs


def _build_benchmark(
    spec: Spec,
    registry: Registry,
    datasets: list[Dataset],
    finished: FinishedPictures,
    device: torch.device,
    faults: FaultCollector,
) -> Benchmark | None:
    from sr_core.evaluation.benchmark import Benchmark
    from sr_core.evaluation.candidates import PicturesCandidate

    run = spec.run
    with faults.at("degradation"):
        degradation = build(registry, "degradation", run.degradation)
    if run.evaluate is None:
        return None
    metrics = {}
    for index, reference in enumerate(run.evaluate.metrics):
        with faults.at("evaluate", "metrics", index):
            metrics[reference.name] = build(registry, "metric", reference)
    candidates: list[Candidate] = []
    for index, wanted in enumerate(run.evaluate.candidates):
        if wanted.pictures is not None:
            candidates.append(PicturesCandidate(wanted.name, finished[wanted.name]))
            continue
        with faults.at(*_place_of_parameters(spec, ("evaluate", "candidates", index))):
            candidates.append(_build_candidate(spec, registry, wanted, device))
    faults.stop_if_any()
    return Benchmark(
        datasets=datasets,
        scales=run.scale,
        candidates=candidates,
        metrics=metrics,
        protocol=run.evaluate.protocol.protocol,
        degradation=degradation.to(device),
        device=device,
        seed=run.seed,
    )


def _build_method(
    spec: Spec, registry: Registry, device: torch.device, faults: FaultCollector
) -> MethodCandidate | None:
    if spec.run.upscale is None:
        return None
    with faults.at(*_place_of_parameters(spec, ("upscale", "with"))):
        if spec.run.upscale.method.pictures is not None:
            raise SrkitError("finished pictures cannot enlarge others; name an upsampler or a model")
        return _build_candidate(spec, registry, spec.run.upscale.method, device)
    return None


def _build_candidate(spec: Spec, registry: Registry, wanted: CandidateSpec, device: torch.device) -> MethodCandidate:
    """The upsampler or network of a candidate, on its device; it must take every scale of the run."""
    from sr_core.checkpoint import load_weights
    from sr_core.evaluation.candidates import MethodCandidate
    from sr_core.interfaces.capabilities import describe_scales, takes_scale

    scales = spec.run.scale
    filled = {"scales": scales} if len(scales) > 1 else {"scale": scales[0], "scales": scales}
    if wanted.model is not None and wanted.weights is not None:
        component = registry.get("model", wanted.model.name)
        method = build(registry, "model", wanted.model, filled)
        load_weights(method, Path(wanted.weights))
        method = method.to(device).eval()
    else:
        assert wanted.upsampler is not None  # noqa: S101 - CandidateSpec lets nothing else through
        component = registry.get("upsampler", wanted.upsampler.name)
        method = build(registry, "upsampler", wanted.upsampler, filled)
    for scale in scales:
        if not takes_scale(method.scales, scale):
            raise SrkitError(f"'{wanted.name}' takes scale {describe_scales(method.scales)}, not {scale:g}")
    return MethodCandidate(wanted.name, method, str(component), device)


def _place_of_parameters(spec: Spec, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Where a candidate's parameters stand: under `upsampler` or `model`, or in the candidate itself."""
    value = spec.document.data
    for key in path:
        value = value[key]
    for key in ("upsampler", "model"):
        if isinstance(value, dict) and key in value:
            return (*path, key)
    return path


def _notes(spec: Spec, datasets: list[Dataset], registry: Registry) -> list[str]:
    """What the tool decides for the user."""
    notes = []
    evaluate = spec.run.evaluate
    if evaluate is not None and evaluate.protocol.protocol.lr == "unrounded":
        ignored = [dataset.name for dataset in datasets if dataset.lr]
        if ignored:
            notes.append(f"the protocol makes its own unrounded LR; the LR of {', '.join(ignored)} is ignored")
        if spec.run.degradation.name != "bicubic" or spec.run.degradation.parameters:
            notes.append(f"the protocol makes its own unrounded LR; degradation '{spec.run.degradation}' is ignored")
    for candidate in evaluate.candidates if evaluate else ():
        if candidate.upsampler is not None:
            used = registry.get("upsampler", candidate.upsampler.name)
            others = registry.shadowed_by(used)
            if others and ":" not in candidate.upsampler.name:
                hidden = ", ".join(f"'{other.qualified_name}'" for other in others)
                notes.append(f"'{candidate.upsampler.name}' is {used.distribution}'s; also installed: {hidden}")
    return notes
