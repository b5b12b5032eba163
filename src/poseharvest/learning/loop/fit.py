"""Running a training: checkpoints, validation after every epoch, and an end between two steps if one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from poseharvest.errors import TrainingError
from poseharvest.learning.loop.checkpoint import read_checkpoint, write_checkpoint
from poseharvest.learning.loop.interruption import StopRequest, stop_requests
from poseharvest.learning.loop.samples import SampleSource
from poseharvest.learning.loop.steps import StepDone, Trainer

_LOSS_SHOWN_OVER = 0.95


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        done: steps done, over all epochs.
        total: steps in all.
        loss: a running mean.
    """

    done: int
    total: int
    loss: float


OnTraining = Callable[[TrainingProgress], None]


def fit(
    trainer: Trainer,
    checkpoint: Path,
    *,
    validation: SampleSource | None = None,
    resume: bool = False,
    on_progress: OnTraining | None = None,
) -> dict[str, Tensor]:
    """Train to the last epoch and return the weights.

    A checkpoint is written after every epoch, every `checkpoint_steps` steps, and when the process is asked to end.

    Args:
        trainer: what is trained, on what, and how.
        checkpoint: the folder of the checkpoint.
        validation: samples on which the network is scored after every epoch; rows of the curve get the scores.
        resume: go on from the checkpoint, if there is one.
        on_progress: called after every step.

    Raises:
        TrainingError: the loss is not finite, or the run was interrupted; the message says where the checkpoint lies.
    """
    if resume and checkpoint.exists():
        trainer.resume(read_checkpoint(checkpoint), source=str(checkpoint))
    listener = _Listener(trainer, checkpoint, validation, on_progress)
    with stop_requests() as request:
        try:
            for done in trainer.steps():
                listener.hear(done, request)
        except TrainingError as error:
            raise TrainingError(f"{error}. {_where(checkpoint)}") from error
    return trainer.result()


@dataclass(eq=False)
class _Listener:
    """Writes, validates and reports as the loop goes on."""

    trainer: Trainer
    checkpoint: Path
    validation: SampleSource | None
    on_progress: OnTraining | None
    shown_loss: float | None = None

    def hear(self, done: StepDone, request: StopRequest) -> None:
        """Act on a step; raise TrainingError if the process is asked to end."""
        trainer = self.trainer
        if done.ends_epoch:
            trainer.curve.append(self._row(done))
        stops = trainer.processes.any(bool(request))
        if done.ends_epoch or stops or trainer.step % trainer.options.checkpoint_steps == 0:
            self._save()
        self._report(done)
        if stops and trainer.step < trainer.num_steps:
            raise TrainingError(f"training: interrupted after step {trainer.step} of {trainer.num_steps}")

    def _save(self) -> None:
        if self.trainer.processes.is_first:
            write_checkpoint(self.trainer.checkpoint(), self.checkpoint)
        self.trainer.processes.wait()

    def _row(self, done: StepDone) -> dict[str, float]:
        row = {"epoch": done.epoch + 1, "step": done.step + 1, "loss": self.trainer.epoch_loss}
        if self.validation is not None:
            # Every process validates all: the weights are the same, and nobody has to wait.
            row |= self.trainer.task.scores(self.trainer.network, self.validation)
        return row

    def _report(self, done: StepDone) -> None:
        before = done.loss if self.shown_loss is None else self.shown_loss
        self.shown_loss = _LOSS_SHOWN_OVER * before + (1 - _LOSS_SHOWN_OVER) * done.loss
        if self.on_progress is not None and self.trainer.processes.is_first:
            self.on_progress(TrainingProgress(self.trainer.step, self.trainer.num_steps, self.shown_loss))


def _where(checkpoint: Path) -> str:
    if not checkpoint.exists():
        return "No checkpoint had been written yet"
    return f"The last checkpoint lies in {checkpoint}: resume to go on from it"
