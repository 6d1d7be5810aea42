"""Every network of the official packages in a size that a test can train: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sr_core import Model
from sr_core.building import build, resolved_parameters
from sr_core.checkpoint import WeightsCard
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
        part: the parameter that names a part, where it is the part that is told the planes.
    """

    component: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scales: tuple[int, ...] = (2, 3, 4)
    rate: float = 2e-3
    part: str = ""

    def build(self, scale: int | None = None, **more: Any) -> Model:
        """The network for `scale` (its first where none is given), as a run for all its scales would build it."""
        return self._built(scale or self.scales[0], self.scales, more)

    def alone(self, scale: int) -> Model:
        """The network as a run for this scale alone would build it."""
        return self._built(scale, (scale,), {})

    def card(self, scale: int) -> WeightsCard:
        """What the weights file of such a run says of the network."""
        component = _registry().get("model", self.component)
        parameters = resolved_parameters(
            _registry(), "model", self._reference({}), {"scale": scale, "scales": list(self.scales)}
        )
        return WeightsCard(
            component=component.name,
            distribution=component.distribution.name,
            parameters=parameters,
            scales=self.scales,
            channels=self.build(scale).channels,
        )

    def _built(self, scale: int, scales: tuple[int, ...], more: Mapping[str, Any]) -> Model:
        filled = {"scale": scale, "scales": list(scales)}
        model: Model = build(_registry(), "model", self._reference(more), filled)
        return model

    def _reference(self, more: Mapping[str, Any]) -> ComponentReference:
        given = {**self.parameters, **more}
        if self.part and "channels" in given:
            given[self.part] = {**given[self.part], "channels": given.pop("channels")}
        return ComponentReference.of(self.component, given)


@cache
def _registry() -> Registry:
    return discover().registry


