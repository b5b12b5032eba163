"""Uncertainties of angles against draws, and where a derivative would fail."""

from __future__ import annotations

import numpy as np
import pytest

from pose_kit import UP, measured, standing
from poseharvest.kinematics.angle_track import angles_over_time
from poseharvest.kinematics.person_track import PersonTrack

ANGLES = {
    "right_knee": 40.0,
    "left_knee": 0.0,
    "right_elbow": 75.0,
    "left_elbow": 20.0,
    "right_hip": (30.0, 10.0),
    "left_arm": (60.0, 30.0),
    "right_arm": (90.0, 80.0),
    "lean": (10.0, -5.0),
}


def track_of(pose: dict[str, np.ndarray], covariances: np.ndarray) -> PersonTrack:
    points = np.stack(list(pose.values()))[None]
    return PersonTrack(0, tuple(pose), np.array([7]), np.array([0.14]), points, covariances[None])


def random_covariances(num_joints: int, size_mm: float, seed: int = 3) -> np.ndarray:
    roots = np.random.default_rng(seed).normal(size=(num_joints, 3, 3)) * size_mm
    return roots @ np.swapaxes(roots, -1, -2)


def test_sigmas_agree_with_draws() -> None:
    pose = standing(**ANGLES)
    covariances = random_covariances(len(pose), 2.0)
    found = angles_over_time(track_of(pose, covariances), UP)
    generator = np.random.default_rng(5)
    noise = np.einsum("jab,njb->nja", np.linalg.cholesky(covariances), generator.normal(size=(4000, len(pose), 3)))
    drawn = {joint: place + noise[:, number] for number, (joint, place) in enumerate(pose.items())}
    exact = measured(pose)
    values = {angle: np.asarray(value) for angle, value in zip(found.names, _all(drawn), strict=True)}
    for number, name in enumerate(found.names):
        expected = np.sqrt(np.mean((values[name] - exact[name]) ** 2))
        assert found.sigma_deg[0, number] == pytest.approx(expected, rel=0.08), name


def _all(points: dict[str, np.ndarray]) -> list[np.ndarray]:
    from poseharvest.kinematics.joint_angles import angles_of

    return [angle.measure(points, UP) for angle in angles_of(tuple(points))]


def test_a_straight_knee_is_not_certain() -> None:
    """The angle has a kink there, and its derivative is 0 in the mean of both sides."""
    pose = standing()
    sigma_mm = 10.0
    found = angles_over_time(track_of(pose, np.tile(np.eye(3) * sigma_mm**2, (len(pose), 1, 1))), UP)
    sigma = found.sigma_deg[0, found.names.index("right_knee_flexion")]
    thigh, shank = 430.0, 400.0
    of_two_directions = np.sqrt((1 / thigh) ** 2 + (1 / shank) ** 2 + (1 / thigh + 1 / shank) ** 2)
    assert sigma == pytest.approx(np.degrees(sigma_mm * of_two_directions * np.sqrt(2)), rel=0.02)


def test_sigmas_grow_with_the_covariances() -> None:
    pose = standing(**ANGLES)
    small, large = (
        angles_over_time(track_of(pose, random_covariances(len(pose), s)), UP).sigma_deg for s in (0.2, 0.4)
    )
    np.testing.assert_allclose(large, 2 * small, rtol=0.02)


def test_what_is_not_known_stays_empty() -> None:
    pose = standing()
    covariances = random_covariances(len(pose), 3.0)
    covariances[list(pose).index("left_ankle")] = np.nan
    pose["right_elbow"] = np.full(3, np.nan)
    found = angles_over_time(track_of(pose, covariances), UP)
    values = dict(zip(found.names, zip(found.degrees[0], found.sigma_deg[0], strict=True), strict=True))
    assert np.isnan(values["right_elbow_flexion"]).all()
    assert values["left_knee_flexion"][0] == pytest.approx(0, abs=1e-9)
    assert np.isnan(values["left_knee_flexion"][1])
    assert np.isfinite(values["right_knee_flexion"]).all()
    assert found.frames.tolist() == [7]
