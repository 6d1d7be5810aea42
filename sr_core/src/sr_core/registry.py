"""Every component that is installed, by kind and name: clashes, shadowing and near misses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sr_core.component import KINDS, Component, Configurations, Distribution, Fact, Kind
from sr_core.errors import PluginError, UnknownComponentError

OFFICIAL_DISTRIBUTIONS = (
    "srkit-core",
    "srkit-interp",
    "srkit-cnn",
    "srkit-gan",
    "srkit-losses",
    "srkit-classical",
    "srkit-zoo",
)
"""These load first and keep their names."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class Registrar:
    """What a plugin's `srkit_register` is given: it collects the components of one distribution."""

    def __init__(self, distribution: Distribution) -> None:
        self._distribution = distribution
        self._components: dict[tuple[Kind, str], Component] = {}

    @property
    def components(self) -> tuple[Component, ...]:
        """All that was registered so far, in that order."""
        return tuple(self._components.values())

    def upsampler(self, name: str, target: str, *, summary: str, reference: str = "", **facts: Fact) -> None:
        """Register an `Upsampler` under `name`; `target` is `"package.module:Class"`."""
        self._add("upsampler", name, target, summary, reference, facts)

    def model(
        self,
        name: str,
        target: str,
        *,
        summary: str,
        reference: str = "",
        configurations: Configurations | None = None,
        **facts: Fact,
    ) -> None:
        """Register a `Model`; give its place in the field too, for `srkit models`.

        Args:
            name: how specs call it.
            target: `"package.module:Class"`.
            summary: one line for lists.
            reference: the paper.
            configurations: its variants that the field knows by name, with the parameters of each.
            facts: `year`; `framework` (`pre`, `post`, `progressive` or `iterative`: where in it the picture grows);
                `upsampling` (`interpolation`, `transposed`, `sub-pixel` or `meta`); `design`, a tuple of its design
                elements; `scales`, a tuple of the paper's scales.
        """
        self._add("model", name, target, summary, reference, facts, configurations or {})

    def loss(self, name: str, target: str, *, summary: str, reference: str = "", **facts: Fact) -> None:
        """Register a `Loss`."""
        self._add("loss", name, target, summary, reference, facts)

    def degradation(self, name: str, target: str, *, summary: str, reference: str = "", **facts: Fact) -> None:
        """Register a `Degradation`."""
        self._add("degradation", name, target, summary, reference, facts)

    def metric(self, name: str, target: str, *, summary: str, reference: str = "", **facts: Fact) -> None:
        """Register a `Metric`."""
        self._add("metric", name, target, summary, reference, facts)

    def part(self, name: str, target: str, *, summary: str, reference: str = "", **facts: Fact) -> None:
        """Register a `Part`: a piece that other components take as an argument."""
        self._add("part", name, target, summary, reference, facts)

    def _add(
        self,
        kind: Kind,
        name: str,
        target: str,
        summary: str,
        reference: str,
        facts: dict[str, Fact],
        configurations: Configurations = MappingProxyType({}),
    ) -> None:
        call = f"registry.{kind}({name!r}, …)"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PluginError(f"{call}: a name is lower-case letters, digits, '.', '-' and '_'")
        if not isinstance(target, str) or not _TARGET.fullmatch(target):
            raise PluginError(f"{call}: target {target!r} is not of the form 'package.module:Class'")
        if not isinstance(summary, str) or not summary.strip() or "\n" in summary:
            raise PluginError(f"{call}: summary must be one line of text")
        if not isinstance(reference, str) or "\n" in reference:
            raise PluginError(f"{call}: reference must be one line of text")
        for fact, value in facts.items():
            kinds = {type(item) for item in value} if isinstance(value, tuple) else set()
            if not isinstance(value, str | int | float | tuple) or not (kinds <= {str} or kinds <= {int, float}):
                raise PluginError(
                    f"{call}: {fact} must be a text, a number, true or false, or a tuple of texts or of numbers"
                )
        if not isinstance(configurations, Mapping) or not all(
            isinstance(label, str) and isinstance(parameters, Mapping) for label, parameters in configurations.items()
        ):
            raise PluginError(f"{call}: configurations must map each variant's name to its parameters")
        if (kind, name) in self._components:
            raise PluginError(f"{call}: registered twice by the same plugin")
        self._components[kind, name] = Component(
            kind, name, target, summary.strip(), reference, self._distribution, facts, dict(configurations)
        )


class Registry:
    """All components, filled once at start-up and only read afterwards."""

    def __init__(self) -> None:
        self._by_name: dict[tuple[Kind, str], list[Component]] = {}

    def add(self, components: Iterable[Component]) -> None:
        """Enter the components of one plugin: all of them or none.

        Raises:
            PluginError: the distribution already has a component of that kind and name.
        """
        incoming = list(components)
        for component in incoming:
            for other in self._by_name.get((component.kind, component.name), []):
                if other.distribution.name == component.distribution.name:
                    raise PluginError(f"{component} is registered by two plugins of that distribution")
        for component in incoming:
            self._by_name.setdefault((component.kind, component.name), []).append(component)

    def get(self, kind: Kind, name: str) -> Component:
        """The component that `name` or `distribution:name` means.

        Raises:
            UnknownComponentError: none has that name (says the nearest), or two strangers have it (names both).
        """
        distribution, _, bare = name.rpartition(":")
        found = self._by_name.get((kind, bare), [])
        if distribution:
            for component in found:
                if component.distribution.name == distribution:
                    return component
            raise UnknownComponentError(self._unknown(kind, name))
        official = [c for c in found if c.distribution.name in OFFICIAL_DISTRIBUTIONS]
        if official:
            return official[0]
        if len(found) > 1:
            choices = " or ".join(f"'{component.qualified_name}'" for component in found)
            raise UnknownComponentError(f"{kind} '{name}' is offered by several plugins; write {choices}")
        if not found:
            raise UnknownComponentError(self._unknown(kind, name))
        return found[0]

    def has(self, kind: Kind, name: str) -> bool:
        """Whether any component of that kind answers to `name` or `distribution:name`."""
        distribution, _, bare = name.rpartition(":")
        found = self._by_name.get((kind, bare), [])
        return any(not distribution or component.distribution.name == distribution for component in found)

    def all(self, kind: Kind | None = None) -> list[Component]:
        """Every component (of one kind), by kind, then in the order of registration."""
        kinds = KINDS if kind is None else (kind,)
        return [c for k in kinds for (have, _), found in self._by_name.items() if have == k for c in found]

    def shadowed_by(self, component: Component) -> list[Component]:
        """The other components that carry the same kind and name."""
        return [c for c in self._by_name.get((component.kind, component.name), []) if c is not component]

    def nearest(self, kind: Kind, name: str) -> str | None:
        """The registered name most like `name`, or None if none is near."""
        names = {c.name for c in self.all(kind)} | {c.qualified_name for c in self.all(kind)}
        near = difflib.get_close_matches(name.lower(), sorted(names), n=1)
        return near[0] if near else None

    def _unknown(self, kind: Kind, name: str) -> str:
        near = self.nearest(kind, name)
        if near:
            return f"unknown {kind} '{name}'; did you mean '{near}'?"
        names = sorted({component.name for component in self.all(kind)})
        known = f"installed: {', '.join(names)}" if names else f"no {kind} is installed"
        other = next((k for k in KINDS if k != kind and self.has(k, name)), None)
        if other:
            article = "an" if other == "upsampler" else "a"
            return f"unknown {kind} '{name}': there is {article} {other} of that name; {known}"
        return f"unknown {kind} '{name}'; {known}"
