"""3D networks that are compared in Table 5: learned from harvests or from the truth, judged on single pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from poseharvest.evaluation.alignment import Alignment
from poseharvest.evaluation.mpjpe import joint_errors
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.geometry.camera import Camera
from poseharvest.learning.personalize.labels import PictureLabels
from poseharvest.learning.pose3d.input_pictures import Picture
from poseharvest.learning.pose3d.pose_labels import frame_labels, pose_labels
from poseharvest.learning.pose3d.pose_model import PoseModel
from poseharvest.learning.pose3d.pose_samples import HarvestFootage
from poseharvest.learning.pose3d.predict_poses import Situation, predict_pose
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.learning.pose3d.train_poses import common_lengths, train_on
from poseharvest.networks.regressor import PoseRegressor
from poseharvest.progress import OnProgress
from poseharvest.simulation.scene import GroundTruth
from poseharvest.tables.studio.filming import Take
from poseharvest.tables.studio.judged_poses import JudgedPoses


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
    """Return what one of the two says of the pictures of a harvest: the windows are those of the harvest either way.

    Args:
        teacher: who says it.
        harvest: of the pictures.
        truth: read if it is the teacher, and only then.
        marks: (F, J) which of the harvest's joints are believed if it is the teacher; those that it selected if None.
        all_joints: believe the others as well.
    """
    if teacher is Teacher.HARVEST:
        return pose_labels(harvest, range(harvest.info.capture.num_frames), marks=marks, all_joints=all_joints)
    rows = (replace(row, annotations=_corrected(row.annotations, truth)) for row in harvest.iter_selected())
    return [found for row in rows for found in frame_labels(harvest, row, all_joints=True) if bool(found.known.any())]


def learn_poses(
    lessons: Sequence[tuple[Harvest, Take]],
    teacher: Teacher,
    folder: Path,
    *,
    options: RegressionOptions,
    on_progress: OnProgress,
) -> PoseModel:
    """Return a 3D network that was trained from scratch; by whom it was taught is all that differs.

    Raises:
        TrainingError: there is nothing to learn, the loss is not finite, or the run was interrupted.
    """
    taught = partial(labels_by, teacher, all_joints=options.all_joints)
    chosen = select_comparable([harvest for harvest, _ in lessons])
    footage = [
        HarvestFootage(harvest, take.capture, taught(harvest, take.truth, marks=marks), ())
        for (harvest, take), marks in zip(lessons, chosen, strict=True)
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
    found = list(_predicted(model, windows, take))
    shape = (-1, len(model.skeleton), 3)
    estimate = np.array([pose for _, pose, _ in found]).reshape(shape)
    truth = np.array([pose for _, _, pose in found]).reshape(shape)
    pairs = PosePairs(estimate, truth, model.skeleton.joints)
    unknown = np.full(pairs.judged.shape, np.nan)
    return JudgedPoses(
        np.array([frame for frame, _, _ in found], dtype=np.int64),
        joint_errors(pairs),
        joint_errors(pairs, Alignment("centroid")),
        unknown,
        np.zeros(unknown.shape, bool),
    )


def _predicted(model: PoseModel, windows: Harvest, take: Take) -> Iterator[tuple[int, Floats, Floats]]:
    """Yield a frame, the estimate and the truth (J, 3), mm in the camera's system, for every picture."""
    records = {record.frame: record for record in windows.iter_frames()}
    for frame in take.capture.frames():
        if frame.index not in records:
            continue
        crops, cameras = records[frame.index].crops, take.capture.rig.at(frame.index)
        for crop, camera, image in zip(crops, cameras, frame.images, strict=True):
            if crop is None or image is None or not isinstance(camera, Camera):
                continue
            picture = Picture(frame.index, camera.name, image)
            points = predict_pose(model, picture, crop, Situation(camera=camera)).points_mm
            if points is not None:
                truth = take.truth.positions[frame.index] @ camera.rotation.T + camera.translation
                yield frame.index, points.double().numpy(), truth.numpy()


def _corrected(record: FrameAnnotations, truth: GroundTruth) -> FrameAnnotations:
    everything = torch.ones_like(record.supported)
    return replace(record, mean=truth.positions[record.frame].to(record.mean), supported=everything)
