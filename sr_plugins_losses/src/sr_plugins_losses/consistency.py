"""SR, shrunk again, against the LR picture it was made from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from sr_core import Batch, Loss, Scale, SrkitError, full_precision, resize, sr_size
from sr_core.imaging.size import per_axis


class Consistency(Loss):
    """L1 between LR and SR shrunk by antialiased bicubic: what was known stays, as colour and brightness.

    It leaves the detail free that LR does not hold, so it is no loss to train with alone. HR plays no part: it serves
    where there is none, as with unpaired pictures. Along an axis whose scale is below 1, LR is the larger picture, and
    is shrunk instead. Nothing is rounded; where LR has 8 bits, HR itself stays a quarter of a level away. LR of
    another making than bicubic is missed by as much as it differs. Predictions of a pyramid's lower levels
    are compared at their own scale.

    Args:
        border: pixels of the smaller picture left out at each side; 2 are as many as see beyond the edge of a crop.
        squares: side of the squares of the smaller picture whose means are compared: above 1 only colour and brightness
            at large are held, as for a degradation that is to learn noise and blur (the low frequencies of DSGAN,
            Fritsche et al., ICCVW 2019).
    """

    needs_pairs = False

    def __init__(self, border: Annotated[int, Field(ge=0)] = 2, squares: Annotated[int, Field(ge=1)] = 1) -> None:
        super().__init__()
        self.border, self.squares = border, squares

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> Tensor:
        """Compare `sr`, N×C×H'×W', with the batch's LR; a scalar.

        Raises:
            SrkitError: SR is not a whole picture of the batch's scale, or the border leaves nothing.
        """
        del hr
        with full_precision(sr, batch.lr) as (sr, lr):
            vertical, horizontal = per_axis(_scale(sr, lr, batch.scale))
            height, width = (min(sides) for sides in zip(sr.shape[-2:], lr.shape[-2:], strict=True))
            sr = _resized(sr, (min(1, 1 / vertical), min(1, 1 / horizontal)), (height, width))
            lr = _resized(lr, (min(1, vertical), min(1, horizontal)), (height, width))
            rows, columns = (slice(self.border, length - self.border) for length in (height, width))
            if min(height, width) < 2 * self.border + self.squares:
                held = "nothing" if self.squares == 1 else f"no square of {self.squares}"
                raise SrkitError(
                    f"border {self.border} leaves {held} of an LR picture of {height}×{width}; take a larger crop"
                )
            return F.avg_pool2d((sr - lr)[..., rows, columns], self.squares).abs().mean()


def _scale(sr: Tensor, lr: Tensor, scale: Scale) -> Scale:
    """At what scale SR belongs to LR: the batch's, or that of a pyramid's lower level, a smaller power of two."""
    size, lr_size = (sr.shape[-2], sr.shape[-1]), (lr.shape[-2], lr.shape[-1])
    level = 2
    if sr.shape[:2] == lr.shape[:2]:
        if size == sr_size(lr_size, scale):
            return scale
        while level < min(per_axis(scale)):
            if size == sr_size(lr_size, level):
                return level
            level *= 2
    raise SrkitError(
        f"consistency needs whole pictures: SR is {tuple(sr.shape)}, LR {tuple(lr.shape)} at scale {scale}; a network "
        "that predicts parts of the picture in training cannot be compared with LR"
    )


def _resized(image: Tensor, scale: tuple[float, float], size: tuple[int, int]) -> Tensor:
    return image if scale == (1, 1) else resize(image, scale, size)
