"""Poses that the 3D network gives for single pictures, beside the truth in the camera's system (Sec. 4.5).

The window around the person is that of the sequence's harvest. The depth of the root is estimated from the limb lengths
of the people that the network learned from. In the authors' setting both come from the truth: the harvest's windows
then do, and the depth is the true pelvis'.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poseharvest.errors import StoreError
from poseharvest.evaluation.pairs import Floats, PosePairs
from poseharvest.learning.pose3d.pose_model import PoseModel
from poseharvest.progress import OnProgress, Progress
from poseharvest.reading.archives import check_unpacked_size
from poseharvest.reading.guard import foreign_library
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.tables.dataset_harvests import HarvestedShot
from poseharvest.tables.view_predictions import points_in_camera, predict_views

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
        roots = self._true_roots(harvested) if self.root_depth_from_truth else None
        for frame, poses in predict_views(self.model, footage, harvested.harvest, true_roots=roots):
            for pose in poses:
                points[frame, pose.view] = np.asarray(pose.points_mm)
            on_progress(Progress(frame + 1, footage.num_frames, "asking the 3D network"))
        np.savez_compressed(folder / PREDICTIONS, points=points)

    def _true_roots(self, harvested: HarvestedShot) -> Tensor:
        skeleton = self.model.skeleton
        return harvested.shot.truth().on(skeleton)[:, skeleton.index(skeleton.root)]


def single_view_pairs(harvested: HarvestedShot, folder: Path, model: PoseModel, skeleton: Skeleton) -> PosePairs:
    """Return (F V, J, 3) estimates and truth in the cameras' systems, labelled by "sequence" and "action".

    Raises:
        StoreError: the predictions are damaged.
        SkeletonError: the network's joints do not give those of the skeleton.
    """
    sequence = harvested.shot.sequence
    estimate = Conversion(model.skeleton, skeleton).points(torch.from_numpy(_read(folder / PREDICTIONS)))
    rig = harvested.shot.footage(pictures=False).rig
    in_cameras = torch.stack([
        torch.stack([points_in_camera(camera, pose) for camera in rig.at(frame)])
        for frame, pose in enumerate(harvested.shot.truth().on(skeleton))
    ])
    count = estimate.shape[0] * estimate.shape[1]
    labels = {"sequence": [sequence.name] * count, "action": [sequence.action] * count}
    return PosePairs.of(estimate.flatten(0, 1), in_cameras.flatten(0, 1), skeleton.joints, labels)


def _read(path: Path) -> Floats:
    with foreign_library(f"{path}: the predictions are damaged", StoreError):
        check_unpacked_size(path, StoreError)
        with np.load(path) as arrays:
            return np.asarray(arrays["points"], dtype=np.float64)
