"""Bundle adjustment of cameras and joints: places, lenses, limb lengths and joints that explain all detections best.

The solver is that of the boards (`rig_calibration.arrow_fit`): cameras and limb lengths are shared, each moment's
joints are a block. Limbs that keep their length hold the scale together where few cameras overlap, and hold back
joints that two cameras see along nearly one line. Derivatives are those of OpenCV (`projectPoints`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from poseharvest.people_calibration.joint_sightings import Floats
from poseharvest.rig_calibration.arrow_fit import Directions, least_steps
from poseharvest.rig_calibration.board_poses import matrix_from, vector_of
from poseharvest.rig_calibration.lenses import Lens

_MAX_EVALUATIONS, _FEW_EVALUATIONS = 40, 6
_LINEAR_BEYOND = 1.5  # standard deviations
_TOTAL_SHARE = 1e-4  # of the sum of all limb lengths, by which it may change: it holds the scale
_LIMB_SHARE, _LEAST_LIMB_MM = 0.08, 12.0  # by which detections make a limb longer or shorter from moment to moment
_LENS_SIGMA = 1.0  # the lens' own expectations are standard deviations, as are all residuals here


@dataclass(frozen=True, eq=False)
class BodyState:
    """All that is estimated.

    Attributes:
        lenses: of V cameras.
        cams_from_world: (V, 4, 4) poses of the cameras, the first of which defines the world, mm.
        points: (M, J, 3) joints at each moment, mm; NaN where they are not known.
        lengths_mm: (L,) limb lengths; NaN for a limb that is never known.
    """

    lenses: tuple[Lens, ...]
    cams_from_world: Floats
    points: Floats
    lengths_mm: Floats

    def projected(self, view: int) -> Floats:
        """Return (M, J, 2) the pixels of the joints in a view; NaN where they are not known or behind the camera."""
        flat = self.points.reshape(-1, 3)
        camera = self.cams_from_world[view]
        known = np.isfinite(flat).all(1) & (flat @ camera[2, :3] + camera[2, 3] > 1.0)
        pixels = np.full((len(flat), 2), np.nan)
        if known.any():
            pixels[known] = project(self.lenses[view], vector_of(camera), flat[known])[0]
        return pixels.reshape(*self.points.shape[:2], 2)


@dataclass(frozen=True, eq=False)
class GivenPoses:
    """Places and directions of cameras that are believed as long as little speaks against them.

    Attributes:
        cams_from_world: (V, 4, 4) poses, mm.
        sigma_deg: standard deviation of a direction.
        sigma_mm: standard deviation of a place.
    """

    cams_from_world: Floats
    sigma_deg: float
    sigma_mm: float

    def weights(self, view: int) -> Floats:
        """Return (6, 6) what a change of a camera's two vectors means for direction and place, in deviations."""
        vector = vector_of(self.cams_from_world[view])
        rows = cv2.Rodrigues(vector[:3])[1].reshape(3, 3, 3)  # by vector, then R's rows and columns
        turns = np.stack([slope @ self.cams_from_world[view, :3, :3].T for slope in rows])
        by_angle = np.stack((turns[:, 2, 1], turns[:, 0, 2], turns[:, 1, 0]))
        change = np.zeros((6, 6))
        change[:3, :3] = by_angle / np.radians(self.sigma_deg)
        change[3:] = by_place(self.cams_from_world[view]) / self.sigma_mm
        return change


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the adjustment explains.

    Attributes:
        pixels: (V, M, J, 2) detections; NaN where a view does not show the joint or it does not take part.
        sigmas_px: (V, M, J) their standard deviations, pixels.
        limbs: (L, 2) joints of each limb.
        given: poses that are believed; None defines the world by the first camera and believes no other.
    """

    pixels: Floats
    sigmas_px: Floats
    limbs: NDArray[np.int64]
    given: GivenPoses | None = None

    @property
    def used(self) -> NDArray[np.bool_]:
        """(V, M, J) bool, whether the detection takes part."""
        return np.asarray(np.isfinite(self.pixels).all(-1), dtype=np.bool_)


def adjust_joints(state: BodyState, evidence: Evidence, *, roughly: bool = False) -> BodyState:
    """Return the state that explains the evidence best.

    Args:
        state: from where to start; it must be near the solution.
        evidence: what to explain.
        roughly: take a few steps only, since the evidence will be chosen anew.
    """
    problem = JointProblem(state, evidence)
    steps = least_steps(problem, _LINEAR_BEYOND, _FEW_EVALUATIONS if roughly else _MAX_EVALUATIONS)
    return problem.state_at(steps)


@dataclass(frozen=True, eq=False)
class CameraDeviations:
    """Standard deviations of cameras beside the first one.

    A detector sees a joint too far to one side wherever it moves, so all detections of a joint count as one opinion.

    Attributes:
        focal_px: (V,) of the focal length; NaN where it was given.
        place_mm: (V,) of the place; 0 for the first camera.
        angle_deg: (V,) of the direction; 0 for the first camera.
    """

    focal_px: Floats
    place_mm: Floats
    angle_deg: Floats


def deviations(state: BodyState, evidence: Evidence) -> CameraDeviations:
    """Return how well the cameras of an adjusted state are known."""
    from scipy.sparse import diags_array

    problem = JointProblem(state, evidence)
    start = np.zeros(problem.num_numbers)
    residuals = problem.residuals(start)
    weights = (1 + (residuals / _LINEAR_BEYOND) ** 2) ** -0.25  # the root of the loss' weights
    weighted = (diags_array(weights) @ problem.jacobian(start)).tocsr()
    directions = Directions(weighted, problem.num_shared, problem.block_size)
    covariance = directions.shared_covariance(weights * residuals, problem.joints_of_residuals())
    focal, place, angle = [], [], []
    for view, lens in enumerate(state.lenses):
        own, pose = problem.lens_slice(view), problem.pose_slice(view)
        focal.append(float(np.sqrt(covariance[own, own][0, 0])) if len(lens.spreads) else float("nan"))
        block = covariance[pose, pose]
        by_vectors = by_place(state.cams_from_world[view])
        place.append(float(np.sqrt(np.trace(by_vectors @ block @ by_vectors.T))) if block.size else 0.0)
        angle.append(float(np.degrees(np.sqrt(np.trace(block[:3, :3])))) if block.size else 0.0)
    return CameraDeviations(np.array(focal), np.array(place), np.array(angle))


def by_place(cam_from_world: Floats) -> Floats:
    """Return (3, 6) by how much the place -R^T t of a camera changes with its two vectors."""
    vector = vector_of(cam_from_world)
    rows = cv2.Rodrigues(vector[:3])[1].reshape(3, 3, 3)
    by_vector = -np.einsum("kij,i->jk", rows, vector[3:])
    return np.asarray(np.concatenate((by_vector, -cam_from_world[:3, :3].T), 1), dtype=np.float64)


def project(lens: Lens, camera: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Return the (N, 2) pixels of points (N, 3) before a camera (6,), and OpenCV's (2N, P) derivatives."""
    return lens.project(points, camera[:3], camera[3:])


