"""Marks that try a test on every network of the catalogue, each under its name."""

from __future__ import annotations

import pytest

from tests.networks.catalogue import NETWORKS

_AT = [(small, scale, f"{name}-x{scale}") for name, small in NETWORKS.items() for scale in small.scales]

every_network = pytest.mark.parametrize("small", NETWORKS.values(), ids=NETWORKS)
every_scale = pytest.mark.parametrize(("small", "scale"), [at[:2] for at in _AT], ids=[at[2] for at in _AT])
