"""The upsampler contract: a picture in, a larger picture out, nothing learned beforehand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor

from sr_core.imaging.size import Scale
from sr_core.interfaces.capabilities import ANY_SCALE_UP, Channels, Scales, check_channels, check_scales


class Upsampler(ABC):
    """Enlarges pictures: interpolation, back-projection, learning from the one picture itself.

    Derive from it, set what differs from the defaults, and implement `__call__`. The constructor's type-hinted
    arguments are the parameters that a spec may set.

    Attributes:
        scales: the scales it takes.
        channels: the planes it takes; the engine converts to them and back (chroma by bicubic for `"y"`).
        margin: how many LR pixels around a place its result depends on; None where it sees the whole picture.
        needs_gradient: True where it trains on the picture: it is then called outside `inference_mode`, untiled.
        takes: the extra keyword inputs its `__call__` accepts: `guide` (N×C×H×W, a registered picture at SR
            size, for depth) or `frames` (N×T×C×H×W, neighbours in time at LR size).
    """

    kind: ClassVar[str] = "upsampler"
    scales: Scales = ANY_SCALE_UP
    channels: Channels = "any"
    margin: int | None = None
    needs_gradient: bool = False
    takes: ClassVar[frozenset[Literal["guide", "frames"]]] = frozenset()

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        check_scales(self.scales)
        check_channels(self.channels)

    @abstractmethod
    def __call__(self, image: Tensor, scale: Scale) -> Tensor:
        """Enlarge `image`.

        Args:
            image: N×C×H×W float32 in [0, 1] (`y`: 16/255 … 235/255); C as `channels` says.
            scale: SR size over LR size; a number, or (vertical, horizontal).

        Returns:
            N×C×H'×W' float32 with (H', W') = `sr_size((H, W), scale)`, on the same device. It may leave the
            range: only the writer of integer files clips.
        """
