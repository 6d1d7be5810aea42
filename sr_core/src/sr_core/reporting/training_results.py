"""What a training left in its run directory, read back for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sr_core.record import Cost, Record
from sr_core.reporting.curves import Curve, read_curves
from sr_core.reporting.learning import LearningIndex, read_learning

CURVES = "metrics.csv"
FACTS = "training.json"
HEALTH = "health"
"""The `subject` of warnings in the log that say how losses that learn and the network get on."""


@dataclass(frozen=True)
class Training:
    """Everything the report shows of one training.

    Attributes:
        curves: by name.
        facts: (what, value) pairs: the network, how it was trained.
        validated: the records of the last validation, which say how its curves were measured.
        learning: (folder, index) of each picture that was kept over time.
        phases: (step, name) of where each begins; none where there is one alone.
        warnings: (step, text) of what the log says of how losses that learn and the network get on.
    """

    curves: Mapping[str, Curve]
    facts: tuple[tuple[str, str], ...]
    validated: tuple[Record, ...]
    learning: tuple[tuple[Path, LearningIndex], ...]
    phases: tuple[tuple[int, str], ...] = ()
    warnings: tuple[tuple[int, str], ...] = ()


def read_training(path: Path, spec: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> Training | None:
    """The training of a run, which may still go on; None of a run that trains nothing.

    Args:
        path: the run directory.
        spec: the resolved spec.
        events: of the run's log.

    Raises:
        OSError, ValueError, KeyError: a file is missing or damaged.
    """
    if "train" not in spec:
        return None
    curves = read_curves(path / CURVES) if (path / CURVES).is_file() else {}  # a fitted model has none
    phases = [spec["train"]] if isinstance(spec["train"], Mapping) else list(spec["train"])
    validations = [event["records"] for event in events if event["event"] == "validated"]
    return Training(
        curves=curves,
        facts=tuple(_facts(path, phases, curves)),
        validated=tuple(TypeAdapter(list[Record]).validate_python(validations[-1])) if validations else (),
        learning=tuple(read_learning(path / "learning")),
        phases=tuple(_begins(phases)),
        warnings=tuple(_warning(event) for event in events if is_of_health(event)),
    )


def is_of_health(event: Mapping[str, Any]) -> bool:
    """Whether an event of the log is a warning of how losses that learn and the network get on."""
    return bool(event["event"] == "warning" and event.get("subject") == HEALTH)


def _warning(event: Mapping[str, Any]) -> tuple[int, str]:
    step = int(event["step"])
    return step, str(event["message"]).removeprefix(f"step {step}: ")


def _begins(phases: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    """(step, name) of where each of several phases begins."""
    step = 0
    for phase in phases if len(phases) > 1 else ():
        yield step, str(phase.get("name"))
        step += int(phase.get("steps") or 0)


def _facts(path: Path, phases: Sequence[Mapping[str, Any]], curves: Mapping[str, Curve]) -> list[tuple[str, str]]:
    """The spec's choices in words; then what the training itself noted."""
    done = max((curve.steps[-1] for curve in curves.values() if curve.steps), default=0)
    steps = sum(phase.get("steps") or 0 for phase in phases)
    written = {"network": in_words(phases[0].get("model"))}
    if steps:
        written["steps"] = f"{steps:,}" if steps == done else f"{done:,} of {steps:,}"
    if len(phases) > 1:
        written["phases"] = ", ".join(f"{phase.get('name')} ({phase.get('steps') or 0:,} steps)" for phase in phases)
    written |= {
        "batch": _of_each_phase(phases, lambda phase: _batch(phase.get("data", {}))),
        "loss": _of_each_phase(phases, lambda phase: in_words(phase.get("loss"))),
        "optimiser": _of_each_phase(phases, lambda phase: in_words(phase.get("optimizer"))),
        "schedule": _of_each_phase(phases, lambda phase: _schedule(phase.get("schedule", {}))),
    }
    noted = TypeAdapter(dict[str, str | int | float]).validate_json(_text(path / FACTS))
    pairs = {**written, **{key: f"{value:,}" if isinstance(value, int) else value for key, value in noted.items()}}
    if "parameters" not in pairs and (parameters := _parameters(path)):
        pairs["parameters"] = f"{parameters:,}"
    return [(key, in_words(value)) for key, value in pairs.items() if value not in ("", None)]


def _of_each_phase(phases: Sequence[Mapping[str, Any]], of: Callable[[Mapping[str, Any]], str]) -> str:
    """What a phase has; where phases differ, each with its name."""
    found = [of(phase) for phase in phases]
    if len(set(found)) == 1:
        return found[0]
    return "; ".join(f"{phase.get('name')}: {value}" for phase, value in zip(phases, found, strict=True))


def _batch(data: Mapping[str, Any]) -> str:
    crop = f" of {data['crop']}×{data['crop']} HR pixels" if "crop" in data else ""
    return f"{data['batch']} crops{crop}" if "batch" in data else ""


def _schedule(schedule: Mapping[str, Any]) -> str:
    return in_words({key: value for key, value in schedule.items() if (key, value) != ("warmup", 0)})


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else "{}"


def _parameters(path: Path) -> int:
    """Of the trained network, where the run measured its cost too; else 0."""
    costs = path / "costs.json"
    found = TypeAdapter(list[Cost]).validate_json(costs.read_bytes()) if costs.is_file() else []
    return next((cost.parameters for cost in found if cost.candidate == "trained"), 0)


def in_words(value: object) -> str:
    """A component or option of a spec as a reader likes it.

    >>> in_words({"name": "adam", "lr": 0.001})
    'adam (lr 0.001)'
    >>> in_words(["l1", {"name": "vgg", "weight": 0.006}])
    'l1 + vgg (weight 0.006)'
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        options = ", ".join(f"{key} {_option(item)}" for key, item in value.items() if key != "name")
        name = str(value.get("name", ""))
        return f"{name} ({options})" if name and options else name or options
    if isinstance(value, list | tuple):
        return " + ".join(in_words(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _option(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(in_words(item) for item in value)}]"
    return in_words(value)
