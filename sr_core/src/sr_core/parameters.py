"""A component's parameters: read from its constructor's type hints, checked by pydantic, declared nowhere else."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    JsonValue,
    ValidationError,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic.errors import PydanticUserError
from pydantic_core import CoreSchema, ErrorDetails

from sr_core.component import KINDS, Kind
from sr_core.errors import ParameterError, PluginError
from sr_core.explanation import explain
from sr_core.guard import describe
from sr_core.scales import describe_scale

FILLED_BY_THE_CORE = frozenset({"scale", "scales", "channels"})
"""Arguments of these names are taken from the run's spec where the component's own mapping leaves them out."""

COMPONENT_MARK = "srkit-component"
"""Stands in a parameter's JSON Schema where a component of that kind belongs."""

Path = tuple[str | int, ...]

_MOST_NAMED = 5
"""Scales that are named one by one."""


class ComponentReference(BaseModel):
    """A component as a spec names it: `bicubic`, or `{name: bicubic, rounding: each_pass}`."""

    model_config = ConfigDict(frozen=True)

    name: str
    parameters: dict[str, JsonValue] = {}

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, Any]) -> ComponentReference:
        """The reference to a component with these parameters."""
        return cls.model_validate({**parameters, "name": name})

    @model_validator(mode="before")
    @classmethod
    def _from_name_or_mapping(cls, value: object) -> object:
        if isinstance(value, str):
            return {"name": value, "parameters": {}}
        if isinstance(value, Mapping):
            if not isinstance(value.get("name"), str):
                raise ValueError("expected a component's name, or a mapping with 'name' and its parameters")
            return {"name": value["name"], "parameters": {k: v for k, v in value.items() if k != "name"}}
        raise ValueError("expected a component's name, or a mapping with 'name' and its parameters")

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        return {"name": self.name, **self.parameters} if self.parameters else self.name

    def __str__(self) -> str:
        inner = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({inner})" if inner else self.name


@dataclass(frozen=True)
class Role:
    """Marks a parameter that holds another component: which kind, and the class it must derive from."""

    kind: Kind
    contract: type[Any]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """A mark that spec/schema.py replaces by the installed components of the kind."""
        del core_schema, handler
        return {COMPONENT_MARK: self.kind}


@dataclass(frozen=True)
class NestedComponent:
    """A validated parameter that still has to be built."""

    reference: ComponentReference
    role: Role


def parameter_model(component_class: type[Any]) -> type[BaseModel]:
    """The pydantic model of a component's constructor arguments: strict, unknown names refused.

    Raises:
        PluginError: an argument has no type hint or one that cannot be read, is positional only, or the constructor
            swallows options (`*args`, `**kwargs`).
    """
    owner = f"{component_class.__module__}.{component_class.__qualname__}"
    fields: dict[str, Any] = {}
    constructor = _own_constructor(component_class)
    if constructor is not None:
        hints = _hints(constructor, owner)
        for name, argument in list(inspect.signature(constructor).parameters.items())[1:]:
            if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
                raise PluginError(f"{owner}: *{name} would swallow misspelt options; name each argument")
            if argument.kind is argument.POSITIONAL_ONLY:
                raise PluginError(f"{owner}: argument '{name}' is positional only; specs set arguments by name")
            if name not in hints:
                raise PluginError(f"{owner}: argument '{name}' has no type hint")
            default = ... if argument.default is argument.empty else argument.default
            fields[name] = (_with_references(hints[name]), default)
    config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())
    try:
        return create_model(component_class.__qualname__, __config__=config, **fields)
    except (PydanticUserError, NameError, TypeError) as error:
        raise PluginError(f"{owner}: a type hint cannot be checked: {describe(error)}") from error


def check_parameters(
    component_class: type[Any], given: Mapping[str, Any], filled: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Constructor arguments from a spec's parameters; nested components come as `NestedComponent`.

    Args:
        component_class: the class whose constructor they are for.
        given: names → plain values (as JSON knows them), as the spec has them.
        filled: what the run's spec says for `scale` (where it has one) and `scales`: used where the constructor asks
            for it and `given` is silent.

    Raises:
        ParameterError: with every problem and where it is.
        PluginError: the constructor itself is faulty.
    """
    model = parameter_model(component_class)
    filled = filled or {}
    fill = {name: value for name, value in filled.items() if name in model.model_fields and name not in given}
    try:
        # By way of JSON, strictly: an int serves as float and a list as tuple, and nothing else is bent.
        checked = model.model_validate_json(json.dumps({**fill, **given}))
    except ValidationError as error:
        problems = [_problem(details, tuple(model.model_fields), filled) for details in error.errors()]
        raise ParameterError(component_class.__name__, problems) from error
    return {name: getattr(checked, name) for name in model.model_fields}


def _problem(details: ErrorDetails, known: tuple[str, ...], filled: Mapping[str, Any]) -> tuple[Path, str]:
    """A finding in plain words; a `scale` that is missing because the run has several says so."""
    if details["type"] == "missing" and details["loc"] == ("scale",) and "scales" in filled:
        named = [describe_scale(scale) for scale in filled["scales"]]
        scales = " and ".join(named) if len(named) <= _MOST_NAMED else f"{len(named)} of them"
        return (), f"takes one scale, and this run has {scales}; give it its own 'scale'"
    return explain(details, known)


def _hints(constructor: Callable[..., None], owner: str) -> dict[str, Any]:
    try:
        return get_type_hints(constructor, include_extras=True)
    except (NameError, TypeError, AttributeError) as error:  # imported for type checkers only, or misspelt
        raise PluginError(f"{owner}: a type hint cannot be read: {describe(error)}") from error


def _own_constructor(component_class: type[Any]) -> Callable[..., None] | None:
    """The constructor that the component or its bases wrote; None where it is torch's or Python's own."""
    for base in component_class.__mro__:
        if "__init__" in vars(base):
            foreign = base.__module__.partition(".")[0] in ("torch", "builtins")
            return None if foreign else vars(base)["__init__"]
    return None


def _with_references(hint: Any) -> Any:  # noqa: ANN401 - a type hint has no narrower type
    """The hint with each component class in it replaced by a reference to a component of that role."""
    kind = getattr(hint, "kind", None) if isinstance(hint, type) else None
    if kind in KINDS:
        role = Role(kind, hint)
        return Annotated[ComponentReference, AfterValidator(lambda found: NestedComponent(found, role)), role]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(_with_references(argument) for argument in arguments)]  # noqa: UP007 - built at run time
    if origin is Annotated:
        return Annotated[(_with_references(arguments[0]), *arguments[1:])]
    if origin in (list, tuple, dict):
        return origin[tuple(_with_references(a) if a is not ... else a for a in arguments)]
    return hint
