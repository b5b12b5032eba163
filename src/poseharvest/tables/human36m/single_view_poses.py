"""Poses that the 3D network gives for single pictures, beside the truth in the camera's system (Sec. 4.5).

The window around the person is that of the sequence's harvest. The depth of the root is estimated from the limb lengths
of the people that the network learned from. In the authors' setting both come from the truth: the harvest's windows
then do, and the depth is the true pelvis'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from poseharvest.errors import CalibrationError, StoreError
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.geometry.camera import Camera, CameraModel, StaticCamera
from poseharvest.learning.pose3d.input_pictures import Picture
from poseharvest.learning.pose3d.pose_labels import axial_depth
from poseharvest.learning.pose3d.pose_model import PoseModel
from poseharvest.learning.pose3d.predict_poses import Situation, predict_pose
from poseharvest.progress import OnProgress, Progress
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.dataset_harvests import HarvestedShot
from poseharvest.tables.sequence_frames import positions_at

PREDICTIONS = "predictions.npz"


@dataclass(frozen=True, eq=False)
class SingleViewPredictor:
    """Asks a network about every picture of a shot.

    Attributes:
        model: the network.
        root_depth_from_truth: take the root's depth from the truth, as the authors' setting does.
    """

    model: PoseModel
    root_depth_from_truth: bool

    def write(self, harvested: HarvestedShot, folder: Path, *, on_progress: OnProgress) -> None:
        """Write the joints of every frame and view, (F, V, J, 3) mm in the camera's system; NaN without a window."""
        footage = harvested.shot.footage()
        points = np.full((footage.num_frames, len(footage.rig), len(self.model.skeleton), 3), np.nan)
        root_at = self._true_roots(harvested) if self.root_depth_from_truth else None
        records = {record.frame: record for record in harvested.harvest.iter_frames()}
        for frame in footage.frames():
            record = records.get(frame.index)
            if record is None:
                continue
            for view, (camera, image) in enumerate(zip(footage.rig.at(frame.index), frame.images, strict=True)):
                crop = record.crops[view]
                if crop is None or image is None:
                    continue
                situation = Situation(camera, _root_depth(camera, root_at, frame.index))
                pose = predict_pose(self.model, Picture(frame.index, camera.name, image), crop, situation)
                points[frame.index, view] = np.asarray(pose.points_mm)
            on_progress(Progress(frame.index + 1, footage.num_frames, "asking the 3D network"))
        np.savez_compressed(folder / PREDICTIONS, points=points)

    def _true_roots(self, harvested: HarvestedShot) -> Tensor:
        skeleton = self.model.skeleton
        return true_joints(harvested, skeleton)[:, skeleton.index(skeleton.root)]


def true_joints(harvested: HarvestedShot, skeleton: Skeleton) -> Tensor:
    """Return the true joints (F, J, 3) of a shot's frames on a skeleton, mm in the world."""
    sequence, numbers = harvested.shot.sequence, harvested.shot.footage(pictures=False).numbers
    person = sequence.truth().only
    return Conversion(person.skeleton, skeleton).points(positions_at(person, numbers, sequence=sequence.name))


def single_view_pairs(harvested: HarvestedShot, folder: Path, model: PoseModel, skeleton: Skeleton) -> PosePairs:
    """Return (F V, J, 3) estimates and truth in the cameras' systems, labelled by "sequence" and "action".

    Raises:
        StoreError: the predictions are damaged.
        SkeletonError: the network's joints do not give those of the skeleton.
    """
    sequence = harvested.shot.sequence
    estimate = Conversion(model.skeleton, skeleton).points(torch.from_numpy(_read(folder / PREDICTIONS)))
    truth = true_joints(harvested, skeleton)
    rig = harvested.shot.footage(pictures=False).rig
    in_cameras = torch.stack([torch.stack(list(_in_camera(rig.camera(name), truth))) for name in rig.names], 1)
    count = estimate.shape[0] * estimate.shape[1]
    labels = {"sequence": [sequence.name] * count, "action": [sequence.action] * count}
    return PosePairs.of(estimate.flatten(0, 1), in_cameras.flatten(0, 1), skeleton.joints, labels)


def _in_camera(camera: CameraModel, points: Tensor) -> Iterator[Tensor]:
    """Yield the joints of every frame (J, 3) in the system of a camera, mm."""
    for frame, pose in enumerate(points):
        static = camera.at(frame)
        if not isinstance(static, Camera):
            raise CalibrationError(f'camera "{camera.name}": expected a perspective camera, got one without depth')
        yield pose @ static.rotation.T.to(pose) + static.translation.to(pose)


def _root_depth(camera: StaticCamera, roots: Tensor | None, frame: int) -> float | None:
    """Return the true depth of the root along the camera's axis, mm; None where it is not to be known, or is not."""
    if roots is None or not bool(torch.isfinite(roots[frame]).all()):
        return None
    return float(axial_depth(camera, roots[frame]))


def _read(path: Path) -> Floats:
    try:
        with np.load(path) as arrays:
            return np.asarray(arrays["points"], dtype=np.float64)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise StoreError(f"{path}: the predictions are damaged: {error}") from error
