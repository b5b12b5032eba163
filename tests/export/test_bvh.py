"""BVH read by a reader that is not ours: joints where constant bones put them, times, gaps, and what is said."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harvest_kit import FRAME_RATE, make_records, make_rig, make_run, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import ConfigError
from poseharvest.export.constant_limbs import with_constant_limbs
from poseharvest.export.registry import export, export_with_findings
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.skeleton import Skeleton, limbs
from walker_kit import walking_pose

bvhio = pytest.importorskip("bvhio")

FRAMES = (3, 4, 5, 8, 9)


def walking(frames: tuple[int, ...] | range, persons: tuple[int, ...] = (0,)) -> list:
    """A walk in which every joint is seen."""
    records = make_records(frames, persons)
    for record in records:
        record.supported[:] = True
    return [replace(r, mean=torch.tensor(walking_pose(0.2 * r.frame))) for r in records]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    """A walk with z up in frames 3 to 9; nobody is found in 6 and 7."""
    return write_harvest(tmp_path_factory.mktemp("bvh") / "h", walking(FRAMES))


def read_joints(path: Path) -> dict[str, np.ndarray]:
    """Return (F, 3) of every joint, as bvhio makes them."""
    root = bvhio.readAsHierarchy(str(path))
    num_frames = bvhio.readAsBvh(str(path)).FrameCount
    places: dict[str, list[list[float]]] = {}
    for frame in range(num_frames):
        root.loadPose(frame)
        for joint, _, _ in root.layout():
            places.setdefault(joint.Name, []).append(list(joint.PositionWorld))
    return {name: np.array(rows) for name, rows in places.items()}


def said(written, topic: str) -> list[str]:
    return [finding.message for finding in written.findings if finding.topic == topic]


@pytest.mark.parametrize(("unit", "mm"), [("cm", 10.0), ("m", 1000.0)])
def test_joints_lie_where_constant_bones_put_them(unit: str, mm: float, walk: Harvest, tmp_path: Path) -> None:
    found = read_joints(export(walk, "bvh", tmp_path / "a.bvh", unit=unit, up="z"))
    poses = {record.frame: record.mean[:, [1, 2, 0]] for record in walk.iter_frames()}
    lengths = {}
    for limb in MPII16.limbs:
        one, other = (
            np.median([(p[MPII16.index(x.child)] - p[MPII16.index(x.parent)]).norm() for p in poses.values()])
            for x in (limb, MPII16.mirrored_limb(limb))
        )
        lengths[limb.name] = float(one + other) / 2
    for frame, pose in poses.items():
        expected = with_constant_limbs(pose, MPII16, lengths)
        for number, joint in enumerate(MPII16.joints):
            np.testing.assert_allclose(found[joint][frame - 3] * mm, expected[number], atol=0.05)


def test_frames_are_evenly_spaced_and_gaps_are_filled_and_named(walk: Harvest, tmp_path: Path) -> None:
    written = export_with_findings(walk, "bvh", tmp_path / "a.bvh")
    content = bvhio.readAsBvh(str(written.path))
    assert content.FrameCount == 7
    assert content.FrameTime == pytest.approx(1 / FRAME_RATE)
    (gap,) = said(written, "gaps")
    assert gap.startswith("2 of 7 frames have joints without a position (from 0: 6-7; all joints): filled")
    root = read_joints(written.path)["pelvis"]
    np.testing.assert_allclose(np.diff(root[2:6], axis=0), np.tile((root[5] - root[2]) / 3, (3, 1)), atol=1e-4)


def test_how_far_constant_bones_are_from_the_harvest_is_said(walk: Harvest, tmp_path: Path) -> None:
    written = export_with_findings(walk, "bvh", tmp_path / "a.bvh", up="keep")
    (bones,) = said(written, "bones")
    mean_mm, largest_mm = map(float, re.findall(r"([0-9.]+) mm", bones))
    found = read_joints(written.path)
    errors = [
        np.linalg.norm(found[joint][record.frame - 3] * 10 - record.mean[number].numpy())
        for record in walk.iter_frames()
        for number, joint in enumerate(MPII16.joints)
    ]
    assert mean_mm == pytest.approx(np.mean(errors), abs=0.1)
    assert largest_mm == pytest.approx(np.max(errors), abs=0.6)


@pytest.mark.parametrize(("noise_mm", "severity"), [(3.0, "note"), (200.0, "warning")])
def test_limbs_that_change_in_length_are_a_warning(noise_mm: float, severity: str, tmp_path: Path) -> None:
    records = walking(range(8))
    generator = torch.Generator().manual_seed(4)
    for record in records:
        record.mean[:] += noise_mm * torch.randn(record.mean.shape, generator=generator, dtype=torch.float64)
    written = export_with_findings(write_harvest(tmp_path / "h", records), "bvh", tmp_path / "a.bvh", up="z")
    assert [finding.severity for finding in written.findings if finding.topic == "bones"] == [severity]


def test_angles_do_not_jump(tmp_path: Path) -> None:
    """A person who turns around twice: no channel goes back by a full turn."""
    records = walking(range(40))
    for record in records:
        turn = np.radians(18 * record.frame)
        spin = torch.tensor([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        record.mean[:] = record.mean @ spin.T
    path = export(write_harvest(tmp_path / "h", records), "bvh", tmp_path / "a.bvh", up="z")
    rows = np.array([line.split() for line in path.read_text().split("Frame Time")[1].splitlines()[1:]], dtype=float)
    assert np.abs(np.diff(rows[:, 3:], axis=0)).max() < 60
    assert np.ptp(rows[:, 3:6], axis=0).max() > 600


def test_a_person_without_legs_is_written_without_legs(tmp_path: Path) -> None:
    records = walking(range(4))
    legs = [MPII16.index(joint) for joint in MPII16.joints if "knee" in joint or "ankle" in joint]
    for record in records:
        record.supported[legs] = False
    written = export_with_findings(write_harvest(tmp_path / "h", records), "bvh", tmp_path / "a.bvh")
    (missing,) = said(written, "joints")
    assert missing.startswith("joints without a position in any frame, or that hang from one: right_ankle, right_knee,")
    assert "left_wrist" in read_joints(written.path)
    assert not any("knee" in name or "ankle" in name for name in read_joints(written.path))


def test_without_the_root_there_is_no_tree(tmp_path: Path) -> None:
    records = walking(range(3))
    for record in records:
        record.supported[MPII16.index("pelvis")] = False
    with pytest.raises(
        ConfigError, match="a BVH file: expected a position of pelvis, the joint that all others hang from"
    ):
        export(write_harvest(tmp_path / "h", records), "bvh", tmp_path / "a.bvh")


def test_one_frame_and_one_of_several(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", walking(range(1), (0, 2)))
    with pytest.raises(ConfigError, match="a BVH file holds one person, this harvest holds 0, 2: choose one"):
        export(harvest, "bvh", tmp_path / "a.bvh")
    assert len(read_joints(export(harvest, "bvh", tmp_path / "a.bvh", person=2))["pelvis"]) == 1


def test_names_with_spaces_are_one_word(tmp_path: Path) -> None:
    skeleton = Skeleton("rod", ("the root", "its tip"), limbs("the root-its tip"))
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=skeleton) as writer:
        for record in walking(range(2)):
            by_joint = {name: getattr(record, name)[:2] for name in ("mean", "cov", "supported")}
            views = ("pixels", "inside", "score", "peak_pixels", "peak_score")
            writer.add(replace(record, **by_joint, **{name: getattr(record, name)[:, :2] for name in views}))
        harvest = writer.finish(make_run(2))
    found = read_joints(export(harvest, "bvh", tmp_path / "a.bvh", up="keep"))
    tip = [record.mean[1].numpy() / 10 for record in harvest.iter_frames()]
    assert set(found) == {"the_root", "its_tip"}
    np.testing.assert_allclose(found["its_tip"], tip, atol=8)
