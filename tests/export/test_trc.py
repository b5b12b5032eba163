"""TRC read back as OpenSim reads it: header counts, evenly spaced rows, Y up, missing markers empty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harvest_kit import FRAME_RATE, make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.registry import export, export_with_findings
from poseharvest.export.trc import ROTATIONS


@dataclass
class Trc:
    """What a reader sees."""

    header: dict[str, str]
    markers: list[str]
    frames: list[int]
    times: list[float]
    points: NDArray[np.float64]


def _cells(line: str) -> list[str]:
    """Split as OpenSim does: what follows the last tab counts only if it is not empty."""
    cells = line.split("\t")
    return cells[:-1] if cells[-1] == "" else cells


def read_trc(path: Path) -> Trc:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("PathFileType\t4\t(X/Y/Z)\t")
    header = dict(zip(_cells(lines[1]), _cells(lines[2]), strict=True))
    names = [cell for cell in _cells(lines[3]) if cell]
    assert names[:2] == ["Frame#", "Time"]
    axes = [cell for cell in _cells(lines[4]) if cell]
    assert axes == [f"{axis}{i + 1}" for i in range(len(names) - 2) for axis in "XYZ"]
    assert lines[5] == ""
    rows = [_cells(line) for line in lines[6:]]
    assert {len(row) for row in rows} == {2 + len(axes)}, "OpenSim refuses rows of another length"
    numbers = [[float(cell) if cell else np.nan for cell in row[2:]] for row in rows]
    points = np.array(numbers).reshape(len(rows), -1, 3)
    return Trc(header, names[2:], [int(row[0]) for row in rows], [float(row[1]) for row in rows], points)


def test_header_counts_what_follows(harvest: Harvest, tmp_path: Path) -> None:
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc"))
    assert trc.markers == list(harvest.skeleton.joints)
    assert int(trc.header["NumMarkers"]) == 16
    assert int(trc.header["NumFrames"]) == len(trc.frames) == 22
    assert float(trc.header["DataRate"]) == float(trc.header["CameraRate"]) == FRAME_RATE
    assert trc.header["Units"] == "m"
    assert int(trc.header["OrigNumFrames"]) == 24


def test_positions_come_back(harvest: Harvest, tmp_path: Path) -> None:
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc", unit="mm", up="keep"))
    by_frame = dict(zip(trc.frames, trc.points, strict=True))
    for record in harvest.iter_frames():
        shown = record.supported.numpy()
        points = by_frame[record.frame + 1]
        np.testing.assert_allclose(points[shown], record.mean.numpy()[shown], rtol=1e-8)
        assert np.isnan(points[~shown]).all()


def test_rows_are_evenly_spaced_and_gaps_are_empty(harvest: Harvest, tmp_path: Path) -> None:
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc", gaps="empty"))
    assert trc.frames == list(range(3, 25))
    np.testing.assert_allclose(trc.times, [(frame - 1) / FRAME_RATE for frame in trc.frames], rtol=1e-8)
    for frame, points in zip(trc.frames, trc.points, strict=True):
        assert np.isnan(points).all() == (frame - 1 in {5, 7})


def test_every_fifth_frame_has_a_fifth_of_the_rate(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records([0, 5, 10, 20]))
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc"))
    assert trc.frames == [1, 6, 11, 16, 21]
    assert float(trc.header["DataRate"]) == FRAME_RATE / 5
    np.testing.assert_allclose(np.diff(trc.times), 5 / FRAME_RATE, rtol=1e-8)


def test_a_single_frame(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records([4]))
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc"))
    assert (trc.frames, trc.header["NumFrames"]) == ([5], "1")
    assert float(trc.header["DataRate"]) == FRAME_RATE


def test_a_last_marker_that_is_missing_keeps_the_row_whole(harvest: Harvest, tmp_path: Path) -> None:
    """The left wrist is the last joint and unsupported in every fifth frame."""
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc"))
    assert np.isnan(trc.points[trc.frames.index(10 + 1), -1]).all()


def test_unreliable_markers_can_be_left_out(harvest: Harvest, tmp_path: Path) -> None:
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc", blank="unselected", gaps="empty"))
    selected = {row.annotations.frame: row.selected.numpy() for row in harvest.iter_selected()}
    for frame, points in zip(trc.frames, trc.points, strict=True):
        np.testing.assert_array_equal(~np.isnan(points[:, 0]), selected.get(frame - 1, np.zeros(16, bool)))


@pytest.mark.parametrize("up", [name for name in ROTATIONS if name != "keep"])
def test_up_becomes_y_by_a_rotation(up: str, harvest: Harvest, tmp_path: Path) -> None:
    rotation = np.array(ROTATIONS[up])
    assert np.linalg.det(rotation) == pytest.approx(1)
    axis = np.zeros(3)
    axis["xyz".index(up[-1])] = -1 if up.startswith("-") else 1
    assert (rotation @ axis).tolist() == [0, 1, 0]
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc", up=up, unit="cm"))
    first = next(harvest.iter_frames())
    np.testing.assert_allclose(trc.points[0, :6], first.mean.numpy()[:6] / 10 @ rotation.T, rtol=1e-7, atol=1e-6)


def test_z_up_is_y_z_x(harvest: Harvest, tmp_path: Path) -> None:
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc", up="z"))
    x, y, z = next(harvest.iter_frames()).mean[0].tolist()
    np.testing.assert_allclose(trc.points[0, 0], [y / 1000, z / 1000, x / 1000], rtol=1e-8)


def test_one_of_several_persons(harvest_of_two: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a TRC file holds one person, this harvest holds 0, 3: choose one"):
        export(harvest_of_two, "trc", tmp_path / "a.trc")
    with pytest.raises(ConfigError, match="person: expected one of 0, 3, got 1"):
        export(harvest_of_two, "trc", tmp_path / "a.trc", person=1)
    trc = read_trc(export(harvest_of_two, "trc", tmp_path / "a.trc", person=3, up="keep"))
    means = [record.mean.numpy() for record in harvest_of_two.iter_frames() if record.person == 3]
    np.testing.assert_allclose(trc.points[:, :15] * 1000, np.array(means)[:, :15], rtol=1e-7)


@pytest.mark.parametrize(("blank", "missing"), [("unsupported", {5, 7}), ("none", {5, 7})])
def test_rows_without_a_marker_are_named_and_can_be_left_out(blank, missing, harvest: Harvest, tmp_path: Path) -> None:
    kept = export_with_findings(harvest, "trc", tmp_path / "kept.trc", blank=blank, gaps="empty")
    note = next(finding for finding in kept.findings if finding.topic == "gaps")
    assert note.severity == "warning"
    assert note.message.startswith(
        "2 of 22 frames show no marker (from 0: 5, 7): OpenSim's inverse kinematics ends there"
    )
    assert "--gaps skip" in note.message
    skipped = export_with_findings(harvest, "trc", tmp_path / "skipped.trc", blank=blank, gaps="skip")
    trc = read_trc(skipped.path)
    assert trc.frames == [frame + 1 for frame in range(2, 24) if frame not in missing]
    assert int(trc.header["NumFrames"]) == len(trc.frames)
    np.testing.assert_allclose(trc.times, [(frame - 1) / FRAME_RATE for frame in trc.frames], rtol=1e-8)
    assert not np.isnan(trc.points).all(axis=(1, 2)).any()
    assert "not evenly spaced" in next(f.message for f in skipped.findings if f.topic == "gaps")


def test_rows_without_a_marker_are_filled_and_named(harvest: Harvest, tmp_path: Path) -> None:
    written = export_with_findings(harvest, "trc", tmp_path / "a.trc", blank="none", up="keep", unit="mm")
    trc = read_trc(written.path)
    assert trc.frames == list(range(3, 25))
    means = {record.frame: record.mean.numpy() for record in harvest.iter_frames()}
    for gap in (5, 7):
        np.testing.assert_allclose(trc.points[gap - 2], (means[gap - 1] + means[gap + 1]) / 2, rtol=1e-6, atol=1e-4)
    note = next(finding for finding in written.findings if finding.topic == "gaps")
    assert note.severity == "warning"
    assert note.message.startswith("2 of 22 frames show no marker (from 0: 5, 7): filled by straight lines")


def test_frames_without_a_marker_at_the_ends_have_no_row_and_what_cannot_be_filled_is_named(tmp_path: Path) -> None:
    records = make_records(range(8))
    for record in (records[0], records[1], records[4], records[7]):
        record.supported[:] = False
    records[3].supported[1:] = False
    records[5].supported[:1] = False
    written = export_with_findings(write_harvest(tmp_path / "h", records), "trc", tmp_path / "a.trc")
    trc = read_trc(written.path)
    assert trc.frames == [3, 4, 5, 6, 7]
    assert int(trc.header["NumFrames"]) == 5
    assert np.isnan(trc.points).all(axis=(1, 2)).tolist() == [False, False, True, False, False]
    note = next(finding for finding in written.findings if finding.topic == "gaps")
    assert "4 of 8 frames show no marker (from 0: 0-1, 4, 7)" in note.message
    assert "no marker is shown both before and after 4: OpenSim's inverse kinematics ends there" in note.message


def test_markers_have_the_names_of_pose2sim(harvest: Harvest, tmp_path: Path) -> None:
    own = read_trc(export(harvest, "trc", tmp_path / "a.trc"))
    trc = read_trc(export(harvest, "trc", tmp_path / "b.trc", markers="pose2sim"))
    assert {"RKnee", "LWrist", "Hip", "Neck", "Head"} < set(trc.markers)
    for name, joint in (("RKnee", "right_knee"), ("LWrist", "left_wrist"), ("Hip", "pelvis"), ("Neck", "upper_neck")):
        np.testing.assert_array_equal(trc.points[:, trc.markers.index(name)], own.points[:, own.markers.index(joint)])


def test_a_frame_whose_joints_are_all_left_blank_is_a_gap_too(tmp_path: Path) -> None:
    records = make_records(range(6))
    records[2].supported[:] = False
    trc = read_trc(export(write_harvest(tmp_path / "h", records), "trc", tmp_path / "a.trc", gaps="skip"))
    assert trc.frames == [1, 2, 4, 5, 6]


@pytest.mark.parametrize("name", ["trc", "c3d"])
def test_nothing_to_write_is_an_error(name: str, tmp_path: Path) -> None:
    records = make_records(range(2))
    for record in records:
        record.supported[:] = False
    with pytest.raises(
        ConfigError, match="blank: expected a joint of person 0 to write, --blank unsupported leaves none"
    ):
        export(write_harvest(tmp_path / "h", records), name, tmp_path / "out")


def test_what_opensim_makes_of_the_names_is_said(harvest: Harvest, tmp_path: Path) -> None:
    findings = export_with_findings(harvest, "trc", tmp_path / "a.trc").findings
    assert (
        "markers are called as the joints are (right_ankle, "
        in next(f for f in findings if f.topic == "markers").message
    )


@pytest.mark.parametrize(
    ("start", "stop", "frames"), [(4, 10, range(4, 10)), (5, 9, range(6, 9)), (20, None, range(20, 24))]
)
def test_a_range_of_frames(start: int, stop: int | None, frames: range, harvest: Harvest, tmp_path: Path) -> None:
    trc = read_trc(export(harvest, "trc", tmp_path / "a.trc", start=start, stop=stop))
    assert trc.frames == [frame + 1 for frame in frames]


def test_a_range_without_the_person(harvest: Harvest, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"frames 5 to 5: expected person 0 in some, got none: change --start or --stop"
    ):
        export(harvest, "trc", tmp_path / "a.trc", start=5, stop=6)
    with pytest.raises(ConfigError, match="stop: expected a frame after the first, 5, got 5"):
        export(harvest, "trc", tmp_path / "a.trc", start=5, stop=5)


def test_up_that_is_no_axis(harvest: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='up: expected one of auto, x, -x, y, -y, z, -z, keep, got "north"'):
        export(harvest, "trc", tmp_path / "a.trc", up="north")
