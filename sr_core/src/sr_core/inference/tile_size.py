"""Whether a picture fits into memory whole, and how large its tiles may be where it does not."""

from __future__ import annotations

import math

import torch

from sr_core.data.placement import host_memory
from sr_core.errors import SrkitError
from sr_core.guard import guarded
from sr_core.imaging.size import Scale, per_axis
from sr_core.inference.alive_tensors import AliveTensors
from sr_core.inference.networks import without_contents
from sr_core.interfaces.model import Model

SMALL_PICTURE = 2**20
"""SR pixels up to which nobody asks whether a picture fits."""
_SHARE = 0.25
"""The share of a device's memory that the feature maps of one picture may take."""
_SMALLEST_SIDE = 64
_UNKNOWN_SIDE = 512
"""For networks that cannot be run on the meta device and have a margin; the others stay whole."""


def tile_side(model: Model, shape: torch.Size, scale: Scale, device: torch.device, overlap: int) -> int | None:
    """LR pixels of a tile's side; None where the whole picture fits.

    Nothing is computed: the network runs on the meta device, where tensors have sizes and no contents.

    Args:
        model: the network.
        shape: N×C×H×W of the LR picture.
        scale: SR size over LR size.
        device: where the network is.
        overlap: LR pixels by which tiles reach beyond their own part, to each side.
    """
    vertical, horizontal = per_axis(scale)
    pixels = shape[-2] * shape[-1]
    if shape[0] * pixels * max(vertical * horizontal, 1) <= SMALL_PICTURE:
        return None
    limit = _SHARE * _room(device)
    try:
        with guarded("it cannot be run on the meta device"):
            needed = peak_bytes(model, shape, scale)
    except SrkitError:
        return None if model.margin is None or pixels <= _UNKNOWN_SIDE**2 else _UNKNOWN_SIDE
    if needed <= limit:
        return None
    side = math.isqrt(int(pixels * limit / needed)) - 2 * overlap
    return max(side, _SMALLEST_SIDE, overlap)


def peak_bytes(model: Model, shape: torch.Size, scale: Scale) -> int:
    """Most bytes of feature maps alive at once while a float32 picture of this shape is enlarged."""
    shadow = without_contents(model)  # a copy, since a network may keep what it computed
    meter = AliveTensors()
    with torch.inference_mode(), meter:
        shadow(torch.empty(shape, device="meta"), scale)
    return meter.peak


def _room(device: torch.device) -> int:
    """Bytes of memory the device has in all; of the host, those that are available."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return host_memory()
