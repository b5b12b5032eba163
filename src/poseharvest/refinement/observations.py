"""What a fit is made to: the peak of every view near the place that the sums on the grid give, and how exact it is.

A detector's peaks have a normal error of a learned size, and a share of them is simply wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, NamedTuple

import torch
from torch import Tensor

from poseharvest.arrays import ImageSize
from poseharvest.checks import check_shape
from poseharvest.errors import ShapeError
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import windows_from_images
from poseharvest.geometry.rig import project_all
from poseharvest.heatmaps.maps import Peaks, peaks_near_each
from poseharvest.pictorial.evidence import FrameEvidence

_REACH = 3 / 16  # of the window's side: largest distance of a peak from the place on the grid
STEP_MM: Final = 0.5
"""Of the differences that stand for derivatives, mm."""

USUAL_ERROR = 0.012
"""Standard deviation of a peak along each axis, share of the window's side, before any footage is seen."""

USUAL_WRONG_SHARE = 0.03
"""Share of the peaks that are wrong, before any footage is seen."""

WIDER = 8.0
"""Standard deviation of wrong peaks over that of right ones, before any footage is seen."""

MAX_HEIGHT_RATIO = 4.0
"""A peak counts at most so many times higher or lower than usual."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Peaks of J joints in V views of F frames.

    Attributes:
        pixels: (F, V, J, 2) float64, pixels of the pictures; 0 where not `seen`.
        seen: (F, V, J) bool, the view has a peak of the joint near its place.
        height: (F, V, J) float64, value of the heatmap at the peak.
        side_px: (F, V) float64, side of the view's window, pixels of the picture; 1 for an absent view.
        cameras: F rows of V cameras as they stand in each frame.
    """

    pixels: Tensor
    seen: Tensor
    height: Tensor
    side_px: Tensor
    cameras: tuple[tuple[StaticCamera, ...], ...]

    def __post_init__(self) -> None:
        sizes = check_shape("pixels", self.pixels, "F V J 2", F=len(self.cameras))
        check_shape("seen", self.seen, "F V J", **sizes)
        check_shape("height", self.height, "F V J", **sizes)
        check_shape("side_px", self.side_px, "F V", **sizes)

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.cameras)

    def without(self, view: int) -> Observations:
        """Return the observations of the other views: nothing of this one is seen."""
        seen = self.seen.clone()
        seen[:, view] = False
        return replace(self, seen=seen)

    @classmethod
    def joined(cls, parts: Sequence[Observations]) -> Observations:
        """Return the frames of all parts, one or more, one part after the other."""
        names = ("pixels", "seen", "height", "side_px")
        all_frames = {name: torch.cat([getattr(part, name) for part in parts]) for name in names}
        return cls(**all_frames, cameras=tuple(chain.from_iterable(part.cameras for part in parts)))


@dataclass(frozen=True, eq=False)
class Views:
    """Where points appear in every view, and how that changes as they move.

    Attributes:
        pixels: (F, V, J, 2).
        jacobian: (F, V, J, 2, 3) pixels per mm.
        valid: (F, V, J) bool, the point lies in front of the camera and within the range of its lens.
    """

    pixels: Tensor
    jacobian: Tensor
    valid: Tensor


def observe(frames: Sequence[FrameEvidence], points: Tensor) -> Observations:
    """Return the peaks of each view near points, such as the means of the marginals.

    A peak of a heatmap, not its value at the point, is what a detector says exactly. Other peaks, farther away than
    3/16 of the window's side, belong to other places that the joint might have.

    Args:
        frames: F frames, with V views each.
        points: (F, J, 3) mm.
    """
    cameras = tuple(tuple(frame.cameras) for frame in frames)
    places = look(cameras, points.double(), with_jacobian=False)
    near = _peaks_near(frames, places.pixels)
    side = [[1.0 if crop is None else crop.side for crop in frame.heatmaps.crops] for frame in frames]
    seen = (near.score > 0) & places.valid & torch.isfinite(near.pixels).all(-1)
    pixels, height = torch.where(seen[..., None], near.pixels, 0.0), torch.where(seen, near.score, 0.0)
    return Observations(pixels, seen, height, torch.tensor(side, dtype=torch.float64), cameras)


def _peaks_near(frames: Sequence[FrameEvidence], pixels: Tensor) -> Peaks:
    """Return the peaks near (F, V, J, 2) pixels of the pictures, in such pixels; score 0 in an absent view."""
    found = Peaks(torch.zeros_like(pixels), torch.zeros(pixels.shape[:-1], dtype=torch.float64))
    of_size: dict[ImageSize, list[int]] = {}
    for number, frame in enumerate(frames):
        of_size.setdefault(frame.heatmaps.size, []).append(number)
    for size, numbers in of_size.items():
        windows = [windows_from_images(frames[number].heatmaps.crops, size) for number in numbers]
        scale, shift = (torch.stack(parts)[:, :, None] for parts in zip(*windows, strict=True))
        values = [frames[number].heatmaps.values.cpu() for number in numbers]
        near = peaks_near_each(values, pixels[numbers] * scale + shift, reach=_REACH * max(size))
        is_present = torch.tensor([[c is not None for c in frames[number].heatmaps.crops] for number in numbers])
        found.pixels[numbers] = torch.where(is_present[..., None, None], (near.pixels - shift) / scale, 0.0)
        found.score[numbers] = torch.where(is_present[..., None], near.score, 0.0)
    return found


