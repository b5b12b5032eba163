"""The pictures and poses of several harvests, to learn from and to judge by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseharvest.annotations.harvest_footage import checked_footage_of
from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.errors import TrainingError
from poseharvest.learning.loop.augmentation import NO_AUGMENTATION, Augmentation
from poseharvest.learning.loop.samples import MixedSource, SampleSource
from poseharvest.learning.personalize.harvest_again import harvested_frames
from poseharvest.learning.personalize.harvested_takes import split_frames
from poseharvest.learning.personalize.labels import PictureLabels
from poseharvest.learning.personalize.surroundings import cut_pictures, turns_of
from poseharvest.learning.pose3d.pose_labels import pose_labels, weighted_pose_labels
from poseharvest.learning.pose3d.pose_model import preprocessing_of
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.progress import OnProgress, Progress


@dataclass(frozen=True, eq=False)
class HarvestFootage:
    """One harvest with its footage.

    Attributes:
        harvest: the annotations.
        capture: the footage.
        learned: labels to learn from.
        judged: labels of held-out frames.
    """

    harvest: Harvest
    capture: FrameSource
    learned: Sequence[PictureLabels]
    judged: Sequence[PictureLabels]


def open_harvests(
    harvests: Sequence[Harvest],
    captures: Sequence[FrameSource | Path | None],
    marks: Sequence[NDArray[np.bool_]],
    options: RegressionOptions,
) -> list[HarvestFootage]:
    """Return every harvest with its footage and its labels.

    Args:
        harvests: the annotations.
        captures: of each, or where it lies; None where the harvest says.
        marks: (F, J) of each, what is selected of its rows.
        options: which frames and joints are learned.

    Raises:
        TrainingError: there are not as many captures as harvests, or too few annotations.
        CaptureError: footage is missing or is not the harvest's.
        CalibrationError: a camera is affine.
    """
    if len(captures) != len(harvests):
        raise TrainingError(f"captures: expected one a harvest, {len(harvests)}, got {len(captures)}")
    opened = []
    for harvest, place, selected in zip(harvests, captures, marks, strict=True):
        capture = checked_footage_of(harvest, place)
        learned, judged = split_frames(harvested_frames(harvest), options.held_out)
        judged = range(0) if judged == learned else judged
        labels_of = (
            partial(weighted_pose_labels, harvest)
            if options.weighted
            else partial(pose_labels, harvest, marks=selected, all_joints=options.all_joints)
        )
        opened.append(HarvestFootage(harvest, capture, labels_of(learned), labels_of(judged)))
    return _thinned(opened, options)


def cut_learned(
    footage: Sequence[HarvestFootage], folder: Path, options: RegressionOptions, on_progress: OnProgress
) -> SampleSource:
    """Return the samples to learn from; their pictures lie in files in `folder`."""
    wanted = [(one, one.learned) for one in footage]
    return _cut(wanted, folder / "learned", options, options.training.augmentation, on_progress)


def cut_judged(
    footage: Sequence[HarvestFootage], folder: Path, options: RegressionOptions, on_progress: OnProgress
) -> SampleSource | None:
    """Return the held-out samples, or None if there are none."""
    wanted = [(one, one.judged) for one in footage]
    if not any(labels for _, labels in wanted):
        return None
    return _cut(wanted, folder / "judged", options, NO_AUGMENTATION, on_progress)


def _thinned(footage: list[HarvestFootage], options: RegressionOptions) -> list[HarvestFootage]:
    count = sum(len(one.learned) for one in footage)
    if count < options.min_pictures:
        raise TrainingError(
            f"training: too few selected annotations: expected at least {options.min_pictures} pictures with any, "
            f"got {count} in {len(footage)} harvests; harvest more frames, or select a larger share"
        )
    step = -(-count // options.max_pictures)
    return [HarvestFootage(one.harvest, one.capture, one.learned[::step], one.judged[::step]) for one in footage]


def _cut(
    wanted: Sequence[tuple[HarvestFootage, Sequence[PictureLabels]]],
    stem: Path,
    options: RegressionOptions,
    augmentation: Augmentation,
    on_progress: OnProgress,
) -> MixedSource:
    preprocessing = preprocessing_of(options.input_px)
    return MixedSource(
        tuple(
            cut_pictures(
                one.capture,
                one.harvest.skeleton,
                labels,
                preprocessing=preprocessing,
                reach=augmentation.reach,
                file=stem.with_name(f"{stem.name}-{number}.npy"),
                on_frame=_frame_listener(one, on_progress),
                turns=turns_of(one.harvest),
            )
            for number, (one, labels) in enumerate(wanted)
            if labels
        )
    )


def _frame_listener(one: HarvestFootage, on_progress: OnProgress) -> Callable[[int], None]:
    total = one.capture.num_frames
    return lambda frame: on_progress(Progress(frame + 1, total, f"cutting pictures out of {one.capture.name}"))
