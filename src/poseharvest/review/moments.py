"""One joint of one person in one frame, as the page draws it: in every view, with its ellipse and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame, frames_from_tables
from poseharvest.annotations.reviewed_rows import contradiction, moved_joint
from poseharvest.annotations.reviews import Decision, Place
from poseharvest.errors import StoreError
from poseharvest.geometry.image_covariance import image_uncertainty
from poseharvest.geometry.rig import inside_image, project_all
from poseharvest.report.ellipses import ellipse_of, sigma_mm
from poseharvest.report.overlays import NUM_SIGMAS
from poseharvest.review.worst_joints import JointSigmas

Decisions = Mapping[Place, Decision]


@dataclass(frozen=True, eq=False)
class ShownPose:
    """A person in one frame with what was decided about the joints.

    Attributes:
        row: the harvested record.
        mean: (J, 3) positions, mm.
        cov: (J, 3, 3) covariances, mm^2.
        warning: what contradicts itself in the decision about the joint that is asked for; None if nothing does.
    """

    row: SelectedFrame
    mean: Tensor
    cov: Tensor
    warning: str | None


class Moments:
    """Finds records of a harvest by frame and person.

    Args:
        harvest: the harvest, as it was harvested.
        sigmas: of its joints.
    """

    def __init__(self, harvest: Harvest, sigmas: JointSigmas) -> None:
        self._harvest, self._sigmas = harvest, sigmas
        self._part: tuple[int, Any] | None = None

    def record(self, frame: int, person: int) -> SelectedFrame:
        """Return a record.

        Raises:
            StoreError: there is none.
        """
        row = self._sigmas.row_of(frame, person)
        if row is None:
            raise StoreError(f"{self._harvest.path}: expected person {person} in frame {frame}, got nobody")
        index = 0
        for index, count in enumerate(self._harvest.info.counts.records_per_part):  # noqa: B007 - the part that holds it
            if row < count:
                break
            row -= count
        if self._part is None or self._part[0] != index:
            self._part = (index, self._harvest.part(index))
        joints, views = len(self._harvest.skeleton), len(self._harvest.view_names)
        annotations, frames = self._part[1]
        tables = annotations.slice(row * joints, joints), frames.slice(row, 1)
        return next(frames_from_tables(*tables, joints, views))

    def pose(self, place: Place, decisions: Decisions) -> ShownPose:
        """Return the person of a joint, each joint where the decisions put it.

        Raises:
            StoreError: there is no such record, or a camera does not see a joint where it was dragged.
        """
        row = self.record(*place[:2])
        mean, cov, warning = row.annotations.mean.clone(), row.calibrated_cov.clone(), None
        for channel, name in enumerate(self._harvest.skeleton.joints):
            decision = decisions.get((*place[:2], name))
            if decision is None or decision.decision != "move":
                continue
            moved = moved_joint(self._harvest.rig, decision, mean[channel], cov[channel])
            mean[channel], cov[channel] = moved.mean, moved.cov
            if name == place[2]:
                found = contradiction(decision, moved, self._harvest.view_names)
                warning = None if found is None else found.message
        return ShownPose(row, mean, cov, warning)

    def views(self, place: Place, shown: ShownPose) -> list[dict[str, Any]]:
        """Return for each view what the page draws, as plain data; pixels of the whole picture."""
        channel = self._harvest.skeleton.index(place[2])
        cameras = self._harvest.rig.at(place[0])
        projection = project_all(cameras, shown.mean)
        peaks = shown.row.annotations.peak_pixels[:, channel]
        views = []
        for view, camera in enumerate(cameras):
            pixels, valid = projection.pixels[view], projection.valid[view].tolist()
            at = image_uncertainty(camera, shown.mean[channel][None], shown.cov[channel][None])
            is_drawn = bool(at.valid[0]) and bool(torch.isfinite(at.cov).all())
            ellipse = ellipse_of(at.cov[0], NUM_SIGMAS) if is_drawn else None
            views.append({
                "points": [_pixel(one) if is_valid else None for one, is_valid in zip(pixels, valid, strict=True)],
                "ellipse": None if ellipse is None else [ellipse.major, ellipse.minor, ellipse.angle_deg],
                "peak": _pixel(peaks[view]) if bool(torch.isfinite(peaks[view]).all()) else None,
                "present": shown.row.annotations.crops[view] is not None,
                "inside": bool(valid[channel]) and bool(inside_image(pixels[channel], camera.image_size)),
            })
        return views


def sigma_of_joint(shown: ShownPose, channel: int) -> float:
    """Return the standard deviation of a joint as it is shown, mm."""
    return float(sigma_mm(shown.cov[channel]))


def _pixel(value: Tensor) -> list[float]:
    return [round(number, 2) for number in value.tolist()]
