"""What a 3D network gives for every picture of some footage, in the windows of a harvest of it (Sec. 4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import Camera, StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.learning.pose3d.input_pictures import Picture
from poseharvest.learning.pose3d.pose_labels import axial_depth
from poseharvest.learning.pose3d.pose_model import PoseModel
from poseharvest.learning.pose3d.predict_poses import Situation, predict_pose


@dataclass(frozen=True, eq=False)
class ViewPose:
    """The pose in one picture.

    Attributes:
        view: index of the view in the rig.
        camera: that took the picture.
        points_mm: (J, 3) in the camera's system.
    """

    view: int
    camera: StaticCamera
    points_mm: Tensor


def predict_views(
    model: PoseModel, footage: FrameSource, harvest: Harvest, *, true_roots: Tensor | None = None
) -> Iterator[tuple[int, list[ViewPose]]]:
    """Yield every frame that the harvest holds, by its index, with the poses of its pictures.

    Args:
        model: the network.
        footage: the pictures and the cameras.
        harvest: of the footage and of one person; only the windows around the person are used.
        true_roots: (F, 3) true positions of the root, mm, that give its depth; None estimates it from limb lengths,
            as does NaN.

    Raises:
        CalibrationError: a camera is affine.
    """
    crops = {record.frame: record.crops for record in harvest.iter_frames()}
    for frame in footage.frames():
        if frame.index in crops:
            situations = [
                Situation(camera, None if true_roots is None else _root_depth(camera, true_roots[frame.index]))
                for camera in footage.rig.at(frame.index)
            ]
            yield frame.index, list(_poses(model, frame, crops[frame.index], situations))


def _poses(
    model: PoseModel, frame: MultiViewFrame, crops: Sequence[Crop | None], situations: Sequence[Situation]
) -> Iterator[ViewPose]:
    for view, (crop, image, situation) in enumerate(zip(crops, frame.images, situations, strict=True)):
        if crop is None or image is None or situation.camera is None:
            continue
        camera = situation.camera.at(frame.index)
        points = predict_pose(model, Picture(frame.index, camera.name, image), crop, situation).points_mm
        if points is not None:
            yield ViewPose(view, camera, points)


def points_in_camera(camera: StaticCamera, points: Tensor) -> Tensor:
    """Return points (..., 3) of the world in the system of a camera, mm.

    Raises:
        CalibrationError: the camera is affine.
    """
    if not isinstance(camera, Camera):
        raise CalibrationError(f'camera "{camera.name}": expected a perspective camera, got one without depth')
    return points @ camera.rotation.T.to(points) + camera.translation.to(points)


def _root_depth(camera: StaticCamera, root: Tensor) -> float | None:
    """Return the depth of the root along the camera's axis, mm; None if it is not annotated."""
    return float(axial_depth(camera, root)) if bool(torch.isfinite(root).all()) else None
