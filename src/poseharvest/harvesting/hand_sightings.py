"""Where the hands of the one person are in the views: each hand by the wrist that the body's own inference found.

A keypoint file may hold hands of several people, and a detector may call a left hand a right one. So a hand of a
picture belongs to the wrist near which it starts, whatever it is called; what it is called decides only between wrists
that are close together. A hand that starts too far from both wrists is somebody else's, and is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.keypoints import draw_people
from poseharvest.detectors.protocol import CroppedView, HandNetwork, HandSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig, inside_image, project_all
from poseharvest.harvesting.annotate import MIN_VIEWS
from poseharvest.heatmaps.maps import Heatmaps, heatmap_peaks
from poseharvest.localization.find.match_views import triangulate_poses
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.sighting import Sighting
from poseharvest.skeleton.hands import HAND21
from poseharvest.skeleton.human import SIDES

WINDOW_MM = 320.0
"""Side of a hand's window, at the distance of the hand: a hand of any person and posture, wherever in it its middle."""

_REACH_MM = 150.0  # largest distance of the start of a hand from its wrist
_OTHER_NAME_MM = 60.0  # by so much nearer a hand of the other name must be
_NOT_OURS = 1e6
_PROBE_MM = 20.0
_LEAST_KNOWN = 4  # joints that two views agree on, for the middle of a hand


@dataclass(frozen=True, eq=False)
class Wrists:
    """The body's wrists in one frame.

    Attributes:
        points: (2, 3) left and right, mm.
        known: (2,) bool.
    """

    points: Tensor
    known: Tensor


@dataclass(frozen=True)
class HandTally:
    """What was seen of hands in some frames.

    Attributes:
        records: frames of the person.
        seen: frames in which two views show the left hand, and the right one.
        exchanged: pictures in which a hand was called by the name of the other one.
        elsewhere: pictures with a hand that starts at none of the person's wrists.
        outside: keypoints that lie outside the cube around their hand.
    """

    records: int = 0
    seen: tuple[int, int] = (0, 0)
    exchanged: int = 0
    elsewhere: int = 0
    outside: int = 0

    def plus(self, other: HandTally) -> HandTally:
        """Return both together."""
        return HandTally(
            self.records + other.records,
            (self.seen[0] + other.seen[0], self.seen[1] + other.seen[1]),
            self.exchanged + other.exchanged,
            self.elsewhere + other.elsewhere,
            self.outside + other.outside,
        )


@dataclass(frozen=True, eq=False)
class HandsInFrame:
    """The hands of the person in one frame.

    Attributes:
        sightings: of the left and the right hand; None for one that fewer than two views show.
        tally: what was seen.
    """

    sightings: tuple[Sighting | None, Sighting | None]
    tally: HandTally


@dataclass(frozen=True, eq=False)
class _Hand:
    """One hand in one picture: (21, 3) x, y, score, and whether the file calls it by the other side's name."""

    rows: Tensor
    is_exchanged: bool


@dataclass(frozen=True, eq=False)
class HandFinder:
    """Finds the hands at a person's wrists.

    Attributes:
        source: knows the hands of everybody in a picture, or finds those of the person in a window.
        rig: the cameras.
        heatmap_size: (height, width) of the maps that are drawn.
    """

    source: HandSource | HandNetwork
    rig: Rig
    heatmap_size: ImageSize

    def look(self, frame: MultiViewFrame, wrists: Wrists, crops: Sequence[Crop | None] = ()) -> HandsInFrame:
        """Return the hands in a frame.

        Args:
            frame: for the views' pictures, or their numbers alone.
            wrists: of the body.
            crops: for each view the window around the person, in which a network looks; None for an absent view.
        """
        of_view = self._hands(frame, crops)
        cameras = self.rig.at(frame.index)
        projection = project_all(cameras, wrists.points.double())
        px_per_mm = _pixels_per_mm(cameras, wrists.points.double())
        of_side: tuple[dict[int, _Hand], dict[int, _Hand]] = ({}, {})
        elsewhere = 0
        for view, hands in enumerate(of_view):
            is_there = projection.valid[view] & wrists.known
            taken = assign_hands(hands, projection.pixels[view], px_per_mm[view], is_there)
            elsewhere += _num_seen(hands) > 0 and not any(taken)
            for side, hand in enumerate(taken):
                if hand is not None:
                    of_side[side][view] = hand
        left, right = (
            self._sighting(frame, cameras, wrists.points[side].double(), of_side[side]) for side in range(len(SIDES))
        )
        exchanged = sum(hand.is_exchanged for hands in of_side for hand in hands.values())
        seen = (int(left is not None), int(right is not None))
        outside = sum(_num_outside(one, hands) for one, hands in zip((left, right), of_side, strict=True))
        return HandsInFrame((left, right), HandTally(1, seen, exchanged, elsewhere, outside))

    def _hands(self, frame: MultiViewFrame, crops: Sequence[Crop | None]) -> list[list[Tensor]]:
        """Return for every view the (2, 21, 3) hands of everybody, or of the person in the window."""
        names = self.rig.names
        if not isinstance(self.source, HandNetwork):
            return [self.source.hands(name, frame.number(view)) for view, name in enumerate(names)]
        windows = {
            view: CroppedView(names[view], frame.index, crop, frame.images[view], frame.number(view))
            for view, crop in enumerate(crops)
            if crop is not None and (frame.images[view] is not None or not self.source.needs_images)
        }
        found = dict(zip(windows, self.source.hands_in(list(windows.values())), strict=True))
        return [[found[view]] if view in found else [] for view in range(len(names))]

    def _sighting(
        self, frame: MultiViewFrame, cameras: Sequence[StaticCamera], wrist: Tensor, hands: dict[int, _Hand]
    ) -> Sighting | None:
        if len(hands) < MIN_VIEWS:
            return None
        sides = (WINDOW_MM * _pixels_per_mm(cameras, wrist[None])[:, 0]).tolist()
        members = [Candidate(v, hand.rows[:, :2], hand.rows[:, 2], sides[v]) for v, hand in hands.items() if sides[v]]
        if len(members) < MIN_VIEWS:
            return None
        pose = triangulate_poses([members], [cameras], len(HAND21))[0]
        middle = pose.middle if pose.num_known >= _LEAST_KNOWN else wrist
        center = middle if bool(torch.linalg.vector_norm(middle - wrist) < _REACH_MM) else wrist
        crops = _windows(cameras, center)
        values = torch.zeros((len(cameras), len(HAND21), *self.heatmap_size))
        for member in members:
            crop = crops[member.view]
            if crop is not None:
                rows = torch.cat((member.pixels, member.scores[:, None]), 1)
                values[member.view] = draw_people([rows], crop, self.heatmap_size, num_joints=len(HAND21))
        return Sighting(
            frame=frame.index,
            time_s=frame.time_s,
            cameras=tuple(cameras),
            heatmaps=Heatmaps(values, crops),
            peaks=heatmap_peaks(values, crops),
            pose=pose,
            center=center,
        )


