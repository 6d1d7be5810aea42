"""The part contract: a piece that other components take as an argument."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from torch import Tensor, nn

from sr_core.interfaces.capabilities import Channels, check_channels
from sr_core.interfaces.frozen_weights import leave_out_of_holders


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


class FeatureNetwork(Part, ABC):
    """A network that looks at pictures (VGG, ResNet): its feature maps say more of content than pixels do.

    It only judges: whoever takes it freezes it. It shifts and scales the pictures itself. While it is frozen, the state
    dict of a module that holds it has a fingerprint of its weights in their place.

    Attributes:
        widths: feature maps of each layer, by its name, from the first layer to the last.
        origin: where its weights come from, for the user: a file's name, a publisher, or `random`.
    """

    widths: Mapping[str, int]
    origin: str = "random"

    def __init__(self) -> None:
        super().__init__()
        leave_out_of_holders(self)

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        widths = getattr(self, "widths", None)
        if not isinstance(widths, Mapping) or not widths or not all(isinstance(w, int) for w in widths.values()):
            raise ValueError(f"widths must give the feature maps of each layer by its name, it is {widths!r}")

    @abstractmethod
    def forward(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features by layer name, N×width×h×w, of RGB pictures N×3×H×W in [0, 1].

        No layer after the last that is asked for is computed.
        """


class Discriminator(Part, ABC):
    """A network that tells real pictures from made ones.

    Attributes:
        channels: the planes it takes.
    """

    channels: Channels = "rgb"

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        check_channels(self.channels)

    @abstractmethod
    def stages(self, image: Tensor) -> Sequence[Tensor]:
        """Feature maps of pictures N×C×H×W in [0, 1], from the first stage to the last, and the verdict as the last.

        The verdict is N×1, or N×1×h×w where each part of a picture is judged: logits, larger for more real.
        """

    def forward(self, image: Tensor) -> Tensor:
        """The verdict on pictures N×C×H×W."""
        return self.stages(image)[-1]
