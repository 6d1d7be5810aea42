"""One device or several: who is who, gradients averaged, decisions taken together."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from sr_core.errors import SrkitError
from sr_core.guard import describe
from sr_core.inference.devices import process_rank, world_size
from sr_core.inference.networks import lay_out

LONGEST_WAIT = datetime.timedelta(hours=12)
"""The others wait while the first validates and saves."""


@dataclass(frozen=True)
class Devices:
    """This process among all that train one network.

    Attributes:
        device: this process's own.
        rank: 0 for the first, which alone writes files.
        world: how many there are.
    """

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run directory."""
        return self.rank == 0

    def parallel(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all devices; itself where there is one."""
        if self.world == 1 or not any(parameter.requires_grad for parameter in module.parameters()):
            return module
        own = [self.device] if self.device.type == "cuda" else None
        # Networks with a part for each scale, and discriminators with heads, leave some parameters unused in a step.
        return DistributedDataParallel(module, device_ids=own, find_unused_parameters=True)

    def any(self, flags: Sequence[bool]) -> list[bool]:
        """Each flag, true where it is on any device."""
        if self.world == 1:
            return list(flags)
        together = torch.tensor([float(flag) for flag in flags], device=self.device)
        with while_all_live():
            distributed.all_reduce(together, op=distributed.ReduceOp.MAX)
        return [bool(flag) for flag in together.tolist()]

    def mean(self, values: Tensor) -> Tensor:
        """The mean over all devices, in place."""
        if self.world > 1:
            with while_all_live():
                distributed.all_reduce(values)
            values /= self.world
        return values

    def first_of(self, text: str | None) -> str | None:
        """What the first device that has something to say says; to be called on all of them."""
        if self.world == 1:
            return text
        said: list[str | None] = [None] * self.world
        with while_all_live():
            distributed.all_gather_object(said, text)
        return next((words for words in said if words is not None), None)

    def told(self, value: Any) -> Any:  # noqa: ANN401 - whatever the first says
        """What the first device says, on every device."""
        if self.world == 1:
            return value
        said = [value]
        own = self.device if self.device.type == "cuda" else None
        with while_all_live():
            distributed.broadcast_object_list(said, src=0, device=own)
        return said[0]


@contextmanager
def while_all_live() -> Iterator[None]:
    """A block in which processes wait for each other: that one of them has ended becomes a plain error.

    Raises:
        SrkitError: from what PyTorch raised.
    """
    try:
        yield
    except RuntimeError as error:
        raise another_ended(error) from error


def another_ended(error: RuntimeError) -> SrkitError:
    """What a communication that failed means."""
    return SrkitError(f"another process of this training ended; see its message ({describe(error)})")


def gathering(module: nn.Module, *, is_last: bool) -> contextlib.AbstractContextManager[None]:
    """A block whose backward pass averages gradients over all devices only for the last part of a batch."""
    if isinstance(module, DistributedDataParallel) and not is_last:
        return module.no_sync()
    return contextlib.nullcontext()


def to_training_layout(model: nn.Module, device: torch.device) -> None:
    """Move a network to its device, channels last where convolutions are faster so."""
    lay_out(model.to(device), device)


@contextmanager
def joined_devices(device: torch.device) -> Iterator[Devices]:
    """The devices of this run: those that `torchrun` started, or this one alone.

    Raises:
        SrkitError: the processes cannot reach each other, or there are fewer GPUs than processes.
    """
    if world_size() == 1:
        yield Devices(device)
        return
    if device.type == "cuda":
        if (device.index or 0) >= torch.cuda.device_count():
            raise SrkitError(f"{world_size()} processes but {torch.cuda.device_count()} GPUs; start fewer")
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        try:
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=LONGEST_WAIT)
        except (RuntimeError, ValueError) as error:
            raise SrkitError(f"the processes cannot join: {error}") from error
    try:
        yield Devices(device, process_rank(), world_size())
    finally:
        # Gloo's group lives as long as the process. Its destructor holds Python's lock while it waits for its threads,
        # and they may need that lock to let go of a last tensor: it would wait for ever (seen with PyTorch 2.13).
        if device.type == "cuda":
            distributed.destroy_process_group()
