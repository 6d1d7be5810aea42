"""The values that a spec's keys take: names, paths, scales, devices, components."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)

from sr_core.component import Kind
from sr_core.device_names import DEVICE_NAME, KNOWN_DEVICES
from sr_core.errors import UnknownComponentError
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry
from sr_core.scales import BOTH_AXES, HIGHEST_SCALE, LOWEST_SCALE, check_scale, describe_scale, parse_scale
from sr_core.scales import Scale as AnyScale

TRAINED = "trained"
"""As a model's name: the network that the spec's own `train` makes."""


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""`${NAME}` in a path: an environment variable."""


def registry_of(info: ValidationInfo) -> Registry | None:
    """The registry that names are checked against, where the reader brought one."""
    return info.context.get("registry") if info.context else None


def one_or_many(value: object) -> object:
    """A single value as a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def _can_be_a_file_name(name: str) -> str:
    if any(sign in "/\\" or not sign.isprintable() for sign in name):
        raise ValueError(f"a name may hold neither '/' nor control characters, found {name!r}")
    return name


def _scale_of(value: object) -> AnyScale:
    """A number, or both axes in a text like `2x3`; a list would mean several scales."""
    if isinstance(value, str) and "x" in value:
        return parse_scale(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, found {value!r}; axes are written '2x3', vertical x horizontal")
    return check_scale(value)


def _as_text(scale: AnyScale) -> float | str:
    """The scale as a spec has it, to the last digit."""
    return "x".join(map(repr, scale)) if isinstance(scale, tuple) else scale


def _all_different(scales: tuple[AnyScale, ...]) -> tuple[AnyScale, ...]:
    if len({describe_scale(scale) for scale in scales}) < len(scales):  # folders are called by it
        raise ValueError("a scale stands twice")
    return scales


def _known_device(device: str) -> str:
    if not re.fullmatch(DEVICE_NAME, device):
        raise ValueError(f"unknown device '{device}'; known: {KNOWN_DEVICES}")
    return device


def _from_environment(match: re.Match[str]) -> str:
    name = match[1]
    if not os.environ.get(name):
        state = "empty" if name in os.environ else "not set"
        raise ValueError(f"the environment variable '{name}' is {state}; set it, as in: {name}=/data srkit run SPEC")
    return os.environ[name]


def _from_the_specs_folder(path: str, info: ValidationInfo) -> str:
    """`${NAME}` replaced, and a relative path made absolute: from the spec's folder, which the reader brings."""
    path = _VARIABLE.sub(_from_environment, path)
    folder = info.context.get("folder") if info.context else None
    if folder is None or path.partition(":")[0] == "samples":
        return path
    try:
        return str((folder / Path(path).expanduser()).absolute())
    except RuntimeError as error:
        raise ValueError(f"{path}: the home folder that '~' stands for cannot be found; write it out") from error


def _with_files_found(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - plain values
    """A component's parameters, where each `weights` in them that is a file's path is found as other paths are.

    A bare word (`random`, `published`) and an address are no paths.
    """
    if isinstance(value, list):
        return [_with_files_found(item, info) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _with_files_found(item, info) for key, item in value.items()}
    weights = found.get("weights")
    if isinstance(weights, str) and "://" not in weights and not re.fullmatch(r"[a-z_]*", weights):
        found["weights"] = _from_the_specs_folder(weights, info)
    return found


def known(kind: Kind) -> AfterValidator:
    """Refuses a component that is not installed, where the reader brought a registry."""

    def check(reference: ComponentReference, info: ValidationInfo) -> ComponentReference:
        registry = registry_of(info)
        if kind == "model" and reference.name == TRAINED:
            return reference
        reference = ComponentReference.of(reference.name, _with_files_found(reference.parameters, info))
        if registry is not None:
            try:
                registry.get(kind, reference.name)
            except UnknownComponentError as error:
                raise ValueError(str(error)) from error
        return reference

    return AfterValidator(check)


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_can_be_a_file_name)]
"""A name that can be a file's: no slash, no control character."""
FilePath = Annotated[str, Field(min_length=1), AfterValidator(_from_the_specs_folder)]
"""A path or glob pattern; `~` is the home folder and `${NAME}` an environment variable."""
Scale = Annotated[
    AnyScale,
    PlainValidator(_scale_of),
    PlainSerializer(_as_text, return_type=Any),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": LOWEST_SCALE, "maximum": HIGHEST_SCALE},
                {"type": "string", "pattern": BOTH_AXES},
            ]
        }
    ),
]
"""SR size over LR size: a number, or vertical x horizontal in a text, as `2x3`."""
Scales = Annotated[
    tuple[Scale, ...], Field(strict=False, min_length=1), AfterValidator(_all_different), BeforeValidator(one_or_many)
]
Device = Annotated[str, AfterValidator(_known_device)]
Paths = Annotated[tuple[FilePath, ...], Field(strict=False, min_length=1), BeforeValidator(one_or_many)]
DegradationReference = Annotated[ComponentReference, known("degradation")]
MetricReference = Annotated[ComponentReference, known("metric")]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
