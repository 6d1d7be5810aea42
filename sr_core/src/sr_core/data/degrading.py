"""LR from HR for training: the degradation called, held to its contract, and LR pictures checked against HR."""

from __future__ import annotations

from torch import Tensor

from sr_core.errors import ContractError
from sr_core.guard import describe
from sr_core.imaging.size import belong_together, degraded_size, lr_size, sr_size
from sr_core.interfaces.degradation import Degradation
from sr_core.interfaces.randomness import SampleRandom
from sr_core.scales import Scale, describe_scale


def cut_to_scale(hr: Tensor, scale: Scale) -> Tensor:
    """HR …×H×W cut at the bottom and right to the size of SR, as evaluation cuts it."""
    rows, columns = sr_size(lr_size((hr.shape[-2], hr.shape[-1]), scale), scale)
    return hr[..., :rows, :columns]


def degrade(degradation: Degradation, hr: Tensor, scale: Scale, random: SampleRandom) -> tuple[Tensor, Tensor | None]:
    """LR of `hr`, and the new target where the degradation changes it.

    Called by several threads at once, so it does not redirect what a plugin prints, as `guarded` does.

    Args:
        degradation: what to call.
        hr: N×C×H×W float32, already cut to the size of SR.
        scale: HR size over LR size.
        random: the streams of the N samples.

    Raises:
        ContractError: the degradation failed, or gave another shape than it promised.
    """
    try:
        made = degradation(hr, scale, random)
    except Exception as error:
        raise ContractError(f"the degradation failed: {describe(error)}") from error
    lr, target = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    size = degraded_size((hr.shape[-2], hr.shape[-1]), scale)
    _check_shape("LR", lr, (*hr.shape[:2], *size))
    if target is not None:
        _check_shape("target", target, tuple(hr.shape))
    return lr.float(), None if target is None else target.float()


def lr_problem(lr: tuple[int, ...], hr: tuple[int, ...], scale: Scale) -> str | None:
    """Why paired LR (height, width, planes) cannot belong to HR (height, width, planes); None where it can."""
    if lr[2] != hr[2]:
        return f"it has {hr[2]} planes, its LR {lr[2]}"
    if not belong_together((lr[0], lr[1]), (hr[0], hr[1]), scale):
        return f"it is {hr[0]}×{hr[1]}, which its LR of {lr[0]}×{lr[1]} does not fit at scale {describe_scale(scale)}"
    return None


def _check_shape(what: str, picture: object, shape: tuple[int, ...]) -> None:
    if not isinstance(picture, Tensor) or tuple(picture.shape) != shape:
        found = tuple(picture.shape) if isinstance(picture, Tensor) else type(picture).__name__
        raise ContractError(f"the degradation promised {what} of shape {shape} (see degraded_size), gave {found}")
