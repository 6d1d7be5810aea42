"""Losses that learn, in the report: both players' figures, who moves SR, and how far SR is from LR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sr_core.reporting.curves import Curve, Panel

GRADIENT = "gradient norm"
SHARES = "gradient on SR"
DRIFT = "drift"
COLORS = {"red": "#e03131", "green": "#2f9e44", "blue": "#1c7ed6"}


def learned_losses(curves: Mapping[str, Curve]) -> list[str]:
    """Names of the losses that learn: those with curves `own/<loss>/…`."""
    return list(dict.fromkeys(name.split("/")[1] for name in curves if name.startswith("own/")))


def is_of_learned(name: str, losses: Sequence[str]) -> bool:
    """Whether a curve is drawn in their panels: the terms of such a loss, or what is only logged where there is one."""
    group, *rest = name.split("/")
    return group in ("own", SHARES, DRIFT) or (group == "loss" and any(part in losses for part in rest))


def learned_panels(curves: Mapping[str, Curve], phases: Sequence[tuple[int, str]]) -> list[Panel]:
    """The panels of a run with losses that learn; they begin with the phase in which the first of those does.

    Args:
        curves: of the run, by name.
        phases: (step, name) of where each begins.
    """
    losses = learned_losses(curves)
    first = min((curve.steps[0] for name, curve in curves.items() if name.startswith("own/")), default=0)
    begin = max((step for step, _ in phases if step < first), default=0)
    panels = (panel for panel in _panels(_after(curves, begin), losses) if panel.curves)
    return [replace(panel, phases=phases, begin=begin) for panel in panels]


def _panels(curves: Mapping[str, Curve], losses: Sequence[str]) -> Iterator[Panel]:
    separations = _called(curves, {f"own/{loss}/separation": loss for loss in losses})
    for loss in losses:
        verdicts = _called(curves, {f"own/{loss}/{name}": name for name in ("D(real)", "D(fake)")})
        scores = _called(curves, {f"own/{loss}/{name}": name for name in ("critic(real)", "critic(fake)")})
        objective = f"own/{loss}/objective"
        terms = {name: _term(name, loss) for name in curves if name.startswith("loss/") and loss in name.split("/")}
        shown = {"objective", "separation", GRADIENT, *verdicts, *scores}
        other = {name: name.removeprefix(f"own/{loss}/") for name in curves if name.startswith(f"own/{loss}/")}
        yield Panel(f"{loss}: what it takes for real", verdicts, {}, "probability", {"undecided": 0.5})
        yield Panel(f"{loss}: scores", scores, {})
        yield Panel(
            f"{loss}: what either side minimises", _called(curves, {**terms, objective: f"{loss}: objective"}), {}
        )
        yield Panel(
            f"{loss}: more of its own training",
            _called(curves, {name: label for name, label in other.items() if label not in shown}),
            {},
        )
    lines = {"chance": 0.5, "every pair": 1.0}
    yield Panel("separation: pairs of real and made told apart", separations, {}, "probability", lines)
    norms = {GRADIENT: "network", **{f"own/{loss}/{GRADIENT}": loss for loss in losses}}
    yield Panel("gradient norm of either side", _called(curves, norms), {}, "logarithmic")
    yield Panel("whom the network hears: share of the gradient on SR", _shares(curves), {}, "share")
    drift = {f"{DRIFT}/{plane}": plane for plane in COLORS}
    drift |= {name: name.removeprefix(f"{DRIFT}/") for name in curves if name.startswith(f"{DRIFT}/")}
    yield Panel(
        "drift: SR shrunk minus LR, in levels of 255", _called(curves, drift), {}, band={"±1 level": 1.0}, colors=COLORS
    )


def _term(name: str, loss: str) -> str:
    """What the legend calls a term of the network's objective."""
    parts = [part for part in name.split("/")[1:] if part != loss]
    return f"network: {', '.join(parts)}" if parts else "network"


def _called(curves: Mapping[str, Curve], labels: Mapping[str, str]) -> dict[str, Curve]:
    return {label: curves[name] for name, label in labels.items() if name in curves}


def _shares(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Of each loss in the gradients on SR, at each step."""
    heard = {name.removeprefix(f"{SHARES}/"): curve for name, curve in curves.items() if name.startswith(f"{SHARES}/")}
    sums: dict[int, float] = {}
    for curve in heard.values():
        for step, value in zip(curve.steps, curve.values, strict=True):
            sums[step] = sums.get(step, 0.0) + value
    return {
        loss: Curve(
            curve.steps,
            tuple(value / (sums[step] or 1.0) for step, value in zip(curve.steps, curve.values, strict=True)),
        )
        for loss, curve in heard.items()
    }


def _after(curves: Mapping[str, Curve], begin: int) -> dict[str, Curve]:
    """What curves are after a step."""
    found = {}
    for name, curve in curves.items():
        points = [point for point in zip(curve.steps, curve.values, strict=True) if point[0] > begin]
        if points:
            steps, values = zip(*points, strict=True)
            found[name] = Curve(steps, values)
    return found
