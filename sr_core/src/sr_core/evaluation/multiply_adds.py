"""Multiply-adds of a network, counted on the meta device, where nothing is computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from sr_core.imaging.size import lr_size, sr_size
from sr_core.interfaces.model import Model
from sr_core.scales import Scale

FULL_SIZE = (720, 1280)
"""The SR size for which the field counts multiply-adds (CARN, Ahn et al. 2018)."""

_aten = torch.ops.aten
_ELEMENTWISE = {
    *(_aten.add, _aten.sub, _aten.mul, _aten.div),
    *(_aten.relu, _aten.leaky_relu, _aten._prelu_kernel, _aten.tanh, _aten.sigmoid),
}
"""Of these only the shape is made: on the meta device PyTorch takes longer for them than for all convolutions."""


def multiply_adds(network: Model, scale: Scale) -> int:
    """Products that the convolutions and matrix products of a network form for a 1280×720 result.

    A convolution forms as many as its definition says, however it is computed; a transposed one its whole kernel's for
    each pixel that comes in. Where the scale does not divide the size, the count for the nearest smaller one is raised
    to that of 1280 · 720 pixels.

    Args:
        network: on the meta device; of no use afterwards.
        scale: one that it takes.

    Raises:
        Exception: whatever a network raises that does not work on the meta device.
    """
    planes = {"y": 1, "rgb": 3, "any": 3}.get(str(network.channels), network.channels)
    size = lr_size(FULL_SIZE, scale)
    height, width = (-(-side // network.multiple) * network.multiple for side in size)
    counter = _Counter()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            vars(layer)["forward"] = counter.by_definition(layer, layer.forward)
        elif type(layer) is nn.BatchNorm2d:
            vars(layer)["forward"] = _unchanged
    with torch.no_grad(), counter:  # no inference mode: it would hide what composed operations are made of
        network(torch.empty((1, int(planes), height, width), device="meta"), scale)
    return round(counter.products * math.prod(FULL_SIZE) / math.prod(sr_size(size, scale)))


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch's own class hook
    """Adds up the products of every operation within its block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products = 0

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204 - torch's own signature
        """Run one operation, or make the shape of its result, and count."""
        del types
        options = options or {}
        family = operation.overloadpacket
        operands = [operand for operand in arguments if isinstance(operand, Tensor)]
        shapes_alone = all(operand.is_meta and operand.is_floating_point() for operand in operands)
        if family in _ELEMENTWISE and shapes_alone and len({operand.dtype for operand in operands}) == 1:
            shape = torch.broadcast_shapes(*(operand.shape for operand in operands))  # type: ignore[no-untyped-call]
            return operands[0].new_empty(shape)
        result = operation(*arguments, **options)
        if family in flop_registry:
            self.products += flop_registry[family](*arguments, **options, out_val=result) // 2
        return result

    def by_definition(self, layer: nn.Conv2d | nn.ConvTranspose2d, forward: Callable[..., Any]) -> Callable[..., Any]:
        """A convolution's `forward` that counts each weight once for each place, whatever it does inside."""
        weights = layer.weight.numel()

        def counted(features: Tensor, *more: Any, **options: Any) -> Tensor:  # noqa: ANN401 - as the layer's own
            before = self.products
            result: Tensor = forward(features, *more, **options)
            places = features if isinstance(layer, nn.ConvTranspose2d) else result
            self.products = before + weights * places.shape[0] * math.prod(places.shape[2:])
            return result

        return counted


def _unchanged(features: Tensor) -> Tensor:
    return features
