"""The model contract: a network, always LR in and SR out, and what it shows to training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor, nn

from sr_core.imaging.size import Scale, exact_ratio, per_axis, sr_size
from sr_core.interfaces.capabilities import Channels, Scales, check_channels, check_scales


@dataclass(frozen=True)
class Prediction:
    """One picture that training compares with one target.

    Attributes:
        name: unique within the network's predictions; names the curve in the log.
        image: N×C×H×W, what the network said.
        target: N×C×H×W, what it should have said; same shape.
        weight: its share in the objective.
        scale: its size over LR's, where that is not the run's scale: losses that look at LR are told it.
    """

    name: str
    image: Tensor
    target: Tensor
    weight: float = 1.0
    scale: Scale | None = None


class Model(nn.Module, ABC):
    """A network: `model(lr, scale) -> sr`. One that works on the enlarged picture enlarges it inside.

    Attributes:
        scales: the scales it takes: some, or a range; below 1 for a learned degradation.
        channels: `y`, `rgb` or a number of planes; for `y` the engine carries chroma by bicubic.
        equal_axes: whether the scale must be the same vertically and horizontally.
        multiple: LR height and width must be a multiple of it; the engine pads and cuts.
        margin: the exact radius in LR pixels on which a result pixel depends, or None where that is the whole
            picture: the engine then overlaps tiles by at most 64, feathers, and says so.
        takes_noise: whether `forward` has a third argument `noise`, N×1×H×W, standard normal or None, by which one
            picture has many results, as in a learned degradation.
    """

    kind: ClassVar[str] = "model"
    scales: Scales
    channels: Channels = "y"
    equal_axes: bool = False
    multiple: int = 1
    margin: int | None = None
    takes_noise: bool = False

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
    """Which SR pixels are asked for, in whole numbers; tiles of one picture take cuts of one grid.

    SR pixel i lies at (i + 0.5) / scale − 0.5 of the whole LR picture, where 0 is the centre of its first pixel.

    Attributes:
        rows: SR rows of the whole picture, one after the other.
        columns: SR columns, likewise.
        scale: SR size over LR size, (vertical, horizontal).
        first: LR (row, column) of the whole picture at which the features begin.
        device: where `vertical` and `horizontal` are wanted.
    """

    rows: range
    columns: range
    scale: tuple[float, float]
    first: tuple[int, int] = (0, 0)
    device: torch.device | str = "cpu"

    @classmethod
    def of(cls, lr_size: tuple[int, int], scale: Scale, device: torch.device | str = "cpu") -> Grid:
        """The whole grid for an LR (height, width)."""
        rows, columns = sr_size(lr_size, scale)
        return cls(range(rows), range(columns), per_axis(scale), device=device)

    def cut(self, rows: slice, columns: slice, first: tuple[int, int] | None = None) -> Grid:
        """A part of it.

        Args:
            rows: of this grid's rows, counted from its own first one.
            columns: likewise.
            first: LR (row, column) of the whole picture at which the features for it begin; by default as here.
        """
        first = self.first if first is None else first
        return replace(self, rows=self.rows[rows], columns=self.columns[columns], first=first)

    @property
    def ratios(self) -> tuple[Fraction, Fraction]:
        """The scale in whole numbers, to know exactly where a pixel lies: 2.37 is 237 / 100."""
        return exact_ratio(self.scale[0]), exact_ratio(self.scale[1])

    @property
    def vertical(self) -> Tensor:
        """Float32 positions of the rows in LR pixels; 0 is the centre of the features' first row."""
        return self._positions(0)

    @property
    def horizontal(self) -> Tensor:
        """Float32 positions of the columns, likewise."""
        return self._positions(1)

    def places(self, axis: int) -> Tensor:
        """Float64 positions of the rows (axis 0) or columns (1) on the whole LR picture: the same in every tile."""
        pixels = (self.rows, self.columns)[axis]
        index = torch.arange(pixels.start, pixels.stop, dtype=torch.float64, device="cpu")
        return (index + 0.5) / self.scale[axis] - 0.5

    def _positions(self, axis: int) -> Tensor:
        return (self.places(axis) - self.first[axis]).to(self.device, torch.float32)


class AnyScaleModel(Model):
    """A network for every scale, split in two so that tiles share one grid.

    `encode` runs once on the LR picture; `decode` answers for any part of the SR grid.
    """

    @abstractmethod
    def encode(self, lr: Tensor) -> Tensor:
        """Features N×F×H×W of the LR picture N×C×H×W."""

    @abstractmethod
    def decode(self, features: Tensor, grid: Grid, scale: Scale) -> Tensor:
        """The SR pixels of `grid`, N×C×len(rows)×len(columns), from features that begin at its `first`."""

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
