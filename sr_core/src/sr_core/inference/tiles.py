"""Large pictures in tiles: cut with the margin a network needs, enlarged one by one, put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sr_core.imaging.size import Scale, exact_ratio, per_axis, sr_size

OVERLAP = 64
"""LR pixels by which tiles reach into each other where a network sees the whole picture."""
_LARGEST_STEP = 256


@dataclass(frozen=True)
class Span:
    """A tile along one axis, in LR pixels.

    Attributes:
        start: where its own part begins.
        stop: where its own part ends; the next tile's begins there.
        first: where what the network is given begins.
        last: where it ends.
    """

    start: int
    stop: int
    first: int
    last: int


def tile_step(multiple: int, scale: Scale) -> int | None:
    """What tiles' borders must be multiples of: there lies a border between SR pixels too; None where there is none.

    >>> tile_step(1, 2.5), tile_step(4, 2), tile_step(1, (2, 1.5)), tile_step(1, 2**0.5)
    (2, 4, 2, None)
    """
    step = math.lcm(multiple, *(exact_ratio(axis).denominator for axis in per_axis(scale)))
    return step if step <= _LARGEST_STEP else None


def spans(length: int, side: int, margin: int, step: int) -> list[Span]:
    """`length` LR pixels in tiles of about equal length, at most `side` each where `step` allows it.

    >>> [(span.first, span.start, span.stop, span.last) for span in spans(10, 5, 2, 1)]
    [(0, 0, 5, 7), (3, 5, 10, 10)]
    """
    count = max(1, math.ceil(length / max(side, step)))
    borders = sorted({min(length, math.ceil(length * i / count / step) * step) for i in range(count + 1)})
    return [
        Span(start, stop, max(0, (start - margin) // step * step), min(length, -(-(stop + margin) // step) * step))
        for start, stop in pairwise(borders)
    ]


def in_tiles(
    enlarge: Callable[[Tensor], Tensor], image: Tensor, scale: Scale, side: int, margin: int, step: int
) -> Tensor:
    """Enlarge `image` in tiles that see `margin` pixels around them; equal to the whole where the margin is exact.

    Args:
        enlarge: enlarges a tile by `scale`; N×C×h×w to N×C×h'×w' by the size rule.
        image: N×C×H×W, H and W multiples of the network's `multiple`.
        scale: SR size over LR size, per axis.
        side: LR pixels of a tile's own part, about.
        margin: LR pixels around it that the network depends on.
        step: as `tile_step` says.
    """
    whole: Tensor | None = None
    for rows, columns in _grid(image, side, margin, step):
        enlarged = enlarge(image[..., rows.first : rows.last, columns.first : columns.last])
        if whole is None:
            size = sr_size((image.shape[-2], image.shape[-1]), scale)
            whole = enlarged.new_empty((*enlarged.shape[:2], *size))
        top, left = _sr(rows.start, scale, 0), _sr(columns.start, scale, 1)
        bottom = whole.shape[-2] if rows.stop == image.shape[-2] else _sr(rows.stop, scale, 0)
        right = whole.shape[-1] if columns.stop == image.shape[-1] else _sr(columns.stop, scale, 1)
        up, across = _sr(rows.first, scale, 0), _sr(columns.first, scale, 1)
        whole[..., top:bottom, left:right] = enlarged[..., top - up : bottom - up, left - across : right - across]
    if whole is None:
        raise ValueError("a picture without pixels has no tiles")
    return whole


def feathered(enlarge: Callable[[Tensor], Tensor], image: Tensor, scale: Scale, side: int, step: int) -> Tensor:
    """Enlarge `image` in tiles that overlap and fade into each other, for networks that see the whole picture.

    What such a network sees differs from tile to tile; fading hides the seams and no more. Arguments as `in_tiles`.
    """
    total: Tensor | None = None
    for rows, columns in _grid(image, side, OVERLAP, step):
        enlarged = enlarge(image[..., rows.first : rows.last, columns.first : columns.last])
        if total is None:
            size = sr_size((image.shape[-2], image.shape[-1]), scale)
            total = torch.zeros((*enlarged.shape[:2], *size), device=enlarged.device)
            weights = torch.zeros((1, 1, *size), device=enlarged.device)
        top, left = _sr(rows.first, scale, 0), _sr(columns.first, scale, 1)
        height, width = enlarged.shape[-2:]
        weight = _fade(rows, image.shape[-2], height, enlarged)[:, None] * _fade(
            columns, image.shape[-1], width, enlarged
        )
        total[..., top : top + height, left : left + width] += enlarged * weight
        weights[..., top : top + height, left : left + width] += weight
    if total is None:
        raise ValueError("a picture without pixels has no tiles")
    return total / weights


def _grid(image: Tensor, side: int, margin: int, step: int) -> Iterator[tuple[Span, Span]]:
    columns = spans(image.shape[-1], side, margin, step)
    for row in spans(image.shape[-2], side, margin, step):
        for column in columns:
            yield row, column


def _sr(position: int, scale: Scale, axis: int) -> int:
    """Where an LR border that is a multiple of the step lies in SR."""
    return round(position * per_axis(scale)[axis])


def _fade(span: Span, length: int, size: int, like: Tensor) -> Tensor:
    """Weights along one axis: 1 in the middle, falling to nothing over what two tiles share."""
    position = (torch.arange(size, device=like.device, dtype=torch.float32) + 0.5) / size * (span.last - span.first)
    weights = torch.ones_like(position)
    if span.first > 0:
        weights = torch.minimum(weights, position / (2 * (span.start - span.first)))
    if span.last < length:
        weights = torch.minimum(weights, (span.last - span.first - position) / (2 * (span.last - span.stop)))
    return weights.clamp(min=1e-6)
