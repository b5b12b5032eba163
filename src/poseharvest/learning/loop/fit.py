"""Run a training: checkpoints, validation after every epoch, and a stop between two steps on request."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from torch import Tensor

from poseharvest.errors import StoppedError, TrainingError
from poseharvest.learning.loop.checkpoint import read_checkpoint, write_checkpoint
from poseharvest.learning.loop.samples import SampleSource
from poseharvest.learning.loop.steps import StepDone, Trainer
from poseharvest.progress import OnProgress, Progress

_LOSS_SHOWN_OVER = 0.95
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


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


def report_steps(on_progress: OnProgress) -> OnTraining:
    """Return a listener that reports every step and its loss to a command's listener."""
    return lambda step: on_progress(Progress(step.done, step.total, f"learning, loss {step.loss:.2e}"))


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
        resume: continue from the checkpoint, if there is one.
        on_progress: called after every step.

    Raises:
        StoppedError: a signal ended the training; the message says where the checkpoint lies.
        TrainingError: the loss is not finite.
    """
    if resume and checkpoint.exists():
        trainer.resume(read_checkpoint(checkpoint), source=str(checkpoint))
    listener = _Listener(trainer, checkpoint, validation, on_progress)
    with stop_requests() as request:
        try:
            for step in trainer.steps():
                listener.hear(step, request)
        except StoppedError as error:
            raise StoppedError(f"{error}. {_checkpoint_note(checkpoint)}", error.signal_number) from error
        except TrainingError as error:
            raise TrainingError(f"{error}. {_checkpoint_note(checkpoint)}") from error
    return trainer.result()


@dataclass(eq=False)
class _Listener:
    """Writes, validates and reports after every step."""

    trainer: Trainer
    checkpoint: Path
    validation: SampleSource | None
    on_progress: OnTraining | None
    shown_loss: float | None = None

    def hear(self, step: StepDone, request: StopRequest) -> None:
        """Act on a step; raise TrainingError if the process is asked to end."""
        trainer = self.trainer
        if step.ends_epoch:
            trainer.curve.append(self._row(step))
        stops = trainer.processes.any(bool(request))
        if step.ends_epoch or stops or trainer.step % trainer.options.checkpoint_steps == 0:
            self._save()
        self._report(step)
        if stops and trainer.step < trainer.num_steps:
            message = f"training: interrupted after step {trainer.step} of {trainer.num_steps}"
            raise StoppedError(message, request.number or signal.SIGTERM)  # another process may have got the signal

    def _save(self) -> None:
        if self.trainer.processes.is_first:
            write_checkpoint(self.trainer.checkpoint(), self.checkpoint)
        self.trainer.processes.wait()

    def _row(self, step: StepDone) -> dict[str, float]:
        row = {"epoch": step.epoch + 1, "step": step.step + 1, "loss": self.trainer.epoch_loss}
        if self.validation is not None:
            # Every process validates all: the weights are the same, and nobody has to wait.
            row |= self.trainer.task.scores(self.trainer.network, self.validation)
        return row

    def _report(self, step: StepDone) -> None:
        before = step.loss if self.shown_loss is None else self.shown_loss
        self.shown_loss = _LOSS_SHOWN_OVER * before + (1 - _LOSS_SHOWN_OVER) * step.loss
        if self.on_progress is not None and self.trainer.processes.is_first:
            self.on_progress(TrainingProgress(self.trainer.step, self.trainer.num_steps, self.shown_loss))


def _checkpoint_note(checkpoint: Path) -> str:
    if not checkpoint.exists():
        return "No checkpoint had been written yet"
    return f"The last checkpoint lies in {checkpoint}: resume to continue from it"


class StopRequest:
    """Becomes true when the process is asked to end."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Give an object that becomes true on the first SIGINT, SIGTERM or SIGHUP; a second one ends the process as usual.

    A signal that the process ignores, as under `nohup`, stays ignored.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread may listen to signals
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}

    def record(number: int, frame: FrameType | None) -> None:
        request.number = number
        signal.signal(number, before[signal.Signals(number)])

    for number in before:
        signal.signal(number, record)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
