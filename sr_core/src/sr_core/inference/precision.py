"""The number format of networks: bfloat16 where the hardware is fast at it, float32 elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch

from sr_core.errors import SrkitError

Precision = Literal["float32", "bfloat16", "float16"]


def choose_precision(wanted: Literal["auto"] | Precision, device: torch.device) -> Precision:
    """The precision a run uses on `device`; `auto` is bfloat16 where the hardware has it fast.

    Raises:
        SrkitError: float16 was asked for on a CPU.
    """
    if wanted == "auto":
        return "bfloat16" if has_fast_bfloat16(device) else "float32"
    if wanted == "float16" and device.type == "cpu":
        raise SrkitError("precision float16 is for GPUs; on a CPU choose bfloat16 or float32")
    return wanted


def choose_training_precision(wanted: Literal["auto"] | Precision, device: torch.device) -> Precision:
    """Like `choose_precision`, but `auto` is float16 on GPUs that have it fast and lack bfloat16 (Volta, Turing).

    Training scales its losses and skips what overflows; a picture that is enlarged has no such net below it.

    Raises:
        SrkitError: float16 was asked for on a CPU.
    """
    if wanted == "auto" and device.type == "cuda" and torch.cuda.get_device_capability(device)[0] == 7:
        return "float16"
    return choose_precision(wanted, device)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether `device` computes bfloat16 faster than float32: recent GPUs, CPUs with AMX or AVX512-BF16."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return False


def autocast(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """The block in which networks run at `precision`."""
    if precision == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, precision))


@contextlib.contextmanager
def true_float32() -> Iterator[None]:
    """A block in which float32 means float32: by default GPUs convolve in TF32, with 10 bits of mantissa."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
