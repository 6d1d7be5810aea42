"""Networks constructed on the meta device, where tensors have no contents."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_FILLING = {
    nn.init.kaiming_uniform_: 2,
    **dict.fromkeys((nn.init.normal_, nn.init.uniform_, nn.init.constant_), 0),
    **dict.fromkeys((Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_), 0),
}
"""What only fills a tensor, and from how many dimensions on it does."""


@contextlib.contextmanager
def constructing_on_meta() -> Iterator[None]:
    """Within it, networks are constructed on the meta device, and their tensors are not initialised."""
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Leaves out what fills meta tensors: half of the time that a network's construction takes there."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        arguments: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the function makes
        del types
        options = options or {}
        if function in _FILLING:
            tensor: Tensor = arguments[0] if arguments else options["tensor"]
            if tensor.is_meta and tensor.ndim >= _FILLING[function]:
                return tensor
        return function(*arguments, **options)
