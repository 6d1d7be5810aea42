"""From a component's reference in a spec to the object: parameters checked, nested components built first."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticSerializationError, to_jsonable_python

from sr_core.component import Component, Kind
from sr_core.errors import ParameterError, UnknownComponentError
from sr_core.guard import describe, guarded
from sr_core.parameters import ComponentReference, NestedComponent, check_parameters
from sr_core.registry import Registry


def build(
    registry: Registry, kind: Kind, reference: ComponentReference, filled: Mapping[str, Any] | None = None
) -> Any:  # noqa: ANN401 - one of the contracts, as `kind` says
    """Import a component and construct it.

    Args:
        registry: where names are looked up.
        kind: which contract.
        reference: name and parameters.
        filled: what the run's spec says for arguments named `scale` and `scales`.

    Raises:
        UnknownComponentError: the name, or a nested one, is not installed.
        PluginError: it cannot be imported.
        ParameterError: its parameters do not fit.
        ContractError: its constructor failed in a way of its own.
    """
    component = registry.get(kind, reference.name)
    component_class = component.load()
    values = check_parameters(component_class, reference.parameters, filled)
    arguments = {name: _built(registry, value, name, filled) for name, value in values.items()}
    return _construct(component, component_class, arguments)


def resolved_parameters(
    registry: Registry, kind: Kind, reference: ComponentReference, filled: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Every argument that `build` would construct the component with, defaults included, as plain JSON values.

    Nested components come as references with their own parameters. A default that JSON cannot express is left out: the
    constructor supplies it again.

    Args:
        registry: where names are looked up.
        kind: which contract.
        reference: name and parameters.
        filled: as for `build`.

    Raises:
        UnknownComponentError, PluginError, ParameterError: as `build` does.
    """
    values = check_parameters(registry.get(kind, reference.name).load(), reference.parameters, filled)
    resolved = {}
    for name, value in values.items():
        with contextlib.suppress(PydanticSerializationError):
            resolved[name] = _plain(registry, value, filled)
    return resolved


def _plain(registry: Registry, value: Any, filled: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
    """`value` as JSON has it."""
    if isinstance(value, NestedComponent):
        kind = value.role.kind
        name = registry.get(kind, value.reference.name).qualified_name
        return {"name": name, **resolved_parameters(registry, kind, value.reference, filled)}
    if isinstance(value, list | tuple):
        return [_plain(registry, item, filled) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(registry, item, filled) for item in value), key=repr)
    if isinstance(value, dict):
        return {to_jsonable_python(key): _plain(registry, item, filled) for key, item in value.items()}
    return to_jsonable_python(value)


def _construct(component: Component, component_class: type[Any], arguments: Mapping[str, Any]) -> object:
    with guarded(f"{component} cannot be built"):
        try:
            made = component_class(**arguments)
        except ValueError as error:  # its own word on its parameters
            refused = ParameterError(component_class.__name__, [((), describe(error).partition(": ")[2])])
        else:
            made.check_facts()
            return made
    raise refused


def _built(registry: Registry, value: Any, where: str, filled: Mapping[str, Any] | None) -> Any:  # noqa: ANN401
    """`value` with every nested component in it built."""
    if isinstance(value, NestedComponent):
        role = value.role
        try:
            made = build(registry, role.kind, value.reference, filled)
        except ParameterError as error:
            problems = [((where, *path), message) for path, message in error.problems]
            raise ParameterError(error.component, problems) from error
        except UnknownComponentError as error:
            raise ParameterError(where, [((where,), str(error))]) from error
        if not isinstance(made, role.contract):
            message = f"'{value.reference.name}' is no {role.contract.__name__}"
            raise ParameterError(where, [((where,), message)])
        return made
    if isinstance(value, list | tuple):
        return type(value)(_built(registry, item, where, filled) for item in value)
    if isinstance(value, dict):
        return {key: _built(registry, item, where, filled) for key, item in value.items()}
    return value
