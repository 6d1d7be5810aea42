"""Random numbers that depend on (seed, step, index in the global batch) alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor


class SampleRandom:
    """One stream of random numbers for each sample of a batch.

    A sample draws the same numbers whatever batch, device count or resumed run it is part of. Every method
    returns one row a sample, N×shape, on `device`; each call continues the streams.

    Args:
        seed: the run's seed.
        step: the training step (0 outside training).
        indices: index of each sample in the global batch; its length is N.
        device: where the numbers are drawn; different device types draw different numbers.
    """

    def __init__(self, seed: int, step: int, indices: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._generators = [torch.Generator(self.device).manual_seed(_mix(seed, step, index)) for index in indices]

    def __len__(self) -> int:
        return len(self._generators)

    def sample(self, number: int) -> SampleRandom:
        """The stream of one sample of the batch, by its place in it; drawing from either continues both."""
        alone = SampleRandom(0, 0, (), self.device)
        alone._generators = [self._generators[number]]
        return alone

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """N×shape float32, uniform in [low, high)."""
        return low + (high - low) * self._rows(torch.rand, shape)

    def normal(self, *shape: int) -> Tensor:
        """N×shape float32, standard normal."""
        return self._rows(torch.randn, shape)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """N×shape int64, uniform in low … high − 1."""
        # A float32 draw may round to 1: the bound keeps it inside.
        return (low + self.uniform(0, high - low, *shape).long()).clamp_(max=high - 1)

    def poisson(self, rates: Tensor) -> Tensor:
        """N×shape float32 counts, each with the mean that `rates` (N×shape, at least 0, on `device`) has there."""
        rows = [torch.poisson(row, generator=each) for row, each in zip(rates, self._generators, strict=True)]
        return torch.stack(rows) if rows else torch.empty_like(rates)

    def choice(self, probabilities: Sequence[float]) -> Tensor:
        """N int64: which of the alternatives, by their probabilities (they need not sum to one)."""
        edges = torch.tensor(probabilities, dtype=torch.float64).cumsum(0)
        draw = self.uniform(0, 1).double() * float(edges[-1])
        return torch.searchsorted(edges.to(self.device), draw, right=True).clamp_(max=len(probabilities) - 1)

    def _rows(self, draw: Callable[..., Tensor], shape: tuple[int, ...]) -> Tensor:
        rows = [draw(shape, generator=generator, device=self.device) for generator in self._generators]
        return torch.stack(rows) if rows else torch.empty((0, *shape), device=self.device)


def _mix(seed: int, step: int, index: int) -> int:
    """63 well-mixed bits, so that neighbouring steps and samples share nothing."""
    digest = hashlib.blake2b(f"{seed}/{step}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
