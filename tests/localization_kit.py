"""A scene to check by hand, and detectors that show what a test says: for localization, harvesting and the commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView, HeatmapDetector
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.localization.find.observation import crops_around
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton

SIZE: ImageSize = (800, 1000)
PX_PER_MM = 0.2  # at the origin: focal length 1000 px, 5 m away

_STANDING = {
    "right_ankle": (120, 0, 80),
    "right_knee": (120, -30, 490),
    "right_hip": (110, 0, 900),
    "left_hip": (-110, 0, 900),
    "left_knee": (-120, -30, 490),
    "left_ankle": (-120, 0, 80),
    "pelvis": (0, 0, 920),
    "thorax": (0, 20, 1400),
    "upper_neck": (0, 20, 1500),
    "head_top": (0, 0, 1740),
    "right_wrist": (260, -60, 900),
    "right_elbow": (230, 10, 1130),
    "right_shoulder": (170, 20, 1400),
    "left_shoulder": (-170, 20, 1400),
    "left_elbow": (-230, 10, 1130),
    "left_wrist": (-260, -60, 900),
}
STANDING = torch.tensor([_STANDING[joint] for joint in MPII16.joints], dtype=torch.float64)
"""(16, 3) mm: somebody who stands at the origin and looks along -y."""


def plain_rig() -> Rig:
    """Return level cameras 5 m from the z axis, 1 m high: "front" looks along y, "side" along -x, "back" along -y."""
    rows = {
        "front": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
        "side": ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
        "back": ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
    }
    k = torch.tensor([[1000.0, 0, 499.5], [0, 1000.0, 399.5], [0, 0, 1]], dtype=torch.float64)
    cameras = []
    for name, axes in rows.items():
        rotation = torch.tensor(axes, dtype=torch.float64)
        center = -5000 * rotation[2] + torch.tensor([0.0, 0.0, 1000.0], dtype=torch.float64)
        cameras.append(Camera(name, SIZE, k, rotation, -rotation @ center))
    return Rig(tuple(cameras))


def empty_frame(index: int, rig: Rig) -> MultiViewFrame:
    """Return a frame without pictures."""
    return MultiViewFrame(index, index / 25, (None,) * len(rig))


Pose = Callable[[int, str], Tensor]
"""From frame and view to the places (J, 3) mm, where the view sees the joints; NaN where it sees none."""


@dataclass(frozen=True, eq=False)
class PaintedDetector:
    """A detector that paints a Gaussian of height 1 and sigma 1 px at the projection of a given pose."""

    rig: Rig
    pose: Pose
    heatmap_size: ImageSize = (64, 64)
    name: str = field(default="painted", init=False)
    skeleton: Skeleton = field(default=MPII16, init=False)
    needs_images: bool = field(default=False, init=False)

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the heatmaps."""
        return torch.stack([self._paint(view) for view in views])

    def _paint(self, view: CroppedView) -> Tensor:
        height, width = self.heatmap_size
        places = self.pose(view.frame, view.view)
        seen = self.rig.camera(view.view).at(view.frame).project(places.nan_to_num())
        window = view.crop.to_window(seen.pixels, self.heatmap_size)
        x = torch.exp(-(torch.arange(width) - window[:, :1]).square() / 2)
        y = torch.exp(-(torch.arange(height) - window[:, 1:]).square() / 2)
        known = (seen.valid & torch.isfinite(places).all(-1)).double()
        return (known[:, None, None] * y[:, :, None] * x[:, None, :]).float()


@dataclass(frozen=True, eq=False)
class ChangedDetector:
    """A detector whose heatmaps (J, H, W) are changed for each window."""

    inner: HeatmapDetector
    change: Callable[[CroppedView, Tensor], Tensor]

    @property
    def name(self) -> str:
        """Of the detector within."""
        return self.inner.name

    @property
    def skeleton(self) -> Skeleton:
        """Of the detector within."""
        return self.inner.skeleton

    @property
    def heatmap_size(self) -> ImageSize:
        """Of the detector within."""
        return self.inner.heatmap_size

    @property
    def needs_images(self) -> bool:
        """Of the detector within."""
        return self.inner.needs_images

    def detect(self, views: Sequence[CroppedView]) -> Tensor:
        """Return the changed heatmaps."""
        maps = self.inner.detect(views)
        return torch.stack([self.change(view, one) for view, one in zip(views, maps, strict=True)])


def nobody(view: CroppedView, maps: Tensor) -> Tensor:
    """Show nobody."""
    return torch.zeros_like(maps)


def shared_by_chance(rig: Rig) -> HeatmapDetector:
    """Return a detector that sees somebody standing, and in front and back more clearly something 2.5 m aside.

    The side sees the person alone, and only through a window that fits.
    """
    painted = PaintedDetector(rig, lambda frame, view: STANDING)
    phantom = PaintedDetector(rig, lambda frame, view: STANDING + torch.tensor([2500.0, 0.0, 0.0]))
    fitting = crops_around(STANDING, rig.at(0))[rig.names.index("side")]
    assert fitting is not None

    def confuse(view: CroppedView, maps: Tensor) -> Tensor:
        if view.view == "side":
            return 0.8 * maps * (abs(view.crop.side / fitting.side - 1) < 0.1)
        return torch.maximum(0.8 * maps, phantom.detect([view])[0])

    return ChangedDetector(painted, confuse)


_LEGS = [MPII16.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")]
COLLAPSED = STANDING.clone()
"""(16, 3) mm: the same with the ankles at the knees."""
COLLAPSED[_LEGS, 2] = 500.0


def finds_legs_late(rig: Rig) -> HeatmapDetector:
    """Return a detector of somebody standing that puts the ankles at the knees in the first two frames.

    From then on its peaks are low, and the feet are where they are if the window holds them. In a window that fits what
    was seen before they would never be.
    """
    short, whole = (PaintedDetector(rig, lambda frame, view, pose=pose: pose) for pose in (COLLAPSED, STANDING))

    def faint(view: CroppedView, maps: Tensor) -> Tensor:
        camera = rig.camera(view.view).at(view.frame)
        feet = view.crop.to_window(camera.project(STANDING[_LEGS]).pixels, (1, 1))
        if view.frame < 2:
            return short.detect([view])[0]
        return 0.15 * (maps if bool((feet.abs() <= 0.6).all()) else short.detect([view])[0])

    return ChangedDetector(whole, faint)
