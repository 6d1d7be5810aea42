"""How much memory tensors take while something runs: on any device, and on `meta`, where nothing is computed."""

from __future__ import annotations

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class AliveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch's own class hook
    """Follows every tensor that an operation makes until it is freed; `peak` is the most bytes alive at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._alive: dict[int, int] = {}
        self._bytes = 0

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN204 - torch's own signature
        """Run one operation and note the tensors it made."""
        del types
        result = operation(*arguments, **(options or {}))
        for made in tree_leaves(result):
            if isinstance(made, torch.Tensor):
                self._note(made.untyped_storage())
        return result

    def _note(self, storage: torch.UntypedStorage) -> None:
        place = storage._cdata
        if place not in self._alive:
            self._alive[place] = storage.nbytes()
            self._bytes += storage.nbytes()
            self.peak = max(self.peak, self._bytes)
            weakref.finalize(storage, self._forget, place)

    def _forget(self, place: int) -> None:
        self._bytes -= self._alive.pop(place)
