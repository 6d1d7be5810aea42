"""Published weights call their tensors by other names: small tables that say which is which."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor


def renamed(tensors: Mapping[str, Tensor], rules: Mapping[str, str]) -> dict[str, Tensor]:
    r"""The tensors under other names.

    Args:
        tensors: by their present names.
        rules: regular expressions for whole names, each with its replacement (`\1` for a group); the first that
            matches is used. Names that none matches stay.
    """
    return {_renamed(name, rules): tensor for name, tensor in tensors.items()}


def _renamed(name: str, rules: Mapping[str, str]) -> str:
    for pattern, replacement in rules.items():
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(replacement)
    return name
