"""What is installed, as text and as JSON; nothing here imports a component unless asked to."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click

from sr_core.component import Component, Distribution, Kind
from sr_core.discovery import Discovery
from sr_core.errors import PluginError, UnknownComponentError


def list_text(discovery: Discovery, kind: Kind | None, *, check: bool) -> Iterator[str]:
    """Lines for the terminal: distributions with their components, failures last."""
    for distribution, components in _by_distribution(discovery, kind):
        yield click.style(str(distribution), bold=True)
        width = max((len(component.name) for component in components), default=0)
        for component in components:
            head = f"  {component.kind:<12}{component.name:<{width}}  {component.summary}"
            yield f"{head} [{component.reference}]" if component.reference else head
            yield from (
                click.style(f"  {'':<12}{'':<{width}}  ! {fault}", fg="yellow")
                for fault in _remarks(discovery, component, check=check)
            )
        yield ""
    if discovery.failures:
        yield click.style("Failed, and left out:", bold=True)
        for failure in discovery.failures:
            yield click.style(f"  {failure}", fg="red")


def list_json(discovery: Discovery, kind: Kind | None, *, check: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "distributions": [
            {
                "name": distribution.name,
                "version": distribution.version,
                "components": [
                    {
                        "kind": component.kind,
                        "name": component.name,
                        "target": component.target,
                        "summary": component.summary,
                        "reference": component.reference,
                        "facts": dict(component.facts),
                        "configurations": {name: dict(made) for name, made in component.configurations.items()},
                        "problems": _remarks(discovery, component, check=check),
                    }
                    for component in components
                ],
            }
            for distribution, components in _by_distribution(discovery, kind)
        ],
        "failures": [
            {
                "distribution": failure.distribution.name,
                "version": failure.distribution.version,
                "reason": failure.reason,
            }
            for failure in discovery.failures
        ],
    }


def has_problems(discovery: Discovery, kind: Kind | None) -> bool:
    """Whether `--check` has anything to say of any component."""
    return any(_remarks(discovery, component, check=True) for component in discovery.registry.all(kind))


def component_text(component: Component) -> Iterator[str]:
    """Everything about one component; imports it."""
    from sr_core.description import describe_parameters

    component_class = component.load()
    yield click.style(f"{component.kind} {component.name}", bold=True) + f" — {component.summary}"
    yield f"from {component.distribution} ({component.target})"
    if component.reference:
        yield f"reference: {component.reference}"
    for name, fact in component.facts.items():
        yield f"{name}: {', '.join(map(str, fact)) if isinstance(fact, tuple) else fact}"
    documentation = inspect.cleandoc(vars(component_class).get("__doc__") or "")  # never the contract's own
    if documentation:
        yield from ("", *documentation.splitlines())
    yield ""
    if component.configurations:
        yield click.style("Variants", bold=True)
        for name, arguments in component.configurations.items():
            made = ", ".join(f"{argument}={value!r}" for argument, value in arguments.items())
            yield f"  {name}: {made or 'its defaults'}"
        yield ""
    parameters = describe_parameters(component_class)
    if not parameters:
        yield "It takes no parameters."
        return
    yield click.style("Parameters", bold=True)
    for parameter in parameters:
        default = "required" if parameter.default is None else f"default {parameter.default}"
        yield f"  {parameter.name}: {parameter.type} — {default}"


def _by_distribution(discovery: Discovery, kind: Kind | None) -> Iterator[tuple[Distribution, list[Component]]]:
    """Every distribution that loaded; with a kind, only those that have components of it."""
    components = discovery.registry.all(kind)
    for distribution in dict.fromkeys(plugin.distribution for plugin in discovery.plugins):
        own = [component for component in components if component.distribution == distribution]
        if own or kind is None:
            yield distribution, own


def _remarks(discovery: Discovery, component: Component, *, check: bool) -> list[str]:
    """What a user should know before using the component."""
    remarks = []
    used = _winner(discovery, component)
    if used is not component:
        taken = f"the name is {used.distribution}'s" if used else "the name is also another plugin's"
        remarks.append(f"{taken}; write '{component.qualified_name}'")
    if check:
        from sr_core.parameters import parameter_model

        try:
            parameter_model(component.load())
        except PluginError as error:
            remarks.append(str(error))
    elif not component.module_found():
        remarks.append(f"module {component.target.partition(':')[0]} not found")
    return remarks


def _winner(discovery: Discovery, component: Component) -> Component | None:
    """Whom the bare name means; None where it is ambiguous."""
    try:
        return discovery.registry.get(component.kind, component.name)
    except UnknownComponentError:
        return None
