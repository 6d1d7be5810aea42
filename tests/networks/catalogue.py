"""Every network of the official packages in a size that a test can train: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sr_core import Model
from sr_core.building import build
from sr_core.discovery import discover
from sr_core.parameters import ComponentReference
from sr_core.registry import Registry


@dataclass(frozen=True)
class SmallNetwork:
    """A network of reduced width.

    Attributes:
        component: its registered name.
        parameters: what makes it small; the core fills `scale` and `scales`.
        scales: each is tried.
        rate: of Adam, in the test that it can learn one batch by heart.
    """

    component: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scales: tuple[int, ...] = (2, 3, 4)
    rate: float = 2e-3

    def build(self, scale: int | None = None, **more: Any) -> Model:
        """The network for `scale` (its first where none is given), as a run would build it."""
        filled = {"scale": scale or self.scales[0], "scales": list(self.scales)}
        reference = ComponentReference.of(self.component, {**self.parameters, **more})
        model: Model = build(_registry(), "model", reference, filled)
        return model


@cache
def _registry() -> Registry:
    return discover().registry


NETWORKS: Mapping[str, SmallNetwork] = {
    "srcnn": SmallNetwork("srcnn", {"features": [16, 8]}),
    "fsrcnn": SmallNetwork("fsrcnn", {"d": 16, "s": 8, "m": 2}),
    "espcn": SmallNetwork("espcn", {"features": [16, 8]}),
    "vdsr": SmallNetwork("vdsr", {"depth": 5, "width": 16}),
}
"""By the name of the variant; tests/networks/test_catalogue.py holds that no registered network is missing."""
