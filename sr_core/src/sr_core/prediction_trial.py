"""The predictions that losses name, looked for before anything is written: a later phase may be hours away."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import torch

from sr_core.data.patches import PatchBatch
from sr_core.errors import ContractError
from sr_core.imaging.size import sr_size
from sr_core.interfaces.model import Model
from sr_core.scales import Scale
from sr_core.training.learned import buffers_kept
from sr_core.training.objective import predict, seen_by
from sr_core.training.settings import WeightedLoss

_SIDE = 32
"""Of the LR picture that is tried, at least."""


def try_names(model: Model, entry: WeightedLoss, scales: Sequence[Scale], device: torch.device) -> None:
    """Let the network predict once for each scale, where the loss names predictions, and change nothing.

    Raises:
        SrkitError: the loss names a prediction that the network does not make.
    """
    if entry.on is None and not entry.predictions:
        return
    planes = model.channels if isinstance(model.channels, int) else 1 if model.channels == "y" else 3
    side = -(-_SIDE // model.multiple) * model.multiple
    for scale in scales:
        lr, hr = (torch.zeros(1, planes, *size, device=device) for size in ((side, side), sr_size((side,) * 2, scale)))
        made = None
        with (
            torch.no_grad(),
            buffers_kept(model),
            contextlib.suppress(ContractError),
        ):  # what else fails, fails in training
            made = predict(model, PatchBatch(lr, hr, scale, range(1)), progress=0.0)
        if made is not None:
            seen_by(entry, made)
