"""How wide layers are: in picture planes at both ends, in feature maps between them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Planes = Literal["y", "rgb"] | Annotated[int, Field(ge=1, le=4096)]
"""`y` (one plane of luma), `rgb` (three), or a number of planes."""

Width = Annotated[int, Field(ge=1, le=65536)]
"""Feature maps of a layer."""


def plane_count(channels: Planes) -> int:
    """How many planes that is.

    >>> plane_count("rgb"), plane_count(31)
    (3, 31)
    """
    return {"y": 1, "rgb": 3}[channels] if isinstance(channels, str) else channels
