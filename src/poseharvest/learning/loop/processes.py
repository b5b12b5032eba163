"""Several processes, one a GPU, as torchrun starts them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar, cast

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from poseharvest.errors import ConfigError

T = TypeVar("T")

_LONGEST_WAIT = timedelta(days=7)  # while the first process cuts out pictures, or harvests again


@dataclass(frozen=True)
class Processes:
    """Who trains together.

    Attributes:
        rank: number of this process.
        count: how many there are.
        messages: the group by which they tell each other flags, losses and objects; None is torch's default group.
    """

    rank: int = 0
    count: int = 1
    messages: distributed.ProcessGroup | None = None

    @property
    def is_first(self) -> bool:
        """This process writes files and reports progress."""
        return self.rank == 0

    def share(self, samples: list[int]) -> list[int]:
        """Return the part of a step's samples that this process works on.

        Raises:
            ConfigError: they cannot be shared out evenly.
        """
        if len(samples) % self.count:
            raise ConfigError(
                f"batch_size: expected a multiple of the {self.count} processes, got {len(samples)}: each takes as many"
            )
        return samples[self.rank :: self.count]

    def wrapped(self, network: nn.Module) -> nn.Module:
        """Return the network with its gradients averaged over the processes."""
        if self.count == 1:
            return network
        # It also copies the first process's buffers to all others before every step.
        return DistributedDataParallel(network)

    def mean(self, value: Tensor) -> float:
        """Return the mean of a number over the processes."""
        if self.count == 1:
            return float(value)
        total = value.detach().clone()
        distributed.all_reduce(total, group=self.messages)
        return float(total) / self.count

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process."""
        return self.mean(torch.tensor(float(flag))) > 0 if self.count > 1 else flag

    def wait(self) -> None:
        """Wait for the others."""
        if self.count > 1:
            distributed.barrier(group=self.messages)

    def from_first(self, make: Callable[[], T]) -> T:
        """Return what the first process makes, in every process; the others wait for it.

        If it fails there, the others wait until torchrun ends them.

        Args:
            make: gives something that can be sent to another process. Files that it makes must be seen by all.
        """
        made = [make() if self.is_first else None]
        if self.count > 1:
            cpu = torch.device("cpu")
            distributed.broadcast_object_list(made, src=0, device=cpu, group=self.messages)
        return cast(T, made[0])


ALONE: Final = Processes()
"""A single process."""


@contextmanager
def process_group(device: str) -> Iterator[tuple[Processes, str]]:
    """Join the processes that torchrun started, if it did; give who trains together, and this one's device.

    Raises:
        ConfigError: there are more processes than GPUs.
    """
    count = _started()
    if count == 1:
        yield Processes(), device
        return
    rank, local_rank = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        if local_rank >= torch.cuda.device_count():
            raise ConfigError(f"torchrun: expected a GPU a process, got {torch.cuda.device_count()} GPUs")
        device = f"cuda:{local_rank}"
        torch.cuda.set_device(local_rank)
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    distributed.init_process_group(backend, rank=rank, world_size=count, timeout=_LONGEST_WAIT)
    # Flags, losses and objects go as CPU tensors, and by a group of their own. The threads of the default group outlive
    # it, since DistributedDataParallel keeps it. A last message there, still held by a thread while the interpreter
    # ends, aborts a process that has finished its work. The threads of this group are joined when it is destroyed.
    messages = distributed.new_group(backend="gloo", timeout=_LONGEST_WAIT)
    try:
        yield Processes(rank, count, messages), device
    finally:
        distributed.destroy_process_group()


def _started() -> int:
    """Return how many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))
