"""Fine-tuning on labelled takes: their pictures are cut out of the footage, learned, and deleted (Sec. 3.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.network import NetworkDetector
from poseharvest.learning.loop.fit import OnTraining
from poseharvest.learning.loop.processes import ALONE, Processes
from poseharvest.learning.loop.samples import MixedSource
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.finetune import finetune
from poseharvest.learning.personalize.labels import PictureLabels
from poseharvest.learning.personalize.surroundings import cut_pictures
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import scratch_folder


@dataclass(frozen=True, eq=False)
class LabelledTake:
    """Footage with what is to be learned of it.

    Attributes:
        capture: the footage that was harvested.
        skeleton: the joints of the labels.
        labels: of its pictures, in order of frames; at least one.
        turns: degrees clockwise by which views' pictures are turned so that people stand upright.
    """

    capture: FrameSource
    skeleton: Skeleton
    labels: Sequence[PictureLabels]
    turns: Mapping[str, int] = field(default_factory=dict)


def learn_from_takes(  # noqa: PLR0913 - what learns from what, how, where, and who hears of it
    detector: NetworkDetector,
    takes: Sequence[LabelledTake],
    folder: Path,
    *,
    options: TrainingOptions,
    resume: bool,
    on_frame: Callable[[int], None],
    on_step: OnTraining,
    processes: Processes = ALONE,
) -> NetworkDetector:
    """Return the detector around a network that was trained further on the pictures of all takes, shuffled together.

    Args:
        detector: generic, or of an earlier round; it stays as it is.
        takes: at least one.
        folder: takes the training's checkpoint and, while it lasts, the pictures.
        options: of the training.
        resume: continue from the checkpoint, if there is one.
        on_frame: called with every frame whose pictures are cut out.
        on_step: called after every step.
        processes: who trains together; the first of them cuts out the pictures.

    Raises:
        CaptureError: footage lacks a picture that its labels speak of.
        TrainingError: the labels are of other joints, the loss is not finite, or the run was interrupted.
        StoreError: the folder cannot be written.
    """
    with ExitStack() as stack, os_errors_as_store_errors(folder):

        def cut() -> MixedSource:
            scratch = stack.enter_context(scratch_folder(folder / "pictures"))
            return _cut(takes, scratch, detector, reach=options.augmentation.reach, on_frame=on_frame)

        source = processes.from_first(cut)
        learned = finetune(
            detector,
            source,
            folder / "checkpoint",
            options=options,
            resume=resume,
            on_progress=on_step,
            processes=processes,
        )
        processes.wait()  # until nobody needs the pictures
        return learned


def _cut(
    takes: Sequence[LabelledTake],
    folder: Path,
    detector: NetworkDetector,
    *,
    reach: float,
    on_frame: Callable[[int], None],
) -> MixedSource:
    """Return the pictures of all takes, cut out into files in a folder."""
    return MixedSource(
        tuple(
            cut_pictures(
                take.capture,
                take.skeleton,
                take.labels,
                preprocessing=detector.preprocessing,
                reach=reach,
                file=folder / f"{number}.npy",
                on_frame=on_frame,
                turns=take.turns,
            )
            for number, take in enumerate(takes)
        )
    )
