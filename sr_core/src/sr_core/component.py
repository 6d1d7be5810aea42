"""What a plugin registers: the name, the import path and the field's facts of one component."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from sr_core.errors import ContractError, PluginError
from sr_core.guard import guarded

Kind = Literal["upsampler", "model", "loss", "degradation", "metric", "part"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Fact = str | int | float | bool | tuple[str, ...] | tuple[float, ...]
"""One fact of the field's map, as `year=2014`, `framework="pre"` or `scales=(2, 3, 4)`."""

Configurations = Mapping[str, Mapping[str, Any]]
"""What the papers call a component's variants, and the parameters that make each: `{"DRRN B1U9": {"units": 9}}`."""


@dataclass(frozen=True)
class Distribution:
    """An installed distribution, as its metadata names it."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Component:
    """One registered thing; nothing is imported before `load`.

    Attributes:
        kind: which of the contracts it fulfils, or `part`.
        name: how specs call it.
        target: import path of its class, `package.module:Class`.
        summary: one line for lists.
        reference: the paper or page it comes from.
        facts: the field's map (`year`, `framework`, …).
        distribution: who published it.
        configurations: the variants that have a name of their own in the field.
    """

    kind: Kind
    name: str
    target: str
    summary: str
    reference: str
    distribution: Distribution
    facts: Mapping[str, Fact] = field(default_factory=dict)
    configurations: Configurations = field(default_factory=dict)

    @property
    def qualified_name(self) -> str:
        """`distribution:name`, which is never ambiguous."""
        return f"{self.distribution.name}:{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}' of {self.distribution}"

    def module_found(self) -> bool:
        """Whether the module of `target` exists, found without importing the module itself."""
        module = self.target.partition(":")[0]
        try:
            with guarded(f"finding {module}"):
                return importlib.util.find_spec(module) is not None
        except ContractError:  # finding a module imports the packages above it
            return False

    def load(self) -> type[Any]:
        """The component's class, imported now.

        Raises:
            PluginError: the module or the class cannot be imported, or is not a component of this kind.
        """
        module_name, _, attribute = self.target.partition(":")
        with guarded(f"{self}: cannot import {self.target}", PluginError):
            loaded = getattr(importlib.import_module(module_name), attribute)
        if not isinstance(loaded, type):
            raise PluginError(f"{self}: {self.target} is not a class; register the component's class")
        if getattr(loaded, "kind", None) != self.kind:
            raise PluginError(
                f"{self}: {self.target} does not fulfil the contract; derive it from sr_core's {self.kind} class"
            )
        return loaded