def assign_hands(
    hands: Sequence[Tensor], wrists_px: Tensor, px_per_mm: Tensor, is_there: Tensor
) -> tuple[_Hand | None, _Hand | None]:
    """Return the person's left and right hand among those of everybody in a picture.

    Args:
        hands: (2, 21, 3) x, y, score of everybody's left and right hand.
        wrists_px: (2, 2) where the person's wrists appear.
        px_per_mm: (2,) pixels of a millimetre at each wrist.
        is_there: (2,) bool, the wrist is known, and before the camera.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import, and only hands need it

    found = [(rows, name) for person in hands for name, rows in enumerate(person) if bool((rows[:, 2] > 0).any())]
    costs = np.full((len(SIDES), len(found)), _NOT_OURS)
    for side in range(len(SIDES)):
        if not bool(is_there[side]) or not float(px_per_mm[side]) > 0:
            continue
        for number, (rows, name) in enumerate(found):
            distance_mm = _distance_px(rows, wrists_px[side]) / float(px_per_mm[side])
            if distance_mm <= _REACH_MM:
                costs[side, number] = distance_mm + _OTHER_NAME_MM * (name != side)
    taken: list[_Hand | None] = [None, None]
    for side, number in zip(*linear_sum_assignment(costs), strict=True):
        if costs[side, number] < _NOT_OURS:
            rows, name = found[number]
            taken[side] = _Hand(rows.double(), is_exchanged=name != int(side))
    return taken[0], taken[1]


def _distance_px(rows: Tensor, wrist_px: Tensor) -> float:
    """Return how far a hand starts from a wrist: its root, or where that was not found the nearest joint."""
    starts = rows[:1] if float(rows[0, 2]) > 0 else rows[rows[:, 2] > 0]
    return float(torch.linalg.vector_norm(starts[:, :2] - wrist_px, dim=-1).min())


def _num_seen(hands: Sequence[Tensor]) -> int:
    return sum(int((person[..., 2] > 0).any(-1).sum()) for person in hands)


def _pixels_per_mm(cameras: Sequence[StaticCamera], points: Tensor) -> Tensor:
    """Return (V, N) pixels of a millimetre at points (N, 3), across the line of sight; 0 where a camera is behind."""
    steps = torch.eye(3, dtype=points.dtype) * _PROBE_MM
    ends = project_all(cameras, torch.stack((points[:, None] - steps, points[:, None] + steps)))
    moved = (ends.pixels[:, 1] - ends.pixels[:, 0]) / (2 * _PROBE_MM)  # (V, N, 3 steps, 2)
    largest = torch.linalg.matrix_norm(moved, ord=2)
    return torch.where(ends.valid.all(-1).all(1), largest, 0)


def _windows(cameras: Sequence[StaticCamera], center: Tensor) -> tuple[Crop | None, ...]:
    projection = project_all(cameras, center[None])
    sides = WINDOW_MM * _pixels_per_mm(cameras, center[None])[:, 0]
    sizes = torch.tensor([camera.image_size for camera in cameras], dtype=center.dtype)
    heights, widths = (sizes + sides[:, None]).T.unsqueeze(-1)
    near = inside_image(projection.pixels + sides[:, None, None] / 2, (heights, widths))[:, 0]
    return tuple(
        Crop((float(pixel[0]), float(pixel[1])), float(side)) if bool(valid) and bool(is_near) and side > 0 else None
        for (pixel,), (valid,), side, is_near in zip(projection.pixels, projection.valid, sides, near, strict=True)
    )


def _num_outside(sighting: Sighting | None, hands: dict[int, _Hand]) -> int:
    """Return how many keypoints of a hand lie beside the window around it."""
    if sighting is None:
        return 0
    outside = 0
    for view, hand in hands.items():
        crop, is_found = sighting.heatmaps.crops[view], hand.rows[:, 2] > 0
        if crop is None:
            outside += int(is_found.sum())
            continue
        offset = (hand.rows[:, :2] - torch.tensor(crop.center, dtype=torch.float64)).abs().amax(-1)
        outside += int((is_found & (offset > crop.side / 2)).sum())
    return outside
