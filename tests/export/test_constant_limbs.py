"""Limbs of one length: laws of the pose, and the export that asks for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.export import export
from poseharvest.export.constant_limbs import learned_lengths, with_constant_limbs
from poseharvest.export.even_frames import find_track
from poseharvest.export.trajectories import poses_of
from poseharvest.export.trc import TrcOptions
from poseharvest.motion import MotionOptions
from poseharvest.skeleton.definitions import MPII16

LENGTHS = {limb.name: 200.0 + 10 * i for i, limb in enumerate(MPII16.limbs)}


@pytest.fixture
def pose() -> torch.Tensor:
    return torch.tensor(np.random.default_rng(3).normal(size=(16, 3)) * 400)


def limbs(points: torch.Tensor) -> dict[str, torch.Tensor]:
    return {one.name: points[MPII16.index(one.child)] - points[MPII16.index(one.parent)] for one in MPII16.limbs}


def test_every_limb_has_its_length_and_keeps_its_direction(pose):
    moved = with_constant_limbs(pose, MPII16, LENGTHS)
    for name, along in limbs(moved).items():
        before = limbs(pose)[name]
        assert float(along.norm()) == pytest.approx(LENGTHS[name], rel=1e-12)
        torch.testing.assert_close(along / along.norm(), before / before.norm())
    root = MPII16.index(MPII16.root)
    assert torch.equal(moved[root], pose[root])


def test_twice_is_once_and_own_lengths_change_nothing(pose):
    moved = with_constant_limbs(pose, MPII16, LENGTHS)
    torch.testing.assert_close(with_constant_limbs(moved, MPII16, LENGTHS), moved)
    own = {name: float(along.norm()) for name, along in limbs(pose).items()}
    torch.testing.assert_close(with_constant_limbs(pose, MPII16, own), pose)
    torch.testing.assert_close(with_constant_limbs(pose, MPII16, {}), pose)


def test_turning_and_shifting_the_pose_turns_and_shifts_the_result(pose):
    turn = torch.linalg.qr(torch.tensor(np.random.default_rng(1).normal(size=(3, 3))))[0]
    shift = torch.tensor([10.0, -200.0, 3000.0], dtype=torch.float64)
    wanted = with_constant_limbs(pose, MPII16, LENGTHS) @ turn.T + shift
    torch.testing.assert_close(with_constant_limbs(pose @ turn.T + shift, MPII16, LENGTHS), wanted)


def test_beyond_an_unknown_joint_limbs_stay_where_they_are(pose):
    elbow, wrist = MPII16.index("left_elbow"), MPII16.index("left_wrist")
    pose[elbow] = torch.nan
    moved = with_constant_limbs(pose, MPII16, LENGTHS)
    assert torch.equal(moved[wrist], pose[wrist])
    assert torch.isnan(moved[elbow]).all()
    assert torch.isfinite(moved).all(-1).sum() == 15


@pytest.mark.parametrize("smooth", [True, False])
def test_the_file_has_limbs_of_the_learned_lengths(tmp_path: Path, smooth: bool) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(1, 5)), motion=MotionOptions())
    assert set(learned_lengths(harvest, 0).values()) == {250.0}
    plain = positions(export(harvest, "trc", tmp_path / "a.trc", unit="mm", up="keep", smooth=smooth))
    rigid = positions(
        export(harvest, "trc", tmp_path / "b.trc", unit="mm", up="keep", smooth=smooth, constant_limbs=True)
    )
    lengths = np.stack([torch.stack(list(limbs(frame).values())).norm(dim=-1).numpy() for frame in rigid])
    np.testing.assert_allclose(lengths, 250, rtol=1e-6)
    root = MPII16.index(MPII16.root)
    torch.testing.assert_close(rigid[:, root], plain[:, root])
    assert not torch.allclose(rigid, plain)


def test_a_joint_that_is_not_written_moves_no_other(tmp_path: Path) -> None:
    knee, ankle = (MPII16.index(f"left_{name}") for name in ("knee", "ankle"))
    records = [replace(record, supported=torch.arange(16) != knee) for record in make_records(range(1, 5))]
    harvest = write_harvest(tmp_path / "h", records)
    options = TrcOptions(smooth=False, constant_limbs=True)
    track = find_track(harvest, options, "a file")
    for pose, record in zip(poses_of(harvest, track, options), records, strict=True):
        assert pose is not None
        assert torch.equal(pose.points[ankle], record.mean[ankle])
        assert not torch.equal(pose.points[MPII16.index("right_ankle")], record.mean[MPII16.index("right_ankle")])


def test_each_person_has_lengths_of_their_own(harvest: Harvest) -> None:
    from poseharvest.annotations.info import PersonInfo

    def person(number: int, length: float) -> PersonInfo:
        return PersonInfo(
            person=number,
            frames=1,
            first_frame=0,
            last_frame=0,
            limb_lengths_mm={"pelvis-thorax": length},
            shells_mm={},
        )

    info = harvest.info.model_copy(update={"people": (person(0, 480.0), person(3, 510.0))})
    assert learned_lengths(Harvest(harvest.path, info), 3) == {"pelvis-thorax": 510.0}


def positions(path: Path) -> torch.Tensor:
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[6:]]
    table = np.array([[float(cell) for cell in row[2:50]] for row in rows])
    return torch.from_numpy(table.reshape(len(rows), 16, 3))
