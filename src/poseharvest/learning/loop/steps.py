"""The loop: steps of RMSprop on batches of varied samples. It yields what happened; others write and report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from poseharvest.detectors.weights_files import load_state
from poseharvest.errors import TrainingError
from poseharvest.learning.loop.augment import draw_variation
from poseharvest.learning.loop.batches import Batch
from poseharvest.learning.loop.checkpoint import Checkpoint, load_optimiser, optimiser_tensors
from poseharvest.learning.loop.prepare import prepare_ahead
from poseharvest.learning.loop.processes import ALONE, Processes
from poseharvest.learning.loop.samples import SampleSource
from poseharvest.learning.loop.task import Task
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.storage.record import first_difference


@dataclass(frozen=True)
class StepDone:
    """One step.

    Attributes:
        epoch: from 0.
        step: from 0, over all epochs.
        loss: of the step's pictures, before the step.
        ends_epoch: it was the last of its epoch.
    """

    epoch: int
    step: int
    loss: float
    ends_epoch: bool


class Trainer:
    """A network under training.

    Args:
        network: trained in place.
        task: how it wants its pictures, and what it should give.
        source: what it is trained on.
        options: how.
        processes: who trains together; each works on its share of every step.

    Attributes:
        step: steps done, over all epochs.
        curve: a row of numbers for every epoch done; the caller of the loop adds them.

    Raises:
        TrainingError: there are no samples, or they are not for this network.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        source: SampleSource,
        options: TrainingOptions,
        *,
        processes: Processes = ALONE,
    ) -> None:
        task.check(source)
        # Channels last halves the time of a step on a CPU.
        self.network = network.to(options.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.task, self.source, self.options, self.processes = task, source, options, processes
        self.step = 0
        self.curve: list[Mapping[str, float]] = []
        self._losses = (0.0, 0)
        self._names = [name for name, _ in self.network.named_parameters()]
        self._wrapped = processes.wrapped(self.network)
        self._optimiser = torch.optim.RMSprop(self.network.parameters(), lr=options.learning_rate)
        self._average = self._parameters() if options.average else {}
        self._random = torch.Generator().manual_seed(options.seed).get_state()

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every sample is seen."""
        return steps_per_epoch(len(self.source), self.options.batch_size)

    @property
    def num_steps(self) -> int:
        """Steps of the whole training."""
        return self.steps_per_epoch * self.options.epochs

    @property
    def epoch_loss(self) -> float:
        """Mean loss of the epoch under way, or of the one just ended."""
        total, count = self._losses
        return total / count if count else math.nan

    def steps(self) -> Iterator[StepDone]:
        """Train until the last epoch ends; yield after every step.

        Raises:
            TrainingError: the loss is not finite. The weights are those before that step.
        """
        for batch in prepare_ahead(self._batch, range(self.step, self.num_steps), threads=self.options.loaders):
            epoch, step = divmod(self.step, self.steps_per_epoch)
            if step == 0:
                self._losses = (0.0, 0)
            with self._own_random_numbers():
                loss = self._advance(batch.to(self.options.device))
            self._losses = (self._losses[0] + loss, self._losses[1] + 1)
            self.step += 1
            yield StepDone(epoch, self.step - 1, loss, ends_epoch=self.step % self.steps_per_epoch == 0)

    def result(self) -> dict[str, Tensor]:
        """Return the weights that the training gives: the last ones, or their running mean."""
        return {**self.network.state_dict(), **self._average}

    def checkpoint(self) -> Checkpoint:
        """Return all that is needed to continue."""
        state = optimiser_tensors(self._optimiser, self._names)
        state |= {f"average/{name}": tensor for name, tensor in self._average.items()}
        state["random"] = self._random
        return Checkpoint(
            weights=self.network.state_dict(),
            optimiser=state,
            step=self.step,
            options=self.options.as_dict(),
            curve=tuple(self.curve),
            losses=self._losses,
        )

    def resume(self, checkpoint: Checkpoint, *, source: str) -> None:
        """Continue after a checkpoint; the next steps are bit for bit those of an uninterrupted run.

        Raises:
            TrainingError: it is of a training with other options.
            DetectorError: it is of another network.
        """
        self._check_options(checkpoint, source)
        load_state(self.network, checkpoint.weights, source=source)
        load_optimiser(self._optimiser, checkpoint.optimiser, self._names)
        for name in self._average:
            self._average[name] = checkpoint.optimiser[f"average/{name}"].to(self.options.device)
        self._random = checkpoint.optimiser["random"]
        self.step, self.curve, self._losses = checkpoint.step, list(checkpoint.curve), checkpoint.losses

    def _batch(self, number: int) -> Batch:
        """Return the batch of a step, counted over all epochs; it depends on nothing else."""
        options = self.options
        epoch, step = divmod(number, self.steps_per_epoch)
        indices = samples_of_step(len(self.source), options.batch_size, seed=options.seed, epoch=epoch, step=step)
        mine = self.processes.share(indices)
        variations = [draw_variation(options.augmentation, options.seed, epoch, index) for index in mine]
        samples = [self.source.sample(index) for index in mine]
        return self.task.batch(samples, variations, options)

    @contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Let a step draw the training's random numbers, whatever else the process draws, and leave those alone."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._random)
            yield
            self._random = torch.get_rng_state()

    def _advance(self, batch: Batch) -> float:
        set_training_mode(self.network, frozen_norms=self.options.frozen_norms)
        rate = self.options.rate(self.step, self.num_steps)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        loss = self.task.loss(self._wrapped(batch.inputs), batch)
        value = self.processes.mean(loss.detach().cpu())
        if not math.isfinite(value):
            raise TrainingError(
                f"training: the loss is {value} in step {self.step + 1} of {self.num_steps}, after a mean of "
                f"{self.epoch_loss:.3g} in this epoch: lower the learning rate ({rate:.3g})"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        if self.options.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip_norm)
        self._optimiser.step()
        self._update_average()
        return value

    def _update_average(self) -> None:
        # The first steps are a plain mean, so that the initial weights are soon forgotten.
        decay = min(self.options.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                if name in self._average:
                    self._average[name].lerp_(parameter, 1 - decay)

    def _parameters(self) -> dict[str, Tensor]:
        return {name: parameter.detach().clone() for name, parameter in self.network.named_parameters()}

    def _check_options(self, checkpoint: Checkpoint, source: str) -> None:
        options = self.options.lasting_as_dict()
        difference = first_difference({name: checkpoint.options.get(name) for name in options}, options)
        if difference is not None:
            raise TrainingError(
                f"{source}: was trained with {difference}: continue with the same options, or begin anew"
            )


def steps_per_epoch(num_samples: int, batch_size: int) -> int:
    """Return the number of steps in which every sample is seen."""
    return math.ceil(num_samples / batch_size)


def samples_of_step(num_samples: int, batch_size: int, *, seed: int, epoch: int, step: int) -> list[int]:
    """Return the samples of one step of an epoch, `batch_size` of them.

    Every sample comes once an epoch, in an order that depends on seed and epoch; the last step is filled up with the
    first ones.
    """
    order = np.random.default_rng((seed, epoch)).permutation(num_samples)
    places = np.arange(step * batch_size, (step + 1) * batch_size) % num_samples
    return [int(index) for index in order[places]]


def set_training_mode(network: nn.Module, *, frozen_norms: bool) -> None:
    """Put a network into training mode, but leave batch norm in evaluation mode if its statistics must not change.

    Its scale and shift are trained either way. With the statistics of batches of four pictures of one scene,
    fine-tuning diverged in its third epoch.
    """
    network.train()
    if frozen_norms:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()
