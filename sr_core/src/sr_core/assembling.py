"""A spec's components built and put together, every fault placed in the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from sr_core.building import build
from sr_core.component import Component, Kind
from sr_core.data.dataset import Dataset
from sr_core.errors import SrkitError
from sr_core.evaluation.benchmark import Benchmark
from sr_core.evaluation.candidates import Candidate, MethodCandidate, PicturesCandidate
from sr_core.inference.devices import choose_device, local_rank, world_size
from sr_core.inference.engine import Method
from sr_core.inference.networks import ready
from sr_core.inference.precision import Precision, choose_precision
from sr_core.interfaces.capabilities import describe_method_scales, method_takes
from sr_core.interfaces.model import Model
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry
from sr_core.scales import Scale, describe_scale
from sr_core.spec.document import KeyPath
from sr_core.spec.faults import FaultCollector
from sr_core.spec.reading import Spec
from sr_core.spec.run_spec import CandidateSpec
from sr_core.spec.values import TRAINED
from sr_core.weights import load_into, rebuild

FinishedPictures = Mapping[str, Mapping[tuple[str, Scale], Mapping[Path, Path]]]
"""Candidate → (data set, scale) → HR file → SR file."""
ChoosePrecision = Callable[[Literal["auto"] | Precision, torch.device], Precision]


class Assembler:
    """Builds what one spec names, on its device.

    Attributes:
        device: the device that the spec means; the CPU where that is a fault.
        filled: what the core fills into constructors: `scales`, and `scale` where there is one.
        trained: the network of `train`, which `{model: trained}` means.
        notes: names that several plugins carry, and whose was taken.
    """

    def __init__(self, spec: Spec, registry: Registry, faults: FaultCollector) -> None:
        self._spec, self._registry, self._faults = spec, registry, faults
        scales = spec.run.all_scales
        self.filled = {"scales": list(scales), **({"scale": scales[0]} if len(scales) == 1 else {})}
        self.device = torch.device("cpu")
        self.trained: Model | None = None
        self.notes: list[str] = []
        with faults.at("device"):
            self.device = choose_device(spec.run.device)
            if self.device.type == "cuda" and world_size() > 1:
                self.device = torch.device("cuda", local_rank())

    def benchmark(self, datasets: Sequence[Dataset], finished: FinishedPictures) -> Benchmark | None:
        """The comparison that `evaluate` asks for; None without it, or where parts of it are faulty."""
        run = self._spec.run
        degradation = self.build(("degradation",), "degradation", run.degradation)
        if run.evaluate is None:
            return None
        metrics = {}
        for index, reference in enumerate(run.evaluate.metrics):
            metrics[reference.name] = self.build(("evaluate", "metrics", index), "metric", reference)
        candidates = [
            self._candidate(("evaluate", "candidates", index), wanted, finished)
            for index, wanted in enumerate(run.evaluate.candidates)
        ]
        if degradation is None or None in (*metrics.values(), *candidates):
            return None
        return Benchmark(
            datasets=datasets,
            scales=run.scale,
            candidates=[candidate for candidate in candidates if candidate is not None],
            metrics=metrics,
            protocol=run.evaluate.protocol.protocol,
            degradation=degradation.to(self.device),
            device=self.device,
            seed=run.seed,
            degradation_name=str(run.degradation),
        )

    def method(self) -> MethodCandidate | None:
        """What `upscale` enlarges with; None without it, or where it is faulty."""
        if self._spec.run.upscale is None:
            return None
        with self._faults.at("upscale", "with"):
            wanted = self._spec.run.upscale.method
            if wanted.pictures is not None:
                raise SrkitError("finished pictures cannot enlarge others; name an upsampler or a model")
        made = self._candidate(("upscale", "with"), wanted, {})
        return made if isinstance(made, MethodCandidate) else None

    def precision(self, choose: ChoosePrecision = choose_precision) -> Precision:
        """The precision of networks, as `choose` reads the spec's: when upscaling, or in training."""
        with self._faults.at("precision"):
            return choose(self._spec.run.precision, self.device)
        return "float32"

    def _candidate(self, path: KeyPath, wanted: CandidateSpec, finished: FinishedPictures) -> Candidate | None:
        if wanted.pictures is not None:
            return PicturesCandidate(wanted.name, finished.get(wanted.name, {}))
        if wanted.model is not None and wanted.model.name == TRAINED:
            if self.trained is None:  # what is wrong with `train` has been noted
                return None
            phases = wanted.between or ((wanted.phase,) if wanted.phase is not None else ())
            alpha = 1.0 if wanted.alpha is None else wanted.alpha
            return MethodCandidate(wanted.name, self.trained, TRAINED, self.device, phases, alpha)
        if wanted.weights is not None and wanted.model is None:
            return self._rebuilt(path, wanted.name, Path(wanted.weights))
        kind, reference = ("model", wanted.model) if wanted.model is not None else ("upsampler", wanted.upsampler)
        assert reference is not None  # noqa: S101 - CandidateSpec lets nothing else through
        method = self.build(self._place_of_parameters(path), "model" if kind == "model" else "upsampler", reference)
        if method is None:
            return None
        with self._faults.at(*path):
            self.check_scales(wanted.name, method)
            if wanted.weights is not None:
                load_into(self._registry, reference, method, Path(wanted.weights), self.filled)
                method = ready(method, self.device)
        origin = str(self._registry.get("model" if kind == "model" else "upsampler", reference.name))
        return MethodCandidate(wanted.name, method, origin, self.device)

    def _rebuilt(self, path: KeyPath, name: str, weights: Path) -> MethodCandidate | None:
        """The network that a weights file itself names; None where it is faulty."""
        with self._faults.at(*path):
            rebuilt = rebuild(self._registry, weights)
            self.check_scales(name, rebuilt.model)
            return MethodCandidate(name, ready(rebuilt.model, self.device), str(rebuilt.component), self.device)
        return None

    def check_scales(self, name: str, method: Method, scales: Sequence[Scale] | None = None) -> None:
        """Refuse a method that does not take all of `scales`, by default the run's.

        Raises:
            SrkitError: with what it takes.
        """
        for scale in self._spec.run.scale if scales is None else scales:
            if not method_takes(method, scale):
                taken = describe_method_scales(method)
                raise SrkitError(f"'{name}' takes scale {taken}, not {describe_scale(scale)}")

    def build(
        self, path: KeyPath, kind: Kind, reference: ComponentReference, filled: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - as `kind` says
        """The component, or None where it is faulty; `filled` joins what the core fills in."""
        with self._faults.at(*path):
            self._note_shadowing(self._registry.get(kind, reference.name), reference)
            return build(self._registry, kind, reference, {**self.filled, **(filled or {})})
        return None

    def _note_shadowing(self, used: Component, reference: ComponentReference) -> None:
        others = self._registry.shadowed_by(used)
        if others and ":" not in reference.name:
            hidden = ", ".join(f"'{other.qualified_name}'" for other in others)
            note = f"{used.kind} '{reference.name}' is {used.distribution}'s; also installed: {hidden}"
            self.notes.extend([note] if note not in self.notes else [])

    def _place_of_parameters(self, path: KeyPath) -> KeyPath:
        """Where a candidate's parameters stand: under `upsampler` or `model`, or in the candidate itself."""
        value: Any = self._spec.document.data
        for key in path:
            value = value[key]
        for key in ("upsampler", "model"):
            if isinstance(value, dict) and key in value:
                return (*path, key)
        return path
