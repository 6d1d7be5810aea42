"""What is compared: methods that are run, and finished pictures that are only measured."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sr_core.errors import DatasetError
from sr_core.evaluation.truth import Truth
from sr_core.guard import guarded
from sr_core.imaging.files import read_picture
from sr_core.inference.engine import Method, super_resolve, takes_one_plane, with_chroma
from sr_core.scales import Scale

WARM_UP_SIDE = 32


@dataclass(frozen=True)
class Answer:
    """What a candidate made of one LR picture.

    Attributes:
        measured: 1×C×H×W, what the protocol compares: the picture's planes, or Y alone.
        picture: the same to look at, in the picture's own planes.
        seconds: the time it took; None for a finished picture.
    """

    measured: Tensor
    picture: Tensor
    seconds: float | None


@dataclass(frozen=True)
class Question:
    """One picture to answer: which it is, and what there is to see of it."""

    dataset: str
    hr_file: Path
    scale: Scale
    truth: Truth


class Candidate(ABC):
    """Something with a name that answers with SR pictures."""

    name: str

    @abstractmethod
    def answer(self, question: Question) -> Answer:
        """SR for one picture."""


@dataclass
class MethodCandidate(Candidate):
    """An upsampler, or a network with its weights, on the device of the run.

    Attributes:
        name: how tables call it.
        method: what is run.
        origin: the component and its distribution, for messages.
        device: where it is run.
        phases: of the run's own network, which phases of its training it is from: one, or the two that it lies between;
            none for the last.
        alpha: where it lies between two.
    """

    name: str
    method: Method
    origin: str
    device: torch.device
    phases: tuple[str, ...] = ()
    alpha: float = 1.0

    def __post_init__(self) -> None:
        self._warm: set[Scale] = set()

    def answer(self, question: Question) -> Answer:
        """Run the method; only its own time is counted, and not its first call.

        Raises:
            ContractError: the method failed, naming who published it.
        """
        truth, scale = question.truth, question.scale
        on_luma = truth.luma is not None and takes_one_plane(self.method)
        given = (truth.luma if on_luma and truth.luma is not None else truth.lr).to(self.device)
        # A copy: a method that writes into its input must not change what the next candidate is given.
        with guarded(f"{self.origin} failed on {question.hr_file.name}"):
            self._warm_up(given, scale)
            given = given.clone()
            started = _now(self.device)
            sr = super_resolve(self.method, given, scale)
            seconds = _now(self.device) - started
        sr = sr.to(truth.hr.device)
        return Answer(sr, with_chroma(sr, truth.lr, scale) if on_luma else sr, seconds)

    def _warm_up(self, image: Tensor, scale: Scale) -> None:
        if scale not in self._warm and not getattr(self.method, "needs_gradient", False):
            super_resolve(self.method, image[..., :WARM_UP_SIDE, :WARM_UP_SIDE].clone(), scale)
        self._warm.add(scale)


@dataclass
class PicturesCandidate(Candidate):
    """Somebody's finished pictures.

    Attributes:
        name: how tables call it.
        files: (data set, scale) → HR file → SR file.
    """

    name: str
    files: Mapping[tuple[str, Scale], Mapping[Path, Path]]

    def answer(self, question: Question) -> Answer:
        """Read the picture.

        Raises:
            DatasetError: its size or planes are not those of the truth.
        """
        file = self.files[question.dataset, question.scale][question.hr_file]
        sr = read_picture(file).image.to(question.truth.hr.device)
        hr = question.truth.hr
        if sr.shape[1] == 3 and hr.shape[1] == 1:
            sr = sr.mean(dim=1, keepdim=True)
        if sr.shape != hr.shape:
            found, expected = (f"{t.shape[-2]}×{t.shape[-1]} with {t.shape[1]} planes" for t in (sr, hr))
            raise DatasetError(f"{file}: {found}, but {question.hr_file.name} needs {expected}")
        return Answer(sr, sr, None)


def _now(device: torch.device) -> float:
    """Seconds on a clock, after the device has done all it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