def look(cameras: Sequence[Sequence[StaticCamera]], points: Tensor, *, with_jacobian: bool = True) -> Views:
    """Return where points appear in every view.

    Args:
        cameras: F rows of V cameras.
        points: (F, J, 3) float64, mm.
        with_jacobian: also how the pixels change; zeros otherwise.
    """
    num_frames, num_joints = points.shape[:2]
    steps = torch.cat((torch.zeros(1, 3), torch.eye(3))).double() * STEP_MM
    probes = points[:, :, None] + (steps if with_jacobian else steps[:1])
    pixels = points.new_zeros(num_frames, len(cameras[0]), num_joints, probes.shape[2], 2)
    valid = torch.zeros(pixels.shape[:3], dtype=torch.bool)
    for row, frames in _runs(cameras):
        projection = project_all(row, probes[frames])
        pixels[frames] = projection.pixels.transpose(0, 1)
        valid[frames] = projection.valid.all(-1).transpose(0, 1)
    pixels = torch.where(valid[..., None, None], pixels, 0.0)
    jacobian = points.new_zeros(*valid.shape, 2, 3)
    if with_jacobian:
        jacobian = (pixels[..., 1:, :] - pixels[..., :1, :]).transpose(-1, -2) / STEP_MM
    return Views(pixels[..., 0, :], jacobian, valid)


def _runs(cameras: Sequence[Sequence[StaticCamera]]) -> list[tuple[Sequence[StaticCamera], slice]]:
    """Return each row of cameras with the frames in a row in which they stand."""
    runs, start = list[tuple[Sequence[StaticCamera], slice]](), 0
    for frame in range(1, len(cameras) + 1):
        if frame == len(cameras) or any(a is not b for a, b in zip(cameras[frame], cameras[start], strict=True)):
            runs.append((cameras[start], slice(start, frame)))
            start = frame
    return runs


class PeakWeights(NamedTuple):
    """What peaks are worth.

    Attributes:
        precision: (F, V, J) expected inverse variance along each axis, 1 / px^2; 0 where nothing is seen.
        right: (F, V, J) probability that the peak is not a wrong one; 0 where nothing is seen.
    """

    precision: Tensor
    right: Tensor


@dataclass(frozen=True, eq=False)
class DetectorNoise:
    """The errors of a detector on a person: a mixture of two normal distributions for each view and joint.

    Attributes:
        share: (V, J) standard deviation of right peaks along each axis, share of the window's side.
        wrong_share: probability of a wrong peak, 0 to 1.
        wider: standard deviation of wrong peaks over that of right ones.
        constant_share: share of the variance that is the same in all frames: a detector's own idea of a joint in a
            view. It does not average out over time, and no limb corrects it.
        height_power: the standard deviation falls with the height of the peak to this power.
        usual_height: (V, J) height of a usual peak.

    Raises:
        ShapeError: a share is no share, or the errors are not positive.
    """

    share: Tensor
    wrong_share: float = USUAL_WRONG_SHARE
    wider: float = WIDER
    constant_share: float = 0.0
    height_power: float = 0.0
    usual_height: Tensor | None = None

    def __post_init__(self) -> None:
        check_shape("share", self.share, "V J")
        if not bool((self.share > 0).all()):
            raise ShapeError("detector noise: expected positive standard deviations")
        if not (0 <= self.wrong_share < 1 and 0 <= self.constant_share < 1 and self.wider > 1):
            raise ShapeError(
                f"detector noise: expected shares from 0 to 1 and wrong peaks wider than right ones, got "
                f"{self.wrong_share}, {self.constant_share} and {self.wider}"
            )

    @classmethod
    def usual(cls, num_views: int, num_joints: int) -> DetectorNoise:
        """Return the noise that is assumed before any footage is seen."""
        return cls(torch.full((num_views, num_joints), USUAL_ERROR, dtype=torch.float64))

    def sigma_px(self, seen: Observations) -> Tensor:
        """Return (F, V, J) the standard deviation of each peak along each axis, were it a right one, pixels."""
        sigma = self.share * seen.side_px[..., None]
        if self.height_power == 0 or self.usual_height is None:
            return sigma
        return sigma * height_ratio(seen.height, self.usual_height) ** -self.height_power

    @property
    def log_odds(self) -> float:
        """Log of how much more likely a right peak is than a wrong one, for peaks at the very pose."""
        share = min(1 - self.wrong_share, 1 - 1e-9)
        # Two axes, so the widths' ratio is squared.
        return math.log(share / (1 - share)) + 2 * math.log(self.wider)

    def weights(self, squared_px: Tensor, sigma_px: Tensor, seen: Tensor) -> PeakWeights:
        """Return what peaks at some distances from the pose are worth.

        Args:
            squared_px: (F, V, J) squared distances, px^2.
            sigma_px: (F, V, J) of right peaks.
            seen: (F, V, J) bool.
        """
        squares = squared_px / sigma_px**2
        right = torch.sigmoid(self.log_odds - squares / 2 * (1 - self.wider**-2))
        right = torch.where(seen, right, 0)
        precision = torch.where(seen, (right + (1 - right) * self.wider**-2) / sigma_px**2, 0)
        return PeakWeights(precision, right)


def height_ratio(height: Tensor, usual_height: Tensor) -> Tensor:
    """Return heights (F, V, J) over usual ones (V, J), within `MAX_HEIGHT_RATIO`; 1 where there is no usual one."""
    ratio = torch.where(usual_height > 0, height / torch.where(usual_height > 0, usual_height, 1), 1)
    return ratio.clamp(1 / MAX_HEIGHT_RATIO, MAX_HEIGHT_RATIO)
