"""One sample's chance: parameters as plain numbers on the host, fields of noise on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from sr_core.interfaces.randomness import SampleRandom

Amount = float | tuple[float, float]
"""A parameter: one number, or (lowest, highest), between which each sample draws its own."""

_AT_ONCE = 64
"""Numbers fetched from the device in one go: what the longest of the pipelines needs for a sample."""


class Chance:
    """What one sample draws.

    Args:
        random: the streams of a batch.
        sample: which of them.
    """

    def __init__(self, random: SampleRandom, sample: int = 0) -> None:
        self._random = random.sample(sample)
        self._numbers: Iterator[float] = iter(())

    def uniform(self, low: float, high: float) -> float:
        """A number between the two."""
        return low + (high - low) * self._number()

    def amount(self, amount: Amount) -> float:
        """The number itself, or one between the two."""
        return self.uniform(*amount) if isinstance(amount, tuple) else amount

    def integer(self, low: int, high: int) -> int:
        """low, low + 1, …, high."""
        return min(low + int(self._number() * (high - low + 1)), high)

    def happens(self, probability: float) -> bool:
        """True with that probability."""
        return self._number() < probability

    def choice(self, probabilities: Sequence[float]) -> int:
        """Which of the alternatives; the probabilities need not sum to one."""
        left = self._number() * sum(probabilities)
        for number, probability in enumerate(probabilities):
            left -= probability
            if left < 0:
                return number
        return max(number for number, probability in enumerate(probabilities) if probability)

    def order(self, count: int) -> list[int]:
        """0 … count − 1 in random order."""
        order = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.integer(0, last)
            order[last], order[other] = order[other], order[last]
        return order

    def normal(self, *shape: int) -> Tensor:
        """A field of standard normal numbers, float32."""
        return self._random.normal(*shape)[0]

    def poisson(self, rates: Tensor) -> Tensor:
        """Counts whose means are `rates`."""
        return self._random.poisson(rates[None])[0]

    def _number(self) -> float:
        number = next(self._numbers, None)
        if number is None:
            self._numbers = iter(self._random.uniform(0, 1, _AT_ONCE)[0].tolist())
            number = next(self._numbers)
        return number


def check_amount(name: str, amount: Amount, low: float, high: float) -> Amount:
    """`amount`, if it lies in low … high.

    Raises:
        ValueError: it does not, or its two numbers are the wrong way round.
    """
    lowest, highest = amount if isinstance(amount, tuple) else (amount, amount)
    if not low <= lowest <= highest <= high:
        raise ValueError(f"{name} is a number or [lowest, highest] in {low:g} … {high:g}, not {_words(amount)}")
    return amount


def is_fixed(*amounts: Amount) -> bool:
    """Whether there is nothing to draw."""
    return not any(isinstance(amount, tuple) and amount[0] != amount[1] for amount in amounts)


def _words(amount: Amount) -> str:
    return str(list(amount)) if isinstance(amount, tuple) else f"{amount:g}"
