"""The JSON Schema of specs, with every installed component's parameters, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema

from sr_core.component import KINDS, Component, Kind
from sr_core.errors import PluginError
from sr_core.parameters import COMPONENT_MARK, FILLED_BY_THE_CORE, parameter_model
from sr_core.protocol import PROTOCOLS
from sr_core.registry import Registry
from sr_core.spec.run_spec import RunSpec
from sr_core.spec.values import TRAINED

JsonSchema = dict[str, Any]

_REFERENCES: tuple[tuple[str, str, Kind], ...] = (
    ("RunSpec", "degradation", "degradation"),
    ("CandidateSpec", "upsampler", "upsampler"),
    ("CandidateSpec", "model", "model"),
    ("TrainSpec", "model", "model"),
)
_ONE_OR_MANY = (
    ("RunSpec", "scale"),
    ("RunSpec", "train"),
    ("DatasetSpec", "hr"),
    ("EvaluateSpec", "on"),
    ("UpscaleSpec", "inputs"),
    ("TrainSpec", "loss"),
    ("TrainDataSpec", "hr"),
    ("TrainDataSpec", "unpaired_lr"),
    ("ValidateSpec", "on"),
)


def spec_schema(registry: Registry) -> JsonSchema:
    """The schema of a spec file; imports every component for its parameters.

    A component that cannot be imported is offered by name, its parameters unchecked.
    """
    schema = RunSpec.model_json_schema()
    definitions: JsonSchema = schema.pop("$defs")
    parts = {"RunSpec": schema, **definitions}
    for part, key, kind in _REFERENCES:
        parts[part]["properties"][key] = {"$ref": f"#/$defs/{kind}"}
    parts["CandidateSpec"]["properties"]["model"] = {"anyOf": [{"const": TRAINED}, {"$ref": "#/$defs/model"}]}
    for part in ("EvaluateSpec", "ValidateSpec"):
        parts[part]["properties"]["metrics"]["items"] = {"$ref": "#/$defs/metric"}
    for part, key in _ONE_OR_MANY:
        many = parts[part]["properties"][key]
        list_of = next(form for form in many.get("anyOf", [many]) if "items" in form)  # beside null, where it may lack
        parts[part]["properties"][key] = {"anyOf": [list_of["items"], many]}
    later = {**definitions["TrainSpec"], "required": []}
    definitions["PhaseSpec"] = later  # what a phase leaves out is as in the one before
    parts["RunSpec"]["properties"]["train"]["anyOf"][1]["items"] = {"$ref": "#/$defs/PhaseSpec"}
    for kind in KINDS:
        definitions[kind] = _component_schema(registry.all(kind), definitions, {})
    own = {key: value for key, value in definitions["LossSpec"]["properties"].items() if key != "component"}
    definitions["LossSpec"] = _component_schema(registry.all("loss"), definitions, own)
    for part in ("OptimizerSpec", "ScheduleSpec", "ParameterGroupSpec"):
        definitions[part]["properties"].pop("options")
        definitions[part]["additionalProperties"] = True
    _allow_shorthand(definitions, "OptimizerSpec", {"type": "string"})
    _allow_shorthand(definitions, "ScheduleSpec", {"type": "string"})
    _allow_shorthand(definitions, "TrainDataSpec", {"type": ["string", "array"]})
    _allow_shorthand(definitions, "DatasetSpec", {"type": "string"})
    _allow_shorthand(definitions, "CandidateSpec", {"$ref": "#/$defs/upsampler"})
    _allow_shorthand(definitions, "ProtocolSpec", {"enum": sorted(PROTOCOLS)})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "srkit spec",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": definitions,
    }


def _allow_shorthand(definitions: JsonSchema, part: str, shorthand: JsonSchema) -> None:
    """A part that may also be written short; its `name` then follows from the rest."""
    whole = definitions[part]
    whole["required"] = [key for key in whole.get("required", []) if key != "name"]
    definitions[part] = {"anyOf": [shorthand, whole]}


def _component_schema(components: list[Component], definitions: JsonSchema, own: JsonSchema) -> JsonSchema:
    """A component of one kind: its name, or a mapping with its name, its parameters and the spec's `own` keys."""
    names = sorted({name for c in components for name in (c.name, c.qualified_name)})
    if not names:
        return {"not": {}}
    return {"anyOf": [{"enum": names}, *(_mapping_schema(component, definitions, own) for component in components)]}


def _mapping_schema(component: Component, definitions: JsonSchema, own: JsonSchema) -> JsonSchema:
    name = {"enum": [component.name, component.qualified_name]}
    try:
        model = parameter_model(component.load())
        parameters = model.model_json_schema()
    except (PluginError, PydanticInvalidForJsonSchema):  # `list-plugins --check` says what is wrong with it
        return {"type": "object", "properties": {"name": name}, "required": ["name"], "title": component.name}
    definitions.update(parameters.pop("$defs", {}))
    required = [key for key in parameters.get("required", []) if key not in FILLED_BY_THE_CORE]
    return {
        "title": component.name,
        "description": component.summary,
        "type": "object",
        "properties": {"name": name, **_with_components(parameters.get("properties", {})), **own},
        "required": ["name", *required],
        "additionalProperties": False,
    }


def _with_components(schema: Any) -> Any:  # noqa: ANN401 - plain values
    """The schema with every mark of a nested component replaced by the components of its kind."""
    if isinstance(schema, dict):
        if COMPONENT_MARK in schema:
            return {"$ref": f"#/$defs/{schema[COMPONENT_MARK]}"}
        return {key: _with_components(value) for key, value in schema.items()}
    return [_with_components(item) for item in schema] if isinstance(schema, list) else schema
