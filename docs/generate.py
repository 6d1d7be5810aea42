"""Writes the reference pages from the code: `python docs/generate.py`; a test keeps them current."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from sr_core.component import KINDS, Component
from sr_core.description import describe_parameters
from sr_core.discovery import discover
from sr_core.field_map import FRAMEWORKS, UPSAMPLINGS, Variant, field_map, giga
from sr_core.parameters import ComponentReference
from sr_core.registry import OFFICIAL_DISTRIBUTIONS
from sr_core.spec.measuring_spec import DatasetSpec, ProtocolSpec
from sr_core.spec.run_spec import CandidateSpec, EvaluateSpec, RunSpec, UpscaleSpec
from sr_core.spec.train_data_spec import ScaleStepsSpec, TrainDataSpec
from sr_core.spec.train_spec import (
    CheckpointSpec,
    ClipSpec,
    LossSpec,
    NonFiniteSpec,
    OptimizerSpec,
    ParameterGroupSpec,
    ScheduleSpec,
    TrainSpec,
    ValidateSpec,
)

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py; do not edit. -->"
DESIGNS = {
    "plain": "layer after layer",
    "residual": "what is learned is added to what came in, of the whole network or of each block",
    "recursive": "one block is applied again and again",
    "dense": "each layer is given the maps of all before it",
    "multi-supervision": "training looks at several pictures, not at the last alone",
    "multi-path": "branches side by side",
    "progressive": "it enlarges in steps",
    "attention": "it weighs maps or places by what is in the picture",
    "gating": "a 1×1 convolution chooses what is remembered",
    "parameter sharing": "one set of weights at several places",
    "batch normalisation": "maps are scaled to the statistics of the batch",
    "cascading": "blocks, and blocks of blocks, are fused by 1×1 convolutions with all that came before them",
    "group convolution": "maps are split into groups, each with a smaller convolution of its own",
    "feedback": "what came out of a step goes into the next one",
    "back-projection": "features are enlarged and shrunk in turn, and each time what was missed is added",
    "non-local": "every place looks at all others, or at all of its region",
    "implicit function": "a perceptron answers for any place on the picture",
    "wavelet": "works on the sub-bands of a wavelet transform",
}
"""The design elements in a few words; a network with another one is explained here first."""


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
        ("`train.scale` in steps", ScaleStepsSpec),
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


def models_page() -> str:
    """The field's map: what the official networks are, and what each variant costs at each scale."""
    registry = discover().registry
    found = [c for c in registry.all("model") if c.distribution.name in OFFICIAL_DISTRIBUTIONS]
    variants = field_map(registry, found)
    lines = [NOTE, "# Models", _INTRODUCTION.rstrip()]
    headings = {word: (f"Framework `{word}`", meaning) for word, meaning in FRAMEWORKS.items()}
    for framework, (heading, meaning) in {**headings, None: _SMALLER}.items():
        components = [component for component in found if component.facts.get("framework") == framework]
        if components:
            lines += ["", f"## {heading}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
            lines += [_network(component) for component in sorted(components, key=lambda c: str(c.facts["year"]))]
    lines += ["", "## The words", "", "By what the picture grows:", ""]
    lines += [f"- {word}: {meaning}" for word, meaning in UPSAMPLINGS.items()]
    lines += ["", "Design elements:", ""]
    lines += [f"- {word}: {DESIGNS[word]}" for word in sorted({w for c in found for w in c.facts["design"]})]
    lines += ["", "## What they cost", _COUNTING.rstrip(), *_costs(variants)]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """
The networks of the official packages, each as its paper has it. `srkit models` prints this map for whatever is
installed, `srkit show model NAME` the parameters of one network, and `specs/papers/` holds how each is trained.
"""

_SMALLER = ("The way back", "networks of a scale below 1, which learn how LR comes about")
"""The heading of those that do not enlarge."""

_COUNTING = """
Cheapest first. *Parameters* are all numbers that are learned, biases and slopes included; papers often count the
weights of convolutions alone. A network for several scales at once has the parameters for all of them.

*Multiply-adds* are the products that convolutions and matrix products form for a result of 1280×720 pixels, counted
without computing; bicubic in front, activations and normalisations are left out. A transposed convolution forms
its kernel's products once for each pixel that comes in. The table that later papers copy (Ahn et al., CARN, ECCV
2018) has them once for each pixel that goes out, scale² times as many: it gives FSRCNN 6.0 G at ×2.
"""


def _network(component: Component) -> str:
    facts = component.facts
    design, scales = ", ".join(facts["design"]), ", ".join(f"×{scale}" for scale in facts["scales"])
    design = design.capitalize() + (f"; upsampling: {facts['upsampling']}" if "upsampling" in facts else "")
    return (
        f"- **`{component.name}`** ({facts['year']}): {component.summary}. {design}; {scales}. {component.reference}."
    )


def _costs(variants: Sequence[Variant]) -> Iterator[str]:
    """A table for each scale."""
    for scale in sorted({cost.scale for variant in variants for cost in variant.costs}):
        yield from (
            "",
            f"### ×{scale}",
            "",
            "| network | name | year | parameters | multiply-adds |",
            "|---|---|---|---:|---:|",
        )
        rows = [(cost, variant) for variant in variants if (cost := variant.cost(scale))]
        for cost, variant in sorted(rows, key=lambda row: row[0].multiply_adds):
            facts = f"`{variant.component.name}` | {variant.fact('year')}"
            yield f"| {variant.name} | {facts} | {cost.parameters:,} | {giga(cost.multiply_adds)} G |"


def main() -> None:
    """Write the pages."""
    (FOLDER / "components.md").write_text(components_page(), encoding="utf-8")
    (FOLDER / "spec.md").write_text(spec_page(), encoding="utf-8")
    (FOLDER / "models.md").write_text(models_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
