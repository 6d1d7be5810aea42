"""A network's own calls compiled while it is trained; measuring and using it stays as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sr_core.interfaces.model import AnyScaleModel, Model

SMALL_NETWORK = 1_000_000
"""Parameters up to which a compiled network is replayed as a CUDA graph: launching it takes longer than computing."""


class CompiledCalls:
    """`forward` (of any-scale models `encode` and `decode`) by `torch.compile`; small networks on CUDA as graphs.

    `predictions` itself is left alone: weights that change with progress would be frozen or compiled again and again.

    Args:
        model: the network.
        device: where it is trained.
        once_a_step: whether it is called once between two updates; a graph overwrites what its last replay left, which
            gradients that are still being added up may need.
    """

    def __init__(self, model: Model, device: torch.device, *, once_a_step: bool) -> None:
        size = sum(parameter.numel() for parameter in model.parameters())
        as_graph = device.type == "cuda" and size <= SMALL_NETWORK and once_a_step
        names = ("encode", "decode") if isinstance(model, AnyScaleModel) else ("forward",)
        self._model = model
        self._calls: dict[str, Callable[..., Any]] = {
            name: torch.compile(getattr(model, name), mode="reduce-overhead" if as_graph else "default")
            for name in names
        }

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """A block in which the network's calls are the compiled ones."""
        vars(self._model).update(self._calls)
        try:
            yield
        finally:
            for name in self._calls:
                del vars(self._model)[name]
