"""Several people whom a test places, as lists of keypoints a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.detectors.keypoints import draw_people
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.localization.find.scan import Candidate
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

People = Callable[[int, str], Sequence[Tensor]]
"""From frame and view to the poses (J, 3) mm of those whom the view shows, in its order."""


@dataclass(frozen=True, eq=False)
class ListedPeople:
    """A keypoint source that projects the given poses."""

    rig: Rig
    poses: People
    heatmap_size: ImageSize = (64, 48)
    name: str = field(default="listed", init=False)
    skeleton: Skeleton = field(default=MPII16, init=False)
    needs_images: bool = field(default=False, init=False)

    def people(self, view: str, frame: int) -> list[Tensor]:
        """Return everybody whom the view shows."""
        camera = self.rig.camera(view).at(frame)
        return [with_scores(camera.project(pose).pixels) for pose in self.poses(frame, view)]

    def draw(self, people: Sequence[Tensor], crop: Crop) -> Tensor:
        """Return the heatmaps of some people."""
        return draw_people(people, crop, self.heatmap_size, num_joints=len(self.skeleton))

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps of everybody."""
        return torch.stack([self.draw(self.people(view.view, view.frame), view.crop) for view in views])


def with_scores(pixels: Tensor, score: float = 0.9) -> Tensor:
    """Return (J, 3) keypoints of one score."""
    return torch.cat((pixels, torch.full((len(pixels), 1), score, dtype=pixels.dtype)), 1)


def candidate(rig: Rig, view: int, pose: Tensor) -> Candidate:
    """Return what a view sees of a pose."""
    pixels = rig.at(0)[view].project(pose).pixels
    extent = float((pixels.amax(0) - pixels.amin(0)).max())
    return Candidate(view, pixels, torch.full((len(pose),), 0.9, dtype=torch.float64), 1.25 * extent)
