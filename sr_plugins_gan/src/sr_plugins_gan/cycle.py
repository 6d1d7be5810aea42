"""The cycle loss: a second network leads SR back, and must arrive at LR."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from sr_core import Batch, LearnedLoss, Model, Scale, SrkitError, full_precision, sr_size
from sr_core.imaging.padding import continued
from sr_core.imaging.size import exact_ratio, per_axis

_DISTANCES = {"l1": F.l1_loss, "l2": F.mse_loss}


class CycleLoss(LearnedLoss):
    """The distance between LR and what a network that learns beside makes of SR: nothing of LR may get lost on the way.

    HR is not looked at, so it serves unpaired training (Zhu et al., CycleGAN, ICCV 2017; Yuan et al., CinCGAN, CVPRW
    2018). The two networks minimise the same distance in turns, where the authors' minimise it together. Of the cycles
    it is the one that begins at LR; that from HR over LR back to HR would need the network itself, which a loss has
    not. The network that leads back is kept in checkpoints, not in the weights file.

    Args:
        back: a model of the inverse scale: below 1 where the network enlarges, as `downscaler`; 1 for an inner cycle.
        criterion: `l1`: absolute differences, as CycleGAN's; `l2`: squared ones, as CinCGAN's.
        identity: weight of a second term for `back` at scale 1: that it leaves LR, which already is what it shall make,
            as it is.

    Raises:
        ValueError: `back` has nothing to learn.
    """

    needs_pairs = False

    def __init__(
        self,
        back: Model,
        criterion: Literal["l1", "l2"] = "l1",
        identity: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0,
    ) -> None:
        super().__init__()
        if not any(parameter.requires_grad for parameter in back.parameters()):
            raise ValueError("back must be a network with weights to learn; for a fixed way back take 'consistency'")
        self.back = back
        self.channels = back.channels
        self._distance = _DISTANCES[criterion]
        self._identity = identity

    def forward(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The distance of `back`'s picture of SR from LR, as the term `cycle`.

        Raises:
            SrkitError: `back` does not lead from SR's size to LR's.
        """
        del hr
        return {"cycle": self._from_lr(sr, batch.lr, _inverse(batch.scale))}

    def own_objective(self, sr: Tensor, hr: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The same distance for `back`, and at scale 1 its identity term.

        Raises:
            SrkitError: as `forward`; or an identity term is asked for at a scale other than 1.
        """
        cycle = self.forward(sr, hr, batch)["cycle"]
        if not self._identity:
            return {"objective": cycle, "cycle": cycle.detach()}
        if per_axis(batch.scale) != (1, 1):
            raise SrkitError("the identity term of 'cycle' is for scale 1; leave it out")
        identity = self._from_lr(batch.lr, batch.lr, batch.scale)
        objective = cycle + self._identity * identity
        return {"objective": objective, "cycle": cycle.detach(), "identity": identity.detach()}

    def _from_lr(self, image: Tensor, lr: Tensor, scale: Scale) -> Tensor:
        """How far what `back` makes of a picture is from LR."""
        size = (image.shape[-2], image.shape[-1])
        rows, columns = sr_size(size, scale)
        if (rows, columns) != lr.shape[-2:]:
            whole, wanted = ("×".join(map(str, sides)) for sides in (size, lr.shape[-2:]))
            raise SrkitError(f"no way back: SR of {whole} made smaller is {rows}×{columns}, and LR is {wanted}")
        returned = self.back(continued(image, self.back.multiple), scale)[..., :rows, :columns]
        with full_precision(returned, lr) as (returned, lr):
            return self._distance(returned, lr)


def _inverse(scale: Scale) -> Scale:
    """LR size over SR size: 1/3 for 3, and 3 for 1/3."""
    rows, columns = (float(1 / exact_ratio(axis)) for axis in per_axis(scale))
    return rows if rows == columns else (rows, columns)
