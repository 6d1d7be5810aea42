"""Activation checkpointing: memory for time, where a recursion would keep every step's feature maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

Result = TypeVar("Result", Tensor, tuple[Tensor, ...])


def recomputed(function: Callable[..., Result], *tensors: Tensor, of: nn.Module, when: bool) -> Result:
    """`function(*tensors)`, whose inner activations are not kept for the backward pass but computed again there.

    Results, gradients and running statistics are the same as without (Chen et al., Training Deep Nets with Sublinear
    Memory Cost, 2016).

    Args:
        function: a part of a network's forward pass.
        tensors: what it is given.
        of: the module whose batch normalisations it may call: they count a batch once only.
        when: False simply calls the function, as does a pass that keeps no gradients.
    """
    if not when or not torch.is_grad_enabled():
        return function(*tensors)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_left_alone(of)

    result: Result
    if torch.compiler.is_compiling():  # it takes no contexts, and needs none: what it computes again has no effects
        result = checkpoint(function, *tensors, use_reentrant=False, preserve_rng_state=False)
    else:
        result = checkpoint(function, *tensors, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
    return result


@contextmanager
def _statistics_left_alone(module: nn.Module) -> Iterator[None]:
    """A block in which batch normalisations normalise as before but add nothing to their running statistics."""
    layers = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    before = [(layer.momentum, layer.num_batches_tracked) for layer in layers]
    for layer in layers:
        layer.momentum, layer.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for layer, (momentum, count) in zip(layers, before, strict=True):
            layer.momentum, layer.num_batches_tracked = momentum, count
