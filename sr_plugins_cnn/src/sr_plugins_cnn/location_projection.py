"""Which LR pixel each SR pixel of an any-scale network is made from, and by what offset: exact, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


def slots(ratio: Fraction) -> int:
    """How many SR pixels one LR pixel has at most, along an axis of this scale."""
    return -(-ratio.numerator // ratio.denominator)


@dataclass(frozen=True)
class Projection:
    """SR pixels of one axis on the LR pixels they are made from: SR pixel i on LR pixel floor(i / scale).

    LR pixels come in periods in which the offsets repeat: q of them at a scale of p / q. Each has the same number of
    slots for SR pixels, of which some stay empty.

    Attributes:
        start: first LR pixel, counted from where the features begin.
        periods: how many.
        offsets: of each LR pixel of a period, i / scale − floor(i / scale) of the SR pixels in its slots.
        places: of each SR pixel, its number among all slots of all LR pixels.
    """

    start: int
    periods: int
    offsets: tuple[tuple[float, ...], ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, pixels: range, ratio: Fraction, first: int, *, repeated: bool) -> Projection:
        """The projection of some SR pixels.

        Args:
            pixels: of the whole SR picture, one after the other; at least one.
            ratio: the scale, p / q.
            first: LR pixel of the whole picture at which the features begin.
            repeated: whether periods are those of the scale; else all LR pixels are one.
        """
        p, q = ratio.numerator, ratio.denominator
        start, stop = pixels[0] * q // p, pixels[-1] * q // p + 1
        if repeated:
            start, stop = start // q * q, -(-stop // q) * q
        period = q if repeated else stop - start
        each = slots(ratio)
        earliest = [-(-lr * p // q) for lr in range(start, start + period)]
        offsets = tuple(
            tuple(((earliest[row] + slot) * q - (start + row) * p) / p for slot in range(each)) for row in range(period)
        )
        bases = [i * q // p for i in pixels]
        places = tuple((lr - start) * each + i + (-lr * p // q) for i, lr in zip(pixels, bases, strict=True))
        return cls(start - first, (stop - start) // period, offsets, places)

    @property
    def count(self) -> int:
        """LR pixels in all."""
        return self.periods * len(self.offsets)
