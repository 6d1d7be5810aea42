"""From a spec file to a `RunSpec`: every fault of the file found and placed, nothing imported but names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from sr_core.errors import Fault, SpecError
from sr_core.explanation import explain
from sr_core.file_names import file_name
from sr_core.registry import Registry
from sr_core.spec.document import Document, KeyPath
from sr_core.spec.measuring_spec import DatasetSpec, ProtocolSpec
from sr_core.spec.phases_spec import place_in_phases
from sr_core.spec.run_spec import CandidateSpec, EvaluateSpec, RunSpec, UpscaleSpec
from sr_core.spec.train_data_spec import ScaleStepsSpec, TrainDataSpec
from sr_core.spec.train_spec import (
    CheckpointSpec,
    ClipSpec,
    NonFiniteSpec,
    TrainSpec,
    ValidateSpec,
)
from sr_core.spec.values import TRAINED


@dataclass(frozen=True)
class Spec:
    """A spec that is good as far as names and types go.

    Attributes:
        run: what it says; relative paths have become absolute, from the spec's folder.
        document: where it says it, for faults found later.
    """

    run: RunSpec
    document: Document


def read_spec(path: Path, registry: Registry, overrides: Sequence[tuple[str, str]] = ()) -> Spec:
    """Read and check a spec file.

    Args:
        path: the file.
        registry: the installed components, which names are checked against.
        overrides: (key path, YAML text) pairs that replace values, as `--set` gives them.

    Raises:
        SpecError: with every fault found.
    """
    document = Document.from_file(path)
    if not isinstance(document.data, dict):
        expected = "the file is empty" if document.data is None else "the file must be a mapping of keys"
        raise SpecError([Fault("", f"{expected}; a spec begins with 'name:' and 'scale:'", str(path))])
    for where, text in overrides:
        document.set(where, text)
    try:
        context = {"registry": registry, "folder": path.parent}
        run = RunSpec.model_validate(document.data, context=context)
    except ValidationError as error:
        raise SpecError(_faults(error, document)) from error
    if faults := [*_repeated_names(run, document), *_trained_by_nothing(run, document)]:
        raise SpecError(faults)
    return Spec(run, document)


_KEYS_UNDER: dict[str, type[BaseModel]] = {
    "": RunSpec,
    "on": DatasetSpec,
    "candidates": CandidateSpec,
    "evaluate": EvaluateSpec,
    "protocol": ProtocolSpec,
    "upscale": UpscaleSpec,
    "with": CandidateSpec,
    "train": TrainSpec,
    "data": TrainDataSpec,
    "steps": ScaleStepsSpec,  # as pydantic calls that form of `train.scale`
    "clip": ClipSpec,
    "validate": ValidateSpec,
    "checkpoint": CheckpointSpec,
    "nonfinite": NonFiniteSpec,
}


def _faults(error: ValidationError, document: Document) -> list[Fault]:
    """Pydantic's findings as faults in the order of the file; the branches of one union become one fault."""
    messages: dict[tuple[KeyPath, bool], list[str]] = {}
    findings = error.errors()
    places = [details["loc"] for details in findings]
    for details in findings:
        if details["type"] == "too_short" and any(_below(place, details["loc"]) for place in places):
            continue  # pydantic counts only the good items of a list; the bad ones are faults of their own
        unknown = details["type"] == "extra_forbidden"
        parent = next((key for key in reversed(details["loc"][:-1]) if isinstance(key, str)), "")
        known = _known_keys(parent) if unknown else ()
        where, message = explain(details, known)
        messages.setdefault((_existing(document.data, where), unknown), []).append(message)
    faults = [
        document.fault(where, _joined(list(dict.fromkeys(found))), at_key=unknown)
        for (where, unknown), found in messages.items()
    ]
    return sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0))


def _joined(messages: Sequence[str]) -> str:
    """Alternatives of one union with "or"; separate findings side by side."""
    alternatives = all(message.startswith("expected") for message in messages)
    return ("; or " if alternatives else "; ").join(messages)


def _repeated_names(run: RunSpec, document: Document) -> list[Fault]:
    """A fault for each data set, candidate or metric whose name, as a file's, an earlier one has."""
    rename = "give one of them another 'name'"
    faults = []
    if run.evaluate is not None:
        faults += _repeated(run.evaluate.on, "data set", rename, ("evaluate", "on"), document)
        faults += _repeated(run.evaluate.candidates, "candidate", rename, ("evaluate", "candidates"), document)
        metrics = ("evaluate", "metrics")
        faults += _repeated(run.evaluate.metrics, "metric", "each metric is measured once", metrics, document)
    for index, phase in enumerate(run.train):
        if phase.validation is not None:
            watched, path = phase.validation, place_in_phases(document, index, "validate")
            faults += _repeated(watched.on, "data set", rename, (*path, "on"), document)
            faults += _repeated(watched.metrics, "metric", "each metric is measured once", (*path, "metrics"), document)
    return faults


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def _repeated(items: Sequence[_Named], what: str, mend: str, path: KeyPath, document: Document) -> list[Fault]:
    faults = []
    seen: dict[str, str] = {}
    for index, item in enumerate(items):
        name = file_name(item.name).casefold()
        if name in seen:
            like = "" if seen[name] == item.name else f" (as a file, '{seen[name]}' has the same name)"
            faults.append(document.fault((*path, index), f"a second {what} called '{item.name}'{like}; {mend}"))
        seen.setdefault(name, item.name)
    return faults


def _trained_by_nothing(run: RunSpec, document: Document) -> list[Fault]:
    """A fault for each `{model: trained}` of a spec that trains nothing, or has no such phase."""
    places: list[tuple[KeyPath, CandidateSpec]] = []
    if run.evaluate is not None:
        places += [(("evaluate", "candidates", i), c) for i, c in enumerate(run.evaluate.candidates)]
    if run.upscale is not None:
        places.append((("upscale", "with"), run.upscale.method))
    phases = [phase.name for phase in run.train]
    faults = []
    for path, candidate in places:
        if candidate.model is None or candidate.model.name != TRAINED:
            continue
        if not run.train:
            message = "'trained' is the network of the spec's own 'train', which this spec does not have"
            faults.append(document.fault((*path, "model"), message))
        for key, names in (("phase", (candidate.phase,)), ("between", candidate.between or ())):
            for name in names:
                if run.train and name is not None and name not in phases:
                    known = ", ".join(f"'{phase}'" for phase in phases if phase) or "this training has one, unnamed"
                    faults.append(document.fault((*path, key), f"there is no phase '{name}'; phases: {known}"))
    return faults


def _below(path: KeyPath, parent: KeyPath) -> bool:
    return len(path) > len(parent) and path[: len(parent)] == parent


def _known_keys(parent: str) -> tuple[str, ...]:
    model = _KEYS_UNDER.get(parent)
    return tuple(field.alias or name for name, field in model.model_fields.items()) if model else ()


def _existing(data: Any, path: KeyPath) -> KeyPath:  # noqa: ANN401 - plain values
    """The longest part of `path` that the file has: shorthands are longer once they are read."""
    found: KeyPath = ()
    for key in path:
        if isinstance(key, int) and not isinstance(data, list):
            continue  # one thing, written without the list around it
        has_item = isinstance(data, list) and isinstance(key, int) and key < len(data)
        if not has_item and not (isinstance(data, dict) and key in data):
            break
        data = data[key]
        found = (*found, key)
    return found
