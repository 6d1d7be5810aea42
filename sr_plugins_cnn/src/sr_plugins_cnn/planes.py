"""How wide layers are: in colour planes at both ends, in feature maps between them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Planes = Literal["y", "rgb"]
"""`y`, as in the papers, or `rgb`: three planes in, three out."""

Width = Annotated[int, Field(ge=1)]
"""Feature maps of a layer."""


def plane_count(channels: Planes) -> int:
    """How many planes that is.

    >>> plane_count("rgb")
    3
    """
    return 3 if channels == "rgb" else 1