class JointProblem:
    """Residuals in standard deviations, and their derivatives.

    The numbers are lenses, cameras, limb lengths; then the joints, moment after moment. The first camera is fixed if
    no poses are given.
    """

    def __init__(self, state: BodyState, evidence: Evidence) -> None:
        self._state, self._evidence = state, evidence
        self._cameras = np.stack([vector_of(pose) for pose in state.cams_from_world])
        self._lens_starts = np.concatenate(([0], np.cumsum([len(lens.spreads) for lens in state.lenses])))
        self._camera_start = int(self._lens_starts[-1])
        self._first_free = 1 if evidence.given is None else 0
        self._length_start = self._camera_start + 6 * (len(state.lenses) - self._first_free)
        self._num_moments, self._num_joints = state.points.shape[:2]
        self.block_size = 3 * self._num_joints
        self.num_shared = self._length_start + len(state.lengths_mm)
        self.num_numbers = self.num_shared + self.block_size * self._num_moments

    def lens_slice(self, view: int) -> slice:
        """Return where the numbers of a lens stand."""
        return slice(int(self._lens_starts[view]), int(self._lens_starts[view + 1]))

    def pose_slice(self, view: int) -> slice:
        """Return where the numbers of a camera stand; empty for one that is fixed."""
        start = self._camera_start + 6 * (view - self._first_free)
        return slice(start, start + 6) if view >= self._first_free else slice(0, 0)

    @cached_property
    def _seen(self) -> list[tuple[Any, ...]]:
        """For each view, the moments and joints of the detections that take part."""
        known = np.isfinite(self._state.points).all(-1)
        return [np.nonzero(used & known) for used in self._evidence.used]

    @cached_property
    def _limbs(self) -> tuple[Any, ...]:
        """The moments and limbs of which both joints are known."""
        known = np.asarray(np.isfinite(self._state.points).all(-1))
        ends = self._evidence.limbs
        is_used = known[:, ends[:, 0]] & known[:, ends[:, 1]] & np.isfinite(self._state.lengths_mm)
        return np.nonzero(is_used)

    @cached_property
    def _given_weights(self) -> list[Floats]:
        given = self._evidence.given
        return [] if given is None else [given.weights(view) for view in range(len(self._cameras))]

    @cached_property
    def _given_vectors(self) -> list[Floats]:
        given = self._evidence.given
        return [] if given is None else [vector_of(pose) for pose in given.cams_from_world]

    @cached_property
    def _limb_sigmas(self) -> Floats:
        return np.maximum(_LIMB_SHARE * np.nan_to_num(self._state.lengths_mm), _LEAST_LIMB_MM)

    @cached_property
    def _total_mm(self) -> float:
        return float(np.nansum(self._state.lengths_mm))

    def state_at(self, steps: Floats) -> BodyState:
        """Return the state after the steps (P,)."""
        lenses, cameras, lengths, points = self._at(steps)
        poses = np.stack([matrix_from(one[:3], one[3:]) for one in cameras])
        poses[: self._first_free] = self._state.cams_from_world[: self._first_free]
        return replace(self._state, lenses=lenses, cams_from_world=poses, points=points, lengths_mm=lengths)

    def _at(self, steps: Floats) -> tuple[tuple[Lens, ...], Floats, Floats, Floats]:
        lenses = tuple(lens.moved(steps[self.lens_slice(view)]) for view, lens in enumerate(self._state.lenses))
        cameras = self._cameras.copy()
        cameras[self._first_free :] += steps[self._camera_start : self._length_start].reshape(-1, 6)
        lengths = self._state.lengths_mm + steps[self._length_start : self.num_shared]
        return lenses, cameras, lengths, self._state.points + steps[self.num_shared :].reshape(self._state.points.shape)

    def residuals(self, steps: Floats) -> Floats:
        """Return the residuals of detections view after view, of limbs, given poses, all limbs' sum, and lenses."""
        lenses, cameras, lengths, points = self._at(steps)
        parts = []
        for view, (moments, joints) in enumerate(self._seen):
            if len(moments):
                pixels = project(lenses[view], cameras[view], points[moments, joints])[0]
                away = pixels - self._evidence.pixels[view, moments, joints]
                parts.append((away / self._evidence.sigmas_px[view, moments, joints, None]).ravel())
        moments, limbs = self._limbs
        ends = self._evidence.limbs[limbs]
        now = np.linalg.norm(points[moments, ends[:, 0]] - points[moments, ends[:, 1]], axis=-1)
        parts.append((now - lengths[limbs]) / self._limb_sigmas[limbs])
        for view, weights in enumerate(self._given_weights):
            parts.append(weights @ (cameras[view] - self._given_vectors[view]))
        parts.append(np.array([(np.nansum(lengths) / self._total_mm - 1) / _TOTAL_SHARE]))
        for lens, start in zip(lenses, self._state.lenses, strict=True):
            if len(start.spreads):
                away = np.linalg.lstsq(start.directions, lens.values, rcond=None)[0]
                parts.append(_LENS_SIGMA * (away - start.usual) / start.spreads)
        return np.concatenate(parts)

    def joints_of_residuals(self) -> NDArray[np.int64]:
        """Return (N,) the joint of each residual, for a limb its far end; -1 for residuals of no joint."""
        ends = self._evidence.limbs[self._limbs[1], 1]
        of_joints = np.concatenate([*(np.repeat(joints, 2) for _, joints in self._seen), ends])
        num_residuals = len(self.residuals(np.zeros(self.num_numbers)))
        return np.concatenate((of_joints, np.full(num_residuals - len(of_joints), -1)))

    def jacobian(self, steps: Floats) -> Any:
        """Return the sparse derivatives of `residuals`."""
        from scipy.sparse import vstack

        now = self._at(steps)
        parts = [self._of_view(view, now) for view, (moments, _) in enumerate(self._seen) if len(moments)]
        parts += [self._of_limbs(now), *self._of_given(), self._of_total(), *self._of_lenses()]
        return vstack(parts, format="csr")

    def _of_view(self, view: int, now: tuple[tuple[Lens, ...], Floats, Floats, Floats]) -> Any:
        lenses, cameras, _, points = now
        moments, joints = self._seen[view]
        lens, camera = lenses[view], cameras[view]
        slopes = project(lens, camera, points[moments, joints])[1].reshape(len(moments), 2, -1)
        by_lens = slopes[:, :, 6 : 6 + len(lens.values)] @ lens.directions
        by_camera = slopes[:, :, :6] if view >= self._first_free else slopes[:, :, :0]
        by_point = slopes[:, :, 3:6] @ cv2.Rodrigues(camera[:3])[0]
        sigmas = self._evidence.sigmas_px[view, moments, joints]
        block = np.concatenate((by_lens, by_camera, by_point), 2) / sigmas[:, None, None]
        shared = np.r_[self.lens_slice(view), self.pose_slice(view)].astype(np.int64)
        own = self._point_columns(moments, joints)
        columns = np.concatenate((np.broadcast_to(shared, (len(moments), len(shared))), own), 1)
        return self._rows(block.reshape(2 * len(moments), -1), np.repeat(columns, 2, 0))

    def _of_limbs(self, now: tuple[tuple[Lens, ...], Floats, Floats, Floats]) -> Any:
        points = now[3]
        moments, limbs = self._limbs
        ends = self._evidence.limbs[limbs]
        along = points[moments, ends[:, 0]] - points[moments, ends[:, 1]]
        along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
        block = np.concatenate((-np.ones((len(limbs), 1)), along, -along), 1) / self._limb_sigmas[limbs][:, None]
        first, second = (self._point_columns(moments, ends[:, end]) for end in (0, 1))
        return self._rows(block, np.concatenate((self._length_start + limbs[:, None], first, second), 1))

    def _of_given(self) -> list[Any]:
        places = (np.arange(place.start, place.stop) for place in map(self.pose_slice, range(len(self._given_weights))))
        return [
            self._rows(weights, np.tile(at, (6, 1))) for weights, at in zip(self._given_weights, places, strict=True)
        ]

    def _of_total(self) -> Any:
        known = np.flatnonzero(np.isfinite(self._state.lengths_mm))
        value = 1 / (self._total_mm * _TOTAL_SHARE)
        return self._rows(np.full((1, len(known)), value), self._length_start + known[None])

    def _of_lenses(self) -> list[Any]:
        rows = []
        for view, lens in enumerate(self._state.lenses):
            if len(lens.spreads):
                place = self.lens_slice(view)
                rows.append(
                    self._rows((_LENS_SIGMA / lens.spreads)[:, None], np.arange(place.start, place.stop)[:, None])
                )
        return rows

    def _point_columns(self, moments: NDArray[np.int64], joints: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (N, 3) where the coordinates of joints stand."""
        first = self.num_shared + 3 * (moments * self._num_joints + joints)
        return np.asarray(first[:, None] + np.arange(3), dtype=np.int64)

    def _rows(self, block: Floats, columns: NDArray[np.int64]) -> Any:
        """Return the sparse rows (N, P) of dense ones (N, C) and the columns (N, C) to which they belong."""
        from scipy.sparse import csr_array

        starts = np.arange(0, block.size + 1, block.shape[1])
        return csr_array((block.ravel(), columns.ravel(), starts), shape=(len(block), self.num_numbers))
