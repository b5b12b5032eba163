"""What a harvest says of every picture: pixels of the reliable joints, and their depths beyond the root."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.across_harvests import iter_marked
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import Camera, StaticCamera
from poseharvest.learning.personalize.label_weights import certainties_in_space, rarities
from poseharvest.learning.personalize.labels import PictureLabels


def pose_labels(
    harvest: Harvest, frames: range, *, marks: NDArray[np.bool_] | None = None, all_joints: bool = False
) -> list[PictureLabels]:
    """Return the labels of every picture of some frames that has any, in order of frame, person and view.

    A joint is known if it is selected and in front of the camera, within the picture or not: the other views have
    measured it. A joint farther from the window's middle than the window's side is left out: the window does not show
    it, and its squared error would dominate the loss. Depths are known if the root is selected as well.

    Args:
        harvest: the annotations.
        frames: the frames to learn from.
        marks: (F, J) what is selected of the harvest's rows, in their order; its own selection if None.
        all_joints: take those that are not selected as well, as long as a camera sees them.

    Raises:
        CalibrationError: a camera is affine, which has no depth.
    """
    rows = harvest.iter_selected() if marks is None else iter_marked(harvest, marks)
    return [
        labels
        for row in rows
        if row.annotations.frame in frames
        for labels in frame_labels(harvest, row, all_joints=all_joints)
        if bool(labels.known.any())
    ]


def frame_labels(harvest: Harvest, row: SelectedFrame, *, all_joints: bool) -> Iterator[PictureLabels]:
    """Yield the labels of every picture of one person in one frame, as `pose_labels` has them."""
    record = row.annotations
    root = harvest.skeleton.index(harvest.skeleton.root)
    believed = record.supported if all_joints else record.supported & row.selected
    for view, (crop, camera) in enumerate(zip(record.crops, harvest.rig.at(record.frame), strict=True)):
        if crop is None:
            continue
        projection = camera.project(record.mean)
        offset = projection.pixels - torch.tensor(crop.center).to(projection.pixels)
        known = believed & projection.valid & (offset.abs().amax(-1) <= crop.side)
        distance = axial_depth(camera, record.mean)
        depth = torch.where(known & known[root], distance - distance[root], torch.nan)
        yield PictureLabels(record.frame, record.person, view, crop, projection.pixels, known, depth)


def weighted_pose_labels(harvest: Harvest, frames: range) -> list[PictureLabels]:
    """Return the labels of all joints that a camera sees, as `pose_labels` has them, each as much as it is certain.

    A joint's weight is that of `certainties_in_space`, times how rare the posture of its frame is (`rarities`).

    Args:
        harvest: the annotations.
        frames: the frames to learn from.

    Raises:
        CalibrationError: a camera is affine, which has no depth.
    """
    rows = [row for row in harvest.iter_selected() if row.annotations.frame in frames]
    return [
        replace(labels, weight=rarity * certainties_in_space(row))
        for row, rarity in zip(rows, _rarities_by_person(rows), strict=True)
        for labels in frame_labels(harvest, row, all_joints=True)
        if bool(labels.known.any())
    ]


def _rarities_by_person(rows: Sequence[SelectedFrame]) -> list[float]:
    """Return how rare each frame's posture is among those of the same person."""
    weights = [1.0] * len(rows)
    for person in {row.annotations.person for row in rows}:
        numbers = [number for number, row in enumerate(rows) if row.annotations.person == person]
        for number, weight in zip(numbers, rarities([rows[i] for i in numbers]), strict=True):
            weights[number] = weight
    return weights


def axial_depth(camera: StaticCamera, points: Tensor) -> Tensor:
    """Return how far points (..., 3) of the world are before a camera along its axis, mm.

    Raises:
        CalibrationError: the camera is affine.
    """
    if not isinstance(camera, Camera):
        raise CalibrationError(
            f'camera "{camera.name}": expected a perspective camera, got an affine one: it has no depth to learn'
        )
    return points @ camera.rotation[2].to(points) + camera.translation[2].to(points)
