"""The values that a spec's keys take: names, paths, scales, devices, components."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from sr_core.component import Kind
from sr_core.device_names import DEVICE_NAME, KNOWN_DEVICES
from sr_core.errors import UnknownComponentError
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry


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


def _whole_where_it_is(scale: float) -> float:
    """Whole scales as int: networks count channels and shuffle pixels by them."""
    return int(scale) if scale == int(scale) else scale


def _all_different(scales: tuple[float, ...]) -> tuple[float, ...]:
    if len(set(scales)) < len(scales):
        raise ValueError("a scale stands twice")
    return scales


def _known_device(device: str) -> str:
    if not re.fullmatch(DEVICE_NAME, device):
        raise ValueError(f"unknown device '{device}'; known: {KNOWN_DEVICES}")
    return device


def _from_the_specs_folder(path: str, info: ValidationInfo) -> str:
    """A relative path made absolute: it is relative to the spec's folder, which the reader brings."""
    folder = info.context.get("folder") if info.context else None
    if folder is None or path.partition(":")[0] == "samples":
        return path
    return str((folder / Path(path).expanduser()).absolute())


def known(kind: Kind) -> AfterValidator:
    """Refuses a component that is not installed, where the reader brought a registry."""

    def check(reference: ComponentReference, info: ValidationInfo) -> ComponentReference:
        registry = registry_of(info)
        if kind == "model" and reference.name == "trained":
            raise ValueError("'trained' is the network of the spec's own 'train', which this spec does not have")
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
Scale = Annotated[float, Field(gt=1, le=64, allow_inf_nan=False), AfterValidator(_whole_where_it_is)]
Scales = Annotated[
    tuple[Scale, ...], Field(strict=False, min_length=1), AfterValidator(_all_different), BeforeValidator(one_or_many)
]
Device = Annotated[str, AfterValidator(_known_device)]
Paths = Annotated[tuple[FilePath, ...], Field(strict=False, min_length=1), BeforeValidator(one_or_many)]
DegradationReference = Annotated[ComponentReference, known("degradation")]
MetricReference = Annotated[ComponentReference, known("metric")]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
