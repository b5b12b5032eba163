"""3D networks that are compared in Table 5: learned from harvests or from the truth, judged on single pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.annotations.across_harvests import select_comparable
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.evaluation.pairs import PosePairs
from poseharvest.learning.personalize.labels import PictureLabels
from poseharvest.learning.pose3d.pose_labels import frame_labels, pose_labels
from poseharvest.learning.pose3d.pose_model import PoseModel
from poseharvest.learning.pose3d.pose_samples import HarvestFootage
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.learning.pose3d.train_poses import common_lengths, train_on
from poseharvest.networks.regressor import PoseRegressor
from poseharvest.progress import OnProgress
from poseharvest.simulation.scene import GroundTruth
from poseharvest.tables.studio.filming import Take
from poseharvest.tables.studio.judged_poses import JudgedPoses
from poseharvest.tables.view_predictions import points_in_camera, predict_views


class Teacher(StrEnum):
    """Whose poses a 3D network learns."""

    HARVEST = "harvest"
    TRUTH = "truth"


def labels_by(
    teacher: Teacher,
    harvest: Harvest,
    truth: GroundTruth,
    *,
    marks: NDArray[np.bool_] | None = None,
    all_joints: bool = False,
) -> list[PictureLabels]:
    """Return the labels of a harvest's pictures by one of the teachers, in the harvest's windows.

    Args:
        teacher: whose poses are the labels.
        harvest: of the pictures.
        truth: read if it is the teacher, and only then.
        marks: (F, J) which of the harvest's joints are believed if it is the teacher; those that it selected if None.
        all_joints: believe the others as well.
    """
    if teacher is Teacher.HARVEST:
        return pose_labels(harvest, range(harvest.info.capture.num_frames), marks=marks, all_joints=all_joints)
    rows = (replace(row, annotations=_corrected(row.annotations, truth)) for row in harvest.iter_selected())
    labels = (one for row in rows for one in frame_labels(harvest, row, all_joints=True))
    return [one for one in labels if bool(one.known.any())]


def learn_poses(
    lessons: Sequence[tuple[Harvest, Take]],
    teacher: Teacher,
    folder: Path,
    *,
    options: RegressionOptions,
    on_progress: OnProgress,
) -> PoseModel:
    """Return a 3D network that was trained from scratch; the networks of a table differ in their teacher only.

    Raises:
        TrainingError: there is nothing to learn, the loss is not finite, or the run was interrupted.
    """
    labels_of = partial(labels_by, teacher, all_joints=options.all_joints)
    selected = select_comparable([harvest for harvest, _ in lessons])
    footage = [
        HarvestFootage(harvest, take.capture, labels_of(harvest, take.truth, marks=marks), ())
        for (harvest, take), marks in zip(lessons, selected, strict=True)
    ]
    skeleton = lessons[0][0].skeleton
    trainer = train_on(footage, skeleton, folder, options=options, resume=True, on_progress=on_progress)
    trainer.network.load_state_dict(trainer.result())
    # Limb lengths only place the pose along the line of sight; both networks get those of the harvests.
    lengths = common_lengths([harvest for harvest, _ in lessons])
    return PoseModel(cast(PoseRegressor, trainer.network.cpu().eval()), skeleton, lengths)


def judge_single_views(model: PoseModel, windows: Harvest, take: Take) -> JudgedPoses:
    """Return how wrong a network's poses are, a row a picture.

    Args:
        model: the network.
        windows: a harvest of the same footage, of which nothing but the windows around the person is used.
        take: footage and truth.
    """
    frames, estimates, truths = [], [], []
    for frame, poses in predict_views(model, take.capture, windows):
        for pose in poses:
            frames.append(frame)
            estimates.append(pose.points_mm.double().numpy())
            truths.append(points_in_camera(pose.camera, take.truth.positions[frame]).numpy())
    shape = (-1, len(model.skeleton), 3)
    pairs = PosePairs(np.array(estimates).reshape(shape), np.array(truths).reshape(shape), model.skeleton.joints)
    return JudgedPoses.of(np.array(frames, dtype=np.int64), pairs)


def _corrected(record: FrameAnnotations, truth: GroundTruth) -> FrameAnnotations:
    everything = torch.ones_like(record.supported)
    return replace(record, mean=truth.positions[record.frame].to(record.mean), supported=everything)
