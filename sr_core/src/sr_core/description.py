"""A component's parameters in words, from the same type hints that check them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from sr_core.parameters import ComponentReference, Role, parameter_model

_BOUNDS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "multiple_of": "multiple of"}
_LENGTHS = {"min_length": "at least", "max_length": "at most"}


@dataclass(frozen=True)
class ParameterDescription:
    """One parameter: its name, its type with bounds, and its default (None where it must be given)."""

    name: str
    type: str
    default: str | None


def describe_parameters(component_class: type[Any]) -> list[ParameterDescription]:
    """Every parameter of a component, in the order of its constructor.

    Raises:
        PluginError: the constructor is faulty.
    """
    fields = parameter_model(component_class).model_fields
    return [ParameterDescription(name, _field_type(field), _default(field)) for name, field in fields.items()]


def _field_type(field: FieldInfo) -> str:
    role = next((item for item in field.metadata if isinstance(item, Role)), None)
    text = _role(role) if role else _type(field.annotation)
    return ", ".join([text, *_bounds(field.metadata)])


def _default(field: FieldInfo) -> str | None:
    return None if field.is_required() else repr(field.get_default(call_default_factory=True))


def _type(hint: Any) -> str:  # noqa: ANN401 - a type hint has no narrower type
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin in (Union, UnionType):
        return " | ".join(_type(argument) for argument in arguments)
    if origin is Annotated:
        role = next((item for item in arguments[1:] if isinstance(item, Role)), None)
        return _role(role) if role else ", ".join([_type(arguments[0]), *_bounds(arguments[1:])])
    if origin is not None:
        inner = ", ".join("…" if argument is ... else _type(argument) for argument in arguments)
        return f"{origin.__name__}[{inner}]"
    if hint is type(None):
        return "None"
    if hint is ComponentReference:
        return "component"
    return getattr(hint, "__name__", str(hint))


def _role(role: Role) -> str:
    return f"{role.kind} ({role.contract.__name__})" if role.kind == "part" else role.kind


def _bounds(metadata: Iterable[Any]) -> list[str]:
    texts = []
    for item in metadata:
        parts = item.metadata if isinstance(item, FieldInfo) else [item]
        for part in parts:
            texts += [f"{sign} {getattr(part, name):g}" for name, sign in _BOUNDS.items() if hasattr(part, name)]
            texts += [f"{word} {getattr(part, name)} of them" for name, word in _LENGTHS.items() if hasattr(part, name)]
    return texts
