"""The model contract: a network, always LR in and SR out, and what it shows to training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from sr_core.imaging.size import Scale, per_axis, sr_size
from sr_core.interfaces.capabilities import Channels, Scales, check_channels, check_scales


@dataclass(frozen=True)
class Prediction:
    """One picture that training compares with one target.

    Attributes:
        name: unique within the network's predictions; names the curve in the log.
        image: N×C×H×W, what the network said.
        target: N×C×H×W, what it should have said; same shape.
        weight: its share in the objective.
    """

    name: str
    image: Tensor
    target: Tensor
    weight: float = 1.0


class Model(nn.Module, ABC):
    """A network: `model(lr, scale) -> sr`. One that works on the enlarged picture enlarges it inside.

    Attributes:
        scales: the scales it takes: some, or a range; below 1 for a learned degradation.
        channels: `y`, `rgb` or a number of planes; for `y` the engine carries chroma by bicubic.
        equal_axes: whether the scale must be the same vertically and horizontally.
        multiple: LR height and width must be a multiple of it; the engine pads and cuts.
        margin: the exact radius in LR pixels on which a result pixel depends, or None where that is the whole
            picture: the engine then overlaps tiles by at most 64, feathers, and says so.
    """

    kind: ClassVar[str] = "model"
    scales: Scales
    channels: Channels = "y"
    equal_axes: bool = False
    multiple: int = 1
    margin: int | None = None

    def check_facts(self) -> None:
        """Refuse attributes that say nothing; called once, when it is built.

        Raises:
            ValueError: with the allowed form.
        """
        check_scales(getattr(self, "scales", None))
        check_channels(self.channels)
        if not isinstance(self.multiple, int) or self.multiple < 1:
            raise ValueError(f"multiple must be a whole number from 1 upwards, it is {self.multiple!r}")

    @abstractmethod
    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr`.

        Args:
            lr: N×C×H×W float32 in [0, 1] (`y`: 16/255 … 235/255), H and W multiples of `multiple`.
            scale: SR size over LR size, one of `scales`; a number, or (vertical, horizontal).

        Returns:
            N×C×H'×W' with (H', W') = `sr_size((H, W), scale)`; it may leave the range.
        """

    def predictions(self, lr: Tensor, hr: Tensor, scale: Scale, progress: float) -> tuple[Prediction, ...]:
        """What training compares: by default the one SR picture with `hr`.

        Override it for deep supervision, targets at other sizes, weights that change with `progress`, unrolled
        steps, sampled pixels, valid convolutions or targets in another domain.

        Args:
            lr: N×C×H×W as for `forward`.
            hr: N×C×H'×W', the truth.
            scale: as for `forward`.
            progress: share of training done, 0 … 1.
        """
        del progress
        return (Prediction("sr", self(lr, scale), hr),)

    def adopt(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of a published weights file under this network's names; by default as they are.

        Override it where the authors' release, or the port that most people use, calls its tensors otherwise or lays
        them out otherwise. Wrappings that many files have (`module.`, `params`, `state_dict`) are gone by then.

        Args:
            tensors: what the file holds, by its own names; convolutions as PyTorch lays them out.

        Returns:
            The same tensors renamed; those it does not know stay as they are, so that they are named in the error.
        """
        return tensors


@dataclass(frozen=True)
class Grid:
    """Where SR pixels lie on the LR picture; tiles of one picture take cuts of one grid.

    Attributes:
        vertical: H' float32 positions of the SR rows, in LR pixels; 0 is the centre of the first LR row.
        horizontal: W' float32 positions of the SR columns, likewise.
    """

    vertical: Tensor
    horizontal: Tensor

    @classmethod
    def of(cls, lr_size: tuple[int, int], scale: Scale, device: torch.device | str = "cpu") -> Grid:
        """The whole grid for an LR (height, width): pixel i of SR lies at (i + 0.5) / scale − 0.5."""

        def positions(count: int, axis_scale: float) -> Tensor:
            index = torch.arange(count, dtype=torch.float64, device="cpu")
            return ((index + 0.5) / axis_scale - 0.5).to(device, torch.float32)

        rows, columns = sr_size(lr_size, scale)
        vertical, horizontal = per_axis(scale)
        return cls(positions(rows, vertical), positions(columns, horizontal))


class AnyScaleModel(Model):
    """A network for every scale, split in two so that tiles share one grid.

    `encode` runs once on the LR picture; `decode` answers for any part of the SR grid.
    """

    @abstractmethod
    def encode(self, lr: Tensor) -> Tensor:
        """Features N×F×H×W of the LR picture N×C×H×W."""

    @abstractmethod
    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        """The SR pixels at `grid`, N×C×len(vertical)×len(horizontal), from features of the whole picture."""

    def forward(self, lr: Tensor, scale: Scale) -> Tensor:
        """Super-resolve `lr` over its whole grid."""
        size = (lr.shape[-2], lr.shape[-1])
        return self.decode(self.encode(lr), Grid.of(size, scale, lr.device), scale)


@dataclass(frozen=True)
class TrainingPair:
    """One training picture: `lr` 1×C×H×W and `hr` 1×C×H'×W' at `scale`."""

    lr: Tensor
    hr: Tensor
    scale: Scale


class FittedModel(Model):
    """A model that is fitted rather than descended (dictionaries, regressors): training calls `fit`."""

    @abstractmethod
    def fit(self, pairs: Iterable[TrainingPair], progress: Callable[[float], None]) -> None:
        """Learn from all pairs, and report the share done (0 … 1) through `progress` now and then.

        Whatever is learned is stored in parameters or buffers, so that it is saved with the weights. `pairs` may
        be gone through more than once.
        """
