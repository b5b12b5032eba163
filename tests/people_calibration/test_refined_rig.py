"""Refined cameras: one that was turned is turned back, good ones are kept, and the world stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import AffineCamera
from poseharvest.geometry.rig import Rig
from poseharvest.people_calibration.refined_capture import refinement_findings
from poseharvest.people_calibration.refined_rig import refine_rig


def angles(rig: Rig, true: Rig) -> list[float]:
    turns = [(one.rotation @ other.rotation.T).numpy() for one, other in zip(rig, true, strict=True)]
    return [float(np.degrees(Rotation.from_matrix(turn).magnitude())) for turn in turns]


@pytest.fixture(scope="module")
def turned(filmed) -> Rig:
    """The second camera looks half a degree to the side."""
    turn = torch.from_numpy(Rotation.from_rotvec((0.0, np.radians(0.5), 0.0)).as_matrix())
    cameras = list(filmed[0].cameras)
    second = cameras[1]
    cameras[1] = replace(second, rotation=turn @ second.rotation, translation=turn @ second.translation)
    return Rig(tuple(cameras))


def test_a_camera_turned_by_half_a_degree_is_turned_back(filmed, turned):
    scene, sightings = filmed
    result = refine_rig(sightings, turned)
    before, after = angles(turned, scene.rig), angles(result.rig, scene.rig)
    assert result.is_better
    assert result.after_px < result.before_px
    assert before[1] == pytest.approx(0.5, abs=1e-6)
    assert after[1] < 0.15
    assert max(after) < 0.2, "the others must not take a part of it"
    assert [one.name for one in result.changes if one.angle_deg > 0.3] == ["cam2"]


def test_the_refined_cameras_keep_their_lenses(filmed, turned):
    result = refine_rig(filmed[1], turned)
    for camera, camera_before in zip(result.rig, turned, strict=True):
        assert torch.equal(camera.px_from_cam, camera_before.px_from_cam)
        assert camera.distortion == camera_before.distortion


def test_true_cameras_are_kept(filmed):
    scene, sightings = filmed
    result = refine_rig(sightings, scene.rig)
    assert not result.is_better
    assert result.rig is scene.rig
    (finding,) = refinement_findings(result)
    assert finding.severity == "note"
    assert finding.message.startswith("the given cameras are kept: joints in frames that took no part are")


def test_what_was_changed_is_said(filmed, turned):
    findings = refinement_findings(refine_rig(filmed[1], turned))
    assert findings[0].message.startswith("cameras are refined by the people")
    assert "refined_cameras.toml" in findings[0].message
    assert [one.severity for one in findings[1:]] == ["warning"]
    assert findings[1].message.startswith('camera "cam2": the people put it 0.')


def test_the_refinement_is_the_same_each_time(filmed, turned):
    first, second = (refine_rig(filmed[1], turned) for _ in range(2))
    for one, other in zip(first.rig, second.rig, strict=True):
        assert torch.equal(one.rotation, other.rotation)
        assert torch.equal(one.translation, other.translation)


def test_other_cameras_are_refused(filmed):
    scene, sightings = filmed
    affine = AffineCamera("cam1", (720, 1280), torch.eye(2, 4, dtype=torch.float64))
    with pytest.raises(CalibrationError, match="refine_cameras: expected perspective cameras that stand still"):
        refine_rig(sightings, Rig((affine, *scene.cameras[1:])))
