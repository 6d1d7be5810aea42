"""How a figure was measured: a figure never travels without its protocol (docs/protocols.md)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sr_core.scales import Scale, per_axis

Luma = Literal["y8", "y", "rgb"]
Clip = Literal["studio", "full"]
LowResolution = Literal["unrounded", "dataset"]
Crop = Annotated[int, Field(ge=0, le=1000)] | Annotated[str, Field(pattern=r"^scale(\+\d{1,3})?$")]


class Protocol(BaseModel):
    """What is compared with what.

    Attributes:
        name: `classic`, `modern`, `rgb`, or `custom` for other parts.
        luma: the planes compared. `y8`: MATLAB's Y of the 8-bit picture, rounded to 8 bits; `y`: the same Y,
            not rounded; `rgb`: the three colour planes. A single-channel picture is compared as it is.
        crop: pixels left out at each border: a number, `scale` (the larger axis, rounded up) or `scale+6`.
        clip: SR is clipped to 16…235 (`studio`) or 0…255 (`full`).
        lr: `dataset`: the data set's LR, else one made by the run's degradation, rounded to 8 bits; SR is rounded
            to an 8-bit picture. `unrounded`: LR is made by the float bicubic and never rounded, from the 8-bit
            Y where luma is compared and the candidate takes one plane.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = "custom"
    luma: Luma = "y"
    crop: Crop = "scale"
    clip: Clip = "full"
    lr: LowResolution = "dataset"

    def crop_pixels(self, scale: Scale) -> int:
        """Pixels left out at each border at `scale`.

        >>> Protocol(crop="scale+6").crop_pixels(2.5)
        9
        """
        if isinstance(self.crop, int):
            return self.crop
        return math.ceil(max(per_axis(scale))) + int(self.crop.partition("+")[2] or 0)

    def with_parts(self, **parts: object) -> Protocol:
        """This protocol with other parts (None keeps a part), under the name that the result has."""
        chosen = self.model_dump(exclude={"name"}) | {k: v for k, v in parts.items() if v is not None}
        for named in PROTOCOLS.values():
            if named.model_dump(exclude={"name"}) == chosen:
                return named
        return Protocol.model_validate(chosen)

    def __str__(self) -> str:
        if self.name in PROTOCOLS:
            return self.name
        return f"custom (luma {self.luma}, crop {self.crop}, clip {self.clip}, lr {self.lr})"


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(name="classic", luma="y8", clip="studio", lr="unrounded"),
        Protocol(name="modern", luma="y"),
        Protocol(name="rgb", luma="rgb"),
    )
}
"""The protocols that have a name; `modern` is the default."""
