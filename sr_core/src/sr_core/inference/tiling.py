"""A network on a picture of any size: whole, or in tiles by what the network says of itself."""

from __future__ import annotations

import logging
import math
from fractions import Fraction

from torch import Tensor

from sr_core.errors import ContractError
from sr_core.imaging.size import Scale
from sr_core.inference.tile_size import tile_side
from sr_core.inference.tiles import OVERLAP, Span, feathered, in_tiles, spans, tile_step
from sr_core.interfaces.model import AnyScaleModel, Grid, Model
from sr_core.scales import describe_scale

_log = logging.getLogger("srkit")


def enlarged_by(model: Model, image: Tensor, scale: Scale, side: int | None = None) -> Tensor:
    """What `model` makes of `image`.

    Args:
        model: the network.
        image: N×C×H×W, H and W multiples of the network's `multiple`.
        scale: SR size over LR size.
        side: LR pixels of a tile's side; None to cut only what does not fit into memory.

    Returns:
        N×C×H'×W' by the size rule.

    Raises:
        ContractError: tiles were asked for, and at this scale no pixels of LR and SR have a common border.
    """
    overlap = OVERLAP if model.margin is None else model.margin
    wanted = side or tile_side(model, image.shape, scale, image.device, overlap)
    if wanted is None or max(image.shape[-2:]) <= wanted:
        return _whole(model, image, scale)
    if isinstance(model, AnyScaleModel) and type(model).forward is AnyScaleModel.forward and model.margin is not None:
        return _on_one_grid(model, image, scale, wanted, model.margin)
    step = tile_step(model.multiple, scale)
    if step is None and side is None:
        return _whole(model, image, scale)
    if step is None:
        raise ContractError(
            f"at scale {describe_scale(scale)} a picture cannot be cut in tiles, since no pixels of LR and SR have a "
            "common border; leave the tile out, or choose a scale such as 2, 2.5 or 3"
        )
    if model.margin is not None:
        return in_tiles(lambda part: _whole(model, part, scale), image, scale, wanted, model.margin, step)
    _log.warning(
        "%s sees the whole picture at once, and this one is cut in tiles of %d pixels: they overlap by %d and fade "
        "into each other, and the result is not quite what it would be of the whole",
        *(type(model).__name__, wanted, OVERLAP),
    )
    return feathered(lambda part: _whole(model, part, scale), image, scale, wanted, step)


def _whole(model: Model, image: Tensor, scale: Scale) -> Tensor:
    enlarged: Tensor = model(image, scale)
    return enlarged


def _on_one_grid(model: AnyScaleModel, image: Tensor, scale: Scale, side: int, margin: int) -> Tensor:
    """Each tile encodes what its pixels depend on, and decodes its own cut of the picture's one grid."""
    grid = Grid.of((image.shape[-2], image.shape[-1]), scale, image.device)
    rows, columns = (spans(length, side, margin, model.multiple) for length in image.shape[-2:])
    whole: Tensor | None = None
    for row in rows:
        down = _cut(grid.rows, grid.ratios[0], row, image.shape[-2])
        for column in columns:
            across = _cut(grid.columns, grid.ratios[1], column, image.shape[-1])
            features = model.encode(image[..., row.first : row.last, column.first : column.last])
            part = model.decode(features, grid.cut(down, across, (row.first, column.first)), scale)
            if whole is None:
                whole = part.new_empty((*part.shape[:2], len(grid.rows), len(grid.columns)))
            whole[..., down, across] = part
    if whole is None:
        raise ContractError("a picture without pixels cannot be enlarged")
    return whole


def _cut(pixels: range, ratio: Fraction, span: Span, length: int) -> slice:
    """The SR pixels whose centres lie in a tile's own part; the first and last tile take what lies beyond."""
    first = 0 if span.start == 0 else _before(span.start, ratio)
    last = len(pixels) if span.stop == length else _before(span.stop, ratio)
    return slice(first, min(last, len(pixels)))


def _before(border: int, ratio: Fraction) -> int:
    """How many SR pixels have their centre before the LR pixel of this number begins."""
    return math.ceil(border * ratio - Fraction(1, 2))
