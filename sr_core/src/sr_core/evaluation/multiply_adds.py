"""Multiply-adds of a network, counted on the meta device, where nothing is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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

_Layout = tuple[Sequence[int], Sequence[int], torch.dtype]
"""Shape, strides and type: all there is to a meta tensor."""


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
        self._known: dict[object, tuple[_Layout, int]] = {}

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204 - torch's own signature
        """Run one operation, or make a tensor like the one it made of such operands before, and count."""
        del types
        options = options or {}
        key = (operation, _key(arguments), _key(options))
        if key in self._known:  # on the meta device most operations take ten times as long as this
            (shape, strides, dtype), products = self._known[key]
            self.products += products
            return torch.empty_strided(shape, strides, dtype=dtype, device="meta")
        result = operation(*arguments, **options)
        formula = flop_registry.get(operation.overloadpacket)
        products = formula(*arguments, **options, out_val=result) // 2 if formula else 0
        self.products += products
        if type(result) is Tensor and result.is_meta and not operation._schema.is_mutable:
            self._known[key] = ((result.shape, result.stride(), result.dtype), products)
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


def _key(operand: object) -> object:
    """What of an operand decides over the layout of the result; no two tensors with contents are alike."""
    if isinstance(operand, Tensor):
        return (operand.shape, operand.stride(), operand.dtype) if operand.is_meta else object()
    if isinstance(operand, list | tuple):
        return tuple(map(_key, operand))
    if isinstance(operand, dict):
        return tuple((name, _key(value)) for name, value in operand.items())
    return type(operand), operand


def _unchanged(features: Tensor) -> Tensor:
    return features
