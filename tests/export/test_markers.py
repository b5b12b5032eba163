"""Markers under Pose2Sim's names: every marker of its sets, at the joint or the middle it stands for."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch

from poseharvest.errors import ConfigError
from poseharvest.export.markers import at_markers, markers_of, name_findings
from poseharvest.export.trajectories import Pose
from poseharvest.skeleton.definitions import COCO17, H36M17, MPII16
from poseharvest.skeleton.human import BODY25B, HALPE26

SETS = {"Body25b": BODY25B, "Halpe26": HALPE26, "Coco17": COCO17}


@pytest.mark.data
@pytest.mark.parametrize("name", SETS)
def test_every_marker_of_the_set_is_written(name: str, shared_dir: Path) -> None:
    path = shared_dir / "opensim" / f"Markers_{name}.xml"
    if not path.is_file():
        pytest.skip(f"no marker set at {path}")
    wanted = {str(marker.get("name")) for marker in ET.parse(path).iter("Marker")}
    written = {marker.name for marker in markers_of(SETS[name].joints, "pose2sim")}
    assert wanted <= written
    assert written - wanted <= {"Hip"}


def test_the_neck_is_the_best_joint_that_exists() -> None:
    def neck(joints: tuple[str, ...]) -> tuple[str, ...]:
        return next(marker.joints for marker in markers_of(joints, "pose2sim") if marker.name == "Neck")

    assert neck(BODY25B.joints) == neck(MPII16.joints) == ("upper_neck",)
    assert neck(H36M17.joints) == ("neck_base",)
    assert neck(HALPE26.joints) == ("thorax",)
    assert neck(COCO17.joints) == ("left_shoulder", "right_shoulder")


def test_a_marker_of_two_joints_is_their_middle_and_hidden_with_either() -> None:
    generator = torch.Generator().manual_seed(3)
    points = torch.randn(17, 3, generator=generator, dtype=torch.float64)
    sigma = torch.rand(17, generator=generator, dtype=torch.float64)
    shown = torch.ones(17, dtype=torch.bool)
    markers = markers_of(COCO17.joints, "pose2sim")
    place = [marker.name for marker in markers].index("Neck")
    left, right = COCO17.index("left_shoulder"), COCO17.index("right_shoulder")
    found = at_markers(Pose(0.0, points, sigma, shown), COCO17.joints, markers)
    torch.testing.assert_close(found.points[place], (points[left] + points[right]) / 2)
    torch.testing.assert_close(found.sigma_mm[place], torch.hypot(sigma[left], sigma[right]) / 2)
    shown[left], points[left] = False, torch.nan
    hidden = at_markers(Pose(0.0, points, sigma, shown), COCO17.joints, markers)
    assert hidden.shown.sum() == len(markers) - 2  # the shoulder and the neck
    assert torch.isfinite(hidden.points).all()


def test_joints_under_their_own_names_are_themselves() -> None:
    markers = markers_of(MPII16.joints, "joints")
    assert [marker.name for marker in markers] == list(MPII16.joints)
    pose = Pose(0.0, torch.randn(16, 3).double(), torch.rand(16).double(), torch.rand(16) > 0.5)
    same = at_markers(pose, MPII16.joints, markers)
    torch.testing.assert_close(same.points[pose.shown], pose.points[pose.shown])
    assert same.shown.equal(pose.shown)


def test_joints_without_a_marker_are_named() -> None:
    (note,) = name_findings(COCO17.joints, "pose2sim")
    assert note.message == (
        "Pose2Sim's marker sets have no marker for left_eye, right_eye, left_ear, right_ear: not written"
    )
    with pytest.raises(
        ConfigError, match=r"markers: expected joints that Pose2Sim's marker sets know, .* got root, tip"
    ):
        markers_of(("root", "tip"), "pose2sim")
