"""The margin that a network declares is exactly how far it sees: tiles that overlap by it make the whole picture."""

from __future__ import annotations

import pytest

from sr_core import Scale, ScaleRange
from sr_core.imaging.size import per_axis
from tests.networks.catalogue import NETWORKS, SmallNetwork
from tests.networks.every import every_network, every_scale
from tests.unit.network_promises import check_margin

SEES_THE_WHOLE_PICTURE: dict[str, str] = {
    "rcan": "weights its maps by their means over the picture",
    "san": "weights its maps by their covariance over the picture, and compares places of a quarter of it",
    "edsr_pp": "pools its maps over thirds, halves and the whole of the picture",
}
"""Networks that no margin holds for, by the name of the variant, with the reason."""


def sees_the_whole_picture(small: SmallNetwork) -> bool:
    return any(NETWORKS.get(name) is small for name in SEES_THE_WHOLE_PICTURE)


@every_scale
def test_the_margin_is_exact(small: SmallNetwork, scale: int) -> None:
    network = small.alone(scale).eval()
    if sees_the_whole_picture(small):
        assert network.margin is None
    else:
        check_margin(network, scale)


@pytest.mark.parametrize("scale", [1.5, 2.5, (2, 3), (1.5, 2)])
@pytest.mark.parametrize("name", ["vdsr", "srcnn", "drcn"])
def test_of_networks_on_the_enlarged_picture_it_holds_at_any_scale(name: str, scale: Scale) -> None:
    check_margin(NETWORKS[name].build(scales=list(per_axis(scale))), scale)


@every_network
def test_of_networks_for_any_scale_it_is_reached_at_some(small: SmallNetwork) -> None:
    network = small.build().eval()
    if isinstance(network.scales, ScaleRange) and not sees_the_whole_picture(small):
        assert max(check_margin(network, scale) for scale in (1.5, 2, 2.5)) == network.margin


@every_network
def test_of_several_scales_the_widest_margin_holds(small: SmallNetwork) -> None:
    widest = [small.alone(scale).margin for scale in small.scales]
    for scale in small.scales:
        network = small.build(scale)
        several = isinstance(network.scales, ScaleRange) or len(network.scales) > 1
        if several and not sees_the_whole_picture(small):
            assert network.margin == max(widest)  # type: ignore[type-var]


def test_the_exceptions_are_networks() -> None:
    assert set(SEES_THE_WHOLE_PICTURE) <= set(NETWORKS)
