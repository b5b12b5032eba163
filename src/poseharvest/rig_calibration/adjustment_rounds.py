"""Adjustment in rounds: pictures and corners that do not fit are left out and named, never averaged in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from poseharvest.boards.board import Board, Floats
from poseharvest.rig_calibration.board_poses import BoardPose, projected, rms
from poseharvest.rig_calibration.bundle import Picture, State, adjust
from poseharvest.rig_calibration.camera_pairs import AGREE_SHARE, turns_of
from poseharvest.rig_calibration.lenses import Lens
from poseharvest.rig_calibration.sightings import Sighting

_ROUNDS = 5
_TIMES_MEDIAN, _LEAST_PX = 3.5, 0.4  # a picture is left out beyond so many times its camera's median, and this
_CORNER_TIMES_MEDIAN, _CORNER_LEAST_PX = 5.0, 0.6
_MIN_CORNERS = 6

Reason = Literal["corners", "place"]
"""Why a picture is left out: "corners", they fit no pose of the board, as where it is blurred; "place", they fit alone
but not to what the other cameras see."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A picture of the board and how the result explains it.

    Attributes:
        sighting: the picture's corners, as detected.
        error_px: root mean square distance of its corners to their projections, pixels.
        own_error_px: the same for the pose that fits this picture alone.
        errors_px: (N, 2) the projections minus the corners, in the order of the sighting, pixels.
        used: (N,) bool, whether a corner took part.
        is_turned: its corners are numbered from the other end, as a symmetric chessboard allows.
        reason: why the picture is left out; None if it is used.
    """

    sighting: Sighting
    error_px: float
    own_error_px: float
    errors_px: Floats
    used: NDArray[np.bool_]
    is_turned: bool = False
    reason: Reason | None = None


@dataclass(frozen=True, eq=False)
class Adjusted:
    """The adjusted cameras.

    Attributes:
        views: indices of the cameras in the footage, as they stand in `state`.
        frames: numbers of the moments of `state`.
        state: lenses, cameras and board poses.
        fits: all pictures of these cameras and moments.
        pictures: those that took part, with their corners.
    """

    views: tuple[int, ...]
    frames: tuple[int, ...]
    state: State
    fits: tuple[Fit, ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class Beginning:
    """From where the adjustment starts.

    Attributes:
        board: the board.
        lenses: first guesses by index of the camera.
        placed: (4, 4) cam_from_world by index of the camera, mm; the first one defines the world.
        poses: of the board, by camera and frame.
    """

    board: Board
    lenses: Mapping[int, Lens]
    placed: Mapping[int, Floats]
    poses: Mapping[tuple[int, int], BoardPose]


def adjust_in_rounds(start: Beginning, sightings: Sequence[Sighting], sigma_px: float) -> Adjusted:
    """Return the cameras after at most 5 rounds of adjustment, each without what did not fit in the one before."""
    views = tuple(start.placed)
    frames = tuple(sorted({one.frame for one in sightings}))
    state = State(
        tuple(start.lenses[view] for view in views),
        np.stack([start.placed[view] for view in views]),
        np.stack([_board_pose(start, [one for one in sightings if one.frame == frame]) for frame in frames]),
    )
    rounds = _Rounds(start, views, frames, sightings)
    fits = rounds.judge(state, tolerance_px=AGREE_SHARE * max(max(lens.image_size) for lens in state.lenses))
    used: list[tuple[object, ...]] = []
    for _ in range(_ROUNDS):
        pictures = rounds.pictures(fits)
        state = rounds.adjusted(state, pictures, sigma_px)
        fits = rounds.judge(state)
        now = [(fit.reason, fit.is_turned, *fit.used.tolist()) for fit in fits]
        if now == used:
            break
        used = now
    return Adjusted(views, frames, state, tuple(fits), tuple(pictures))


def _board_pose(start: Beginning, sightings: Sequence[Sighting]) -> Floats:
    """Return the pose of the board in the world that most cameras of a moment agree on."""
    candidates = [
        np.linalg.inv(start.placed[one.view]) @ start.poses[one.view, one.frame].cam_from_board @ turn
        for one in sightings
        for turn in turns_of(start.board)
    ]
    tolerance = AGREE_SHARE * max(max(lens.image_size) for lens in start.lenses.values())

    def cost(pose: Floats) -> float:
        errors = [_error(start.board, start.lenses[one.view], start.placed[one.view] @ pose, one) for one in sightings]
        return sum(min(error, 2 * tolerance) for error in errors)

    return min(candidates, key=cost)


def _error(board: Board, lens: Lens, cam_from_board: Floats, sighting: Sighting) -> float:
    """Return the error of a picture, pixels, with its corners counted from the better end."""
    turns = [cam_from_board @ turn for turn in turns_of(board)]
    points = board.corner_points[sighting.corners.ids]
    return min(rms(projected(lens, pose, points) - sighting.corners.pixels) for pose in turns)


class _Rounds:
    """What stays the same from round to round."""

    def __init__(
        self, start: Beginning, views: tuple[int, ...], frames: tuple[int, ...], sightings: Sequence[Sighting]
    ) -> None:
        self._start, self._views, self._sightings = start, views, sightings
        self._moments = {frame: number for number, frame in enumerate(frames)}

    def _picture(self, sighting: Sighting, *, is_turned: bool, used: NDArray[np.bool_] | None = None) -> Picture:
        """Return the picture with its corners, or those in `used`, in the order of the sighting."""
        ids, pixels = sighting.corners.ids, sighting.corners.pixels
        numbers = self._start.board.num_corners - 1 - ids if is_turned else ids
        chosen = np.ones(len(ids), dtype=bool) if used is None else used
        points = self._start.board.corner_points[numbers[chosen]]
        return Picture(self._views.index(sighting.view), self._moments[sighting.frame], points, pixels[chosen])

    def judge(self, state: State, tolerance_px: float | None = None) -> list[Fit]:
        """Return how a state explains all pictures, and which are left out.

        Args:
            state: the cameras.
            tolerance_px: the error beyond which a picture is left out; None takes 3.5 times its camera's median.
        """
        fits = [self._fit(state, one) for one in self._sightings]
        limits = {}
        for view in self._views:
            errors = [fit.error_px for fit in fits if fit.sighting.view == view]
            usual = max(_TIMES_MEDIAN * float(np.median(errors or [0.0])), _LEAST_PX)
            limits[view] = usual if tolerance_px is None else tolerance_px
        return [self._judged(fit, limits[fit.sighting.view], rough=tolerance_px is not None) for fit in fits]

    def _fit(self, state: State, sighting: Sighting) -> Fit:
        choices = []
        for is_turned in (False, True)[: len(turns_of(self._start.board))]:
            errors = state.errors(self._picture(sighting, is_turned=is_turned))
            choices.append((rms(errors), is_turned, errors))
        error, is_turned, errors = min(choices, key=lambda choice: choice[0])
        own = self._start.poses[sighting.view, sighting.frame].error_px
        return Fit(sighting, error, own, errors, np.ones(len(errors), dtype=bool), is_turned)

    @staticmethod
    def _judged(fit: Fit, limit_px: float, *, rough: bool) -> Fit:
        distances = np.linalg.norm(fit.errors_px, axis=1)
        at_most = np.inf if rough else max(_CORNER_TIMES_MEDIAN * float(np.median(distances)), _CORNER_LEAST_PX)
        used = distances <= at_most
        is_kept = used.sum() >= _MIN_CORNERS and 2 * used.sum() > len(used) and rms(fit.errors_px[used]) <= limit_px
        reason: Reason | None = None if is_kept else "corners" if fit.own_error_px > limit_px else "place"
        return replace(fit, used=used, reason=reason)

    def pictures(self, fits: Sequence[Fit]) -> list[Picture]:
        """Return the pictures that are used, with the corners that are."""
        used = [fit for fit in fits if fit.reason is None]
        return [self._picture(fit.sighting, is_turned=fit.is_turned, used=fit.used) for fit in used]

    def adjusted(self, state: State, pictures: Sequence[Picture], sigma_px: float) -> State:
        """Return the state adjusted to the pictures; boards that none of them shows stay as they were."""
        moments = sorted({picture.moment for picture in pictures})
        place = {moment: number for number, moment in enumerate(moments)}
        smaller = replace(state, world_from_boards=state.world_from_boards[moments])
        better = adjust(smaller, [replace(one, moment=place[one.moment]) for one in pictures], sigma_px)
        boards = state.world_from_boards.copy()
        boards[moments] = better.world_from_boards
        return replace(better, world_from_boards=boards)
