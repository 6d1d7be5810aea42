"""Keep the picture itself out of low precision: bfloat16 has 8 bits for 256 levels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor


@contextmanager
def full_precision(*tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The tensors in float32, in a block that autocast leaves alone.

    Networks wrap their last layer and the residual sum in it, so that autocast speeds up the body and does not
    round the picture:

        with full_precision(features, enlarged) as (features, enlarged):
            return self.last(features) + enlarged

    Args:
        tensors: at least one, all on one device; float64 stays float64.
    """
    device_type = tensors[0].device.type
    knows_autocast = torch.amp.is_autocast_available(device_type)  # "meta" does not
    with torch.autocast(device_type, enabled=False) if knows_autocast else nullcontext():
        yield tuple(t if t.dtype == torch.float64 else t.float() for t in tensors)
