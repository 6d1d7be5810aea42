"""Weights that never change stay out of the state of whatever holds them: hundreds of megabytes in every checkpoint."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn

FINGERPRINT = "fingerprint"
"""What stands in the holder's state dict for a frozen network's tensors."""


def leave_out_of_holders(network: nn.Module) -> None:
    """Let a module that holds the network save a fingerprint of its tensors in their place while it is frozen.

    The network's own state dict has all of them, as ever. A state is loaded only where the network still has the
    tensors that it had: `load_state_dict` fails otherwise, and says so.

    Args:
        network: whoever holds it builds it with its weights.
    """
    network.register_state_dict_post_hook(_replace_by_fingerprint)  # type: ignore[no-untyped-call] # torch's own
    network.register_load_state_dict_pre_hook(_compare_fingerprint)  # type: ignore[no-untyped-call]


def fingerprint(network: nn.Module) -> Tensor:
    """16 bytes that tell its tensors from others, by name and value in float32, on whatever device they are."""
    digest = blake2b(digest_size=16)
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(memoryview(tensor.detach().to("cpu", torch.float32).contiguous().numpy()).cast("B"))
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def _replace_by_fingerprint(network: nn.Module, state: dict[str, Any], prefix: str, _metadata: object) -> None:
    if not prefix or not _is_frozen(network):
        return
    for name in [name for name in state if name.startswith(prefix)]:
        del state[name]
    state[prefix + FINGERPRINT] = fingerprint(network)


def _compare_fingerprint(
    network: nn.Module,
    state: dict[str, Any],
    prefix: str,
    _metadata: object,
    _strict: bool,
    _missing: list[str],
    _unexpected: list[str],
    errors: list[str],
) -> None:
    kept = state.pop(prefix + FINGERPRINT, None)
    if not prefix or kept is None:
        return
    if not torch.equal(kept.cpu(), fingerprint(network)):
        errors.append(f"'{prefix[:-1]}' had other weights when this was saved; give it the same file, or the same seed")
    state.update({prefix + name: tensor for name, tensor in network.state_dict().items()})


def _is_frozen(network: nn.Module) -> bool:
    tensors = [*network.parameters(), *network.buffers()]
    return not any(tensor.requires_grad or tensor.is_meta for tensor in tensors)
