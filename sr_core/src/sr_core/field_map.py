"""The field's map: each installed network's variants, their place in the field, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sr_core.component import Component, Configurations, Fact
from sr_core.errors import SrkitError, UnknownComponentError
from sr_core.guard import guarded
from sr_core.registry import Registry
from sr_core.scales import Scale, check_scale, describe_scale

if TYPE_CHECKING:
    from sr_core.parameters import ComponentReference

FRAMEWORKS: Mapping[str, str] = {
    "pre": "the picture is enlarged first, and the network sharpens the large one: any scale, at a high price",
    "post": "the network works on the small picture and enlarges at its very end: the fastest",
    "progressive": "the picture doubles step by step, and each step is a picture that training looks at",
    "iterative": "the picture is enlarged and shrunk again and again, and each round mends what the last got wrong",
}
"""Where in a network the picture grows: what `framework` may say."""

UPSAMPLINGS: Mapping[str, str] = {
    "interpolation": "bicubic or the like, which learns nothing",
    "transposed": "a transposed convolution, which spreads each small pixel over several large ones",
    "sub-pixel": "a convolution makes scale² maps, which are shuffled into one large one",
    "meta": "the weights are made for each place on the large picture, so any scale will do",
    "implicit": "a small network is asked for the colour of any place on the large picture, so any scale will do",
}
"""By what the picture grows: what `upsampling` may say."""

Which = Literal["smallest", "all"] | Scale
"""At which of a paper's scales its network is counted."""


@dataclass(frozen=True)
class VariantCost:
    """What a variant costs at one scale.

    Attributes:
        scale: SR size over LR size.
        parameters: numbers that are learned; None where it could not be built.
        multiply_adds: for a 1280×720 result; None where they could not be counted.
    """

    scale: Scale
    parameters: int | None = None
    multiply_adds: int | None = None


@dataclass(frozen=True)
class Variant:
    """One row of the map.

    Attributes:
        name: what the field calls it; the class of a network that has no variants.
        component: the network it is a variant of.
        arguments: what makes it this variant.
        costs: at those of the paper's scales that were asked for; empty where the plugin names none.
        trouble: why some of that is missing; empty where nothing is.
    """

    name: str
    component: Component
    arguments: Mapping[str, Any]
    costs: Sequence[VariantCost] = ()
    trouble: str = ""

    def fact(self, name: str) -> Fact | None:
        """What the plugin says of the network, as `year`; None where it is silent."""
        return self.component.facts.get(name)

    def cost(self, scale: Scale | None = None) -> VariantCost | None:
        """What it costs at `scale`, by default at the smallest; None where it has no such scale."""
        return next((cost for cost in self.costs if scale in (None, cost.scale)), None)


def field_map(
    registry: Registry,
    components: Sequence[Component] | None = None,
    at: Which = "all",
) -> list[Variant]:
    """Every variant of every network, in the order of registration.

    Networks are built on the meta device, which takes no memory and hardly any time. One that cannot be built or
    counted has None for figures and says why; it keeps nothing else from being listed.

    Args:
        registry: where components nested in the variants' arguments are looked up.
        components: the networks; by default all.
        at: at which of the paper's scales they are counted; networks for any scale also at others.
    """
    chosen = registry.all("model") if components is None else components
    return [
        _variant(registry, component, name, arguments, at)
        for component in chosen
        for name, arguments in _variants(component).items()
    ]


def network_called(registry: Registry, name: str) -> ComponentReference:
    """The network that `name` means: a component, or a variant as the map calls it, in large or small letters.

    A component's name comes first; a name that is neither is kept, to be missed where it is looked up.

    Raises:
        UnknownComponentError: several networks have a variant of that name.
    """
    from sr_core.parameters import ComponentReference

    if registry.has("model", name):
        return ComponentReference.of(name, {})
    found = [
        ComponentReference.of(component.qualified_name, arguments)
        for component in registry.all("model")
        for variant, arguments in _variants(component).items()
        if variant.casefold() == name.casefold()
    ]
    if len(found) > 1:
        several = " and ".join(f"'{reference.name}'" for reference in found)
        raise UnknownComponentError(f"'{name}' is what a variant of {several} is called; write one of these")
    return found[0] if found else ComponentReference.of(name, {})


def _variants(component: Component) -> Configurations:
    return component.configurations or {component.target.partition(":")[2]: {}}


def giga(count: int) -> str:
    """A count in thousands of millions, to three digits or to the unit.

    >>> giga(2_871_705_600), giga(10_316_298_240_000)
    ('2.87', '10,316')
    """
    return f"{count / 1e9:,.0f}" if count >= 100e9 else f"{count / 1e9:#.3g}"


def _variant(
    registry: Registry,
    component: Component,
    name: str,
    arguments: Mapping[str, Any],
    at: Which,
) -> Variant:
    troubles: list[str] = []
    plain: dict[str, Any] = {}
    scales: tuple[Scale, ...] = ()
    try:
        with guarded(f"{component}: not counted"):
            plain = json.loads(json.dumps(dict(arguments)))
            scales = _scales(component.facts.get("scales", ()))
            if isinstance(at, int | float) and at not in scales and _is_for_any(component, at):
                scales = (*scales, at)
    except SrkitError as error:
        troubles.append(str(error))
    counted = scales[:1] if at == "smallest" else [scale for scale in scales if at in ("all", scale)]
    costs = [_cost(registry, component, plain, scale, scales, troubles) for scale in counted]
    return Variant(name, component, plain, costs, next(iter(troubles), ""))


def _scales(fact: Fact) -> tuple[Scale, ...]:
    """The paper's scales, smallest first."""
    if not isinstance(fact, tuple):
        raise TypeError(f"scales must be a tuple of numbers, found {fact!r}")
    return tuple(sorted(check_scale(float(scale)) for scale in fact))


def _is_for_any(component: Component, scale: float) -> bool:
    """Whether the network's class is for a range of scales that holds this one."""
    from sr_core.interfaces.capabilities import ScaleRange

    scales = getattr(component.load(), "scales", None)
    return isinstance(scales, ScaleRange) and scale in scales


def _cost(
    registry: Registry,
    component: Component,
    arguments: Mapping[str, Any],
    scale: Scale,
    scales: Sequence[Scale],
    troubles: list[str],
) -> VariantCost:
    """The figures at `scale` of a network that is made for it, or for all `scales` where it takes several."""
    from sr_core.building import build
    from sr_core.evaluation.multiply_adds import multiply_adds
    from sr_core.inference.on_meta import constructing_on_meta
    from sr_core.parameters import ComponentReference

    parameters = None
    try:
        with guarded(f"{component}: not counted at ×{describe_scale(scale)}"):
            reference = ComponentReference.of(component.qualified_name, arguments)
            with constructing_on_meta():
                network = build(registry, "model", reference, {"scale": scale, "scales": list(scales)})
            parameters = sum(parameter.numel() for parameter in network.parameters())
            return VariantCost(scale, parameters, multiply_adds(network, scale))
    except SrkitError as error:
        troubles.append(str(error))
    return VariantCost(scale, parameters)
