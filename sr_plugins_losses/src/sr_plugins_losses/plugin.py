"""The losses and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sr_core import hookimpl

if TYPE_CHECKING:
    from sr_core.registry import Registrar


@hookimpl
def srkit_register(registry: Registrar) -> None:
    """Register every loss."""
    pixel = "sr_plugins_losses.pixel"
    lapsrn = "Lai et al., CVPR 2017"
    registry.loss("mse", f"{pixel}:MSE", summary="squared difference: what PSNR measures")
    registry.loss("l1", f"{pixel}:L1", summary="absolute difference")
    registry.loss("charbonnier", f"{pixel}:Charbonnier", summary="L1, smooth around 0", reference=lapsrn, year=2017)