_SMALL_SRDENSENET = {"blocks": 2, "convolutions": 3, "growth": 8, "enlarged_width": 16}
NETWORKS: Mapping[str, SmallNetwork] = {
    "srcnn": SmallNetwork("srcnn", {"features": [16, 8]}, rate=1e-2),
    "fsrcnn": SmallNetwork("fsrcnn", {"d": 24, "s": 12, "m": 2}, rate=5e-3),
    "espcn": SmallNetwork("espcn", {"features": [32, 16]}, rate=5e-3),
    "vdsr": SmallNetwork("vdsr", {"depth": 5, "width": 16}),
    "drcn": SmallNetwork("drcn", {"recursions": 5, "width": 8}),
    "drrn": SmallNetwork("drrn", {"units": 2, "width": 16}, rate=1e-2),
    "drrn without batch normalisation": SmallNetwork(
        "drrn", {"units": 2, "width": 16, "batch_norm": False, "bias": False}
    ),
    "memnet": SmallNetwork("memnet", {"blocks": 2, "recursions": 2, "width": 12}, rate=5e-3),
    "lapsrn": SmallNetwork("lapsrn", {"depth": 3, "width": 12}, (2, 3, 4, 8)),
    "ms_lapsrn": SmallNetwork("ms_lapsrn", {"depth": 2, "recursions": 2, "width": 12}, (2, 3, 4, 8)),
    "srdensenet_h": SmallNetwork("srdensenet", {"skip": "H", **_SMALL_SRDENSENET}),
    "srdensenet_hl": SmallNetwork("srdensenet", {"skip": "HL", **_SMALL_SRDENSENET}),
    "srdensenet_all": SmallNetwork("srdensenet", {"skip": "All", **_SMALL_SRDENSENET}),
    "rdn": SmallNetwork("rdn", {"depth": 2, "convolutions": 2, "growth": 8, "width": 16}, rate=5e-3),
    "srresnet": SmallNetwork("srresnet", {"blocks": 2, "width": 8}),
    "msrresnet": SmallNetwork("msrresnet", {"blocks": 2, "width": 12}, rate=5e-3),
    "edsr": SmallNetwork("edsr", {"blocks": 2, "width": 16}, rate=3e-3),
    "edsr_scaled": SmallNetwork("edsr", {"blocks": 2, "width": 16, "residual_scaling": 0.1}, rate=3e-3),
    "mdsr": SmallNetwork("mdsr", {"blocks": 1, "width": 12}, rate=3e-3),
    "carn": SmallNetwork("carn", {"width": 8}, rate=5e-3),
    "carn_m": SmallNetwork("carn_m", {"width": 12, "groups": 4}, rate=5e-3),
    "rcan": SmallNetwork("rcan", {"groups": 2, "blocks": 1, "width": 16, "reduction": 4}, (2, 3, 4, 8), rate=3e-3),
    "san": SmallNetwork(
        "san", {"groups": 2, "blocks": 1, "width": 16, "reduction": 4, "embedded": 4}, (2, 3, 4, 8), rate=3e-3
    ),
    "msrn": SmallNetwork("msrn", {"blocks": 2, "width": 8}, (2, 3, 4, 8), rate=3e-3),
    "msrn in one step": SmallNetwork(
        "msrn", {"blocks": 1, "width": 8, "one_step": True, "channels": "y"}, (2, 3, 4, 8)
    ),
    "dsrn": SmallNetwork("dsrn", {"steps": 4, "width": 16}),
    # At ×4 first: at ×2, where nothing is added to SR, they take more steps.
    "dbpn": SmallNetwork("dbpn", {"stages": 2, "dense": False, "features": 16, "width": 8}, (4, 2, 8), rate=5e-3),
    "dbpn_dense": SmallNetwork("dbpn", {"stages": 3, "features": 8, "width": 8}, (4, 2, 8), rate=4e-3),
    "srfbn": SmallNetwork("srfbn", {"steps": 2, "groups": 2, "width": 8}, rate=5e-3),
    "liif": SmallNetwork(
        "liif",
        {"encoder": {"name": "edsr", "blocks": 1, "width": 12}, "depth": 2, "width": 24},
        rate=1e-2,
        part="encoder",
    ),
    "dwsr": SmallNetwork("dwsr", {"depth": 2, "width": 16}, rate=1e-2),
    "vdsr_dilated": SmallNetwork("vdsr", {"depth": 5, "width": 12, "dilation": [1, 2, 3]}, rate=5e-3),
    "vdsr_xunit": SmallNetwork("vdsr", {"depth": 3, "width": 8, "activation": "xunit"}, rate=1e-2),
    "edsr_xunit": SmallNetwork("edsr", {"blocks": 1, "width": 8, "activation": "xunit"}, rate=1e-2),
    "edsr_desubpixel": SmallNetwork("edsr", {"blocks": 2, "width": 16, "desubpixel": 2}, rate=3e-3),
    "edsr_pp": SmallNetwork("edsr", {"blocks": 1, "width": 8, "pyramid_pooling": [1, 2, 3]}, rate=1e-2),
    "meta_rdn": SmallNetwork("meta_rdn", {"depth": 2, "convolutions": 2, "growth": 8, "width": 12}, rate=5e-3),
    "meta_edsr": SmallNetwork("meta_edsr", {"blocks": 2, "width": 16}, rate=3e-3),
    "meta": SmallNetwork("meta", {"backbone": {"name": "edsr", "blocks": 1, "width": 12}}, rate=5e-3, part="backbone"),
    "esrgan": SmallNetwork("esrgan", {"blocks": 1, "width": 32, "growth": 4}, (4, 2, 1), rate=3e-3),
    "esrgan without unshuffling": SmallNetwork(
        "esrgan", {"blocks": 1, "width": 32, "growth": 4, "unshuffle": False}, (2, 1), rate=3e-3
    ),
    "real_esrgan_compact": SmallNetwork("real_esrgan_compact", {"convolutions": 2, "width": 16}, (2, 3, 4, 8)),
}
"""By the name of the variant; tests/networks/test_catalogue.py holds that no registered network is missing."""
