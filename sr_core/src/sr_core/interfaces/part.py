"""The part contract: a piece that other components take as an argument."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor, nn

from sr_core.interfaces.capabilities import check_channels


class Part(nn.Module):
    """A discriminator, a feature network, a backbone: derive the role from it, and the pieces from the role.

    A component that takes a part types the argument with the role's class; a spec then names the part there:
    `{name: gan, discriminator: {name: patchgan, layers: 3}}`. Only parts of that role are accepted.
    """

    kind: ClassVar[str] = "part"

    def check_facts(self) -> None:
        """Nothing to refuse; a role may ask more of its parts."""


class Backbone(Part, ABC):
    """The network in front of an upsampler: a picture in, feature maps of its size out.

    It takes the picture in whatever range the network around it works in (0 … 255 less a mean, or −1 … 1), and neither
    scales nor shifts it; its first layer runs in full precision.

    Attributes:
        channels: `y`, `rgb` or a number of planes: the picture's.
        width: feature maps that come out.
        margin: the exact radius in LR pixels on which a feature depends, or None where that is the whole picture.
        multiple: height and width must be a multiple of it.
    """

    channels: Literal["y", "rgb"] | int = "rgb"
    width: int
    margin: int | None = None
    multiple: int = 1

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        check_channels(self.channels)
        for name, least in (("width", 1), ("multiple", 1), ("margin", 0)):
            value = getattr(self, name, None)
            if not ((isinstance(value, int) and value >= least) or (name == "margin" and value is None)):
                raise ValueError(f"{name} must be a whole number from {least} upwards, it is {value!r}")

    @abstractmethod
    def forward(self, lr: Tensor) -> Tensor:
        """Features N×width×H×W of the picture N×C×H×W, H and W multiples of `multiple`."""
