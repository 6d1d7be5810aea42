"""Writes the reference pages from the code: `python docs/generate.py`; a test keeps them current."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from sr_core.component import KINDS, Component
from sr_core.description import describe_parameters
from sr_core.discovery import discover
from sr_core.parameters import ComponentReference
from sr_core.registry import OFFICIAL_DISTRIBUTIONS
from sr_core.spec.measuring_spec import DatasetSpec, ProtocolSpec
from sr_core.spec.run_spec import CandidateSpec, EvaluateSpec, RunSpec, UpscaleSpec
from sr_core.spec.train_spec import (
    CheckpointSpec,
    ClipSpec,
    LossSpec,
    NonFiniteSpec,
    OptimizerSpec,
    ParameterGroupSpec,
    ScheduleSpec,
    TrainDataSpec,
    TrainSpec,
    ValidateSpec,
)

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py; do not edit. -->"


def components_page() -> str:
    """Every official component with its parameters."""
    lines = [NOTE, "# Components", "", "What the official packages register, with every parameter."]
    registry = discover().registry
    for kind in KINDS:
        found = [c for c in registry.all(kind) if c.distribution.name in OFFICIAL_DISTRIBUTIONS]
        if found:
            lines += ["", f"## {kind}s".replace("sss", "sses"), ""]
            for component in sorted(found, key=lambda component: component.name):
                lines += _component(component)
    return "\n".join(lines) + "\n"


def _component(component: Component) -> Iterator[str]:
    reference = f" ({component.reference})" if component.reference else ""
    yield f"**`{component.name}`**: {component.summary}{reference}. From `{component.distribution.name}`."
    for parameter in describe_parameters(component.load()):
        default = "required" if parameter.default is None else f"default `{parameter.default}`"
        yield f"- `{parameter.name}`: {parameter.type}, {default}"
    yield ""


def spec_page() -> str:
    """Every key of a spec."""
    lines = [NOTE, "# The spec", "", "Every key of a spec file; `srkit schema` prints the same for editors."]
    parts: tuple[tuple[str, type[BaseModel]], ...] = (
        ("The file", RunSpec),
        ("`train`", TrainSpec),
        ("`train.data`", TrainDataSpec),
        ("A loss of `train.loss`", LossSpec),
        ("`train.optimizer`", OptimizerSpec),
        ("A group of `train.optimizer.groups`", ParameterGroupSpec),
        ("`train.schedule`", ScheduleSpec),
        ("`train.clip`", ClipSpec),
        ("`train.validate`", ValidateSpec),
        ("`train.checkpoint`", CheckpointSpec),
        ("`train.nonfinite`", NonFiniteSpec),
        ("`evaluate`", EvaluateSpec),
        ("A data set of `evaluate.on`", DatasetSpec),
        ("A candidate of `evaluate.candidates`, and `upscale.with`", CandidateSpec),
        ("`evaluate.protocol`", ProtocolSpec),
        ("`upscale`", UpscaleSpec),
    )
    for title, model in parts:
        lines += ["", f"## {title}", "", *_part(model)]
    return "\n".join(lines) + "\n"


def _part(model: type[BaseModel]) -> Iterator[str]:
    summary, _, attributes = inspect.cleandoc(model.__doc__ or "").partition("Attributes:")
    yield " ".join(summary.split())
    yield ""
    for line in re.sub(r"\n {8,}", " ", attributes).strip().splitlines():
        name, _, text = line.strip().partition(": ")
        if name == "options":
            yield f"- {text.rstrip('.')}"
            continue
        if model is LossSpec and name == "component":
            yield f"- `name`: {text.rstrip('.')}, which stand beside it; required"
            continue
        field = model.model_fields[name]
        usual = None if field.is_required() else _plain(field.get_default(call_default_factory=True))
        default = "required" if usual is None else f"default `{usual}`"
        yield f"- `{field.alias or name}`: {text.rstrip('.')}; {default}"


def _plain(value: object) -> str:
    """A default as one would write it in a spec."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    if isinstance(value, ProtocolSpec):
        return value.protocol.name
    if isinstance(value, BaseModel) and not isinstance(value, ComponentReference):
        written = value.model_dump(mode="json", exclude_none=True)
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in written.items()) + "}"
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return str(value)


def main() -> None:
    """Write both pages."""
    (FOLDER / "components.md").write_text(components_page(), encoding="utf-8")
    (FOLDER / "spec.md").write_text(spec_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
