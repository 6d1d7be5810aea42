"""Means of the curves between two points, images per second, and the share of time spent waiting for data."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from sr_core.training.devices import Devices
from sr_core.training.learner import StepOutcome


class Pace:
    """What happened since the last point of the curves; sums stay on the device until somebody asks."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._images = 0
        self._seconds, self._waited = 0.0, 0.0
        self._started = time.perf_counter()

    def starts(self) -> None:
        """A step begins."""
        self._started = time.perf_counter()

    def has_data(self) -> None:
        """The step's batch is there."""
        self._waited += time.perf_counter() - self._started

    def finished(self, outcome: StepOutcome, images: int) -> None:
        """A step is done; `images` were in it, on all devices."""
        self._seconds += time.perf_counter() - self._started
        self._images += images
        if outcome.failure is not None:
            return
        for name, value in outcome.terms.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
            self._counts[name] = self._counts.get(name, 0) + 1

    def point(self, rate: float) -> dict[str, float]:
        """The curves' values since the last point, and a new start."""
        names = sorted(self._sums)
        values: dict[str, float] = {}
        if names:
            means = torch.stack([self._sums[name].float() / self._counts[name] for name in names])
            values = dict(zip(names, self._devices.mean(means).tolist(), strict=True))
        if self._seconds > 0:
            values["images per second"] = self._images / self._seconds
            values["waiting for data"] = self._waited / self._seconds
        self._sums, self._counts = {}, {}
        self._images, self._seconds, self._waited = 0, 0.0, 0.0
        return {**values, "learning rate": rate}
