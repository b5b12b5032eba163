"""C3D decoded by hand, from the format's description, and by ezc3d: points, gaps, residuals, header and axes."""

from __future__ import annotations

import math
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harvest_kit import FRAME_RATE, make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.c3d import MOST_FRAMES, SCREENS
from poseharvest.export.registry import export, export_with_findings

ezc3d = pytest.importorskip("ezc3d")


def by_hand(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return points (F, J, 3), NaN if missing, residuals (F, J) in the file's unit, and the first frame."""
    content = path.read_bytes()
    assert content[1] == 80, "no C3D file"
    num_points, _, first, last = struct.unpack_from("<HHHH", content, 2)
    scale, data_block = struct.unpack_from("<fH", content, 12)
    assert scale < 0, "integer positions"
    num_frames = last - first + 1
    words = np.frombuffer(content, "<f4", num_frames * num_points * 4, (data_block - 1) * 512)
    words = words.reshape(num_frames, num_points, 4).astype(float)
    missing = words[..., 3] < 0
    residuals = np.where(missing, -1, (words[..., 3].astype(int) & 0xFF) * -scale)
    return np.where(missing[..., None], np.nan, words[..., :3]), residuals, first - 1


@pytest.mark.parametrize(("unit", "mm"), [("mm", 1.0), ("cm", 10.0), ("m", 1000.0)])
def test_positions_and_residuals_come_back(unit, mm, harvest: Harvest, tmp_path: Path) -> None:
    path = export(harvest, "c3d", tmp_path / "a.c3d", unit=unit)
    points, residuals, first = by_hand(path)
    assert first == 2
    rows = {row.annotations.frame: row for row in harvest.iter_selected()}
    assert len(points) == 22
    for frame, (found, residual) in enumerate(zip(points, residuals, strict=True), 2):
        if frame not in rows:
            assert np.isnan(found).all()
            assert (residual == -1).all()
            continue
        row = rows[frame]
        shown = row.annotations.supported.numpy()
        np.testing.assert_allclose(found[shown] * mm, row.annotations.mean.numpy()[shown], rtol=1e-6, atol=1e-3)
        assert np.isnan(found[~shown]).all()
        sigma = row.sigma_mm.numpy()[shown].clip(max=255)
        assert (residual[shown] * mm >= sigma - 1e-3).all()
        assert (residual[shown] * mm < sigma + 1 + 1e-3).all()


def test_what_it_says_about_itself(harvest: Harvest, tmp_path: Path) -> None:
    parameters = ezc3d.c3d(str(export(harvest, "c3d", tmp_path / "a.c3d")))["parameters"]
    point = parameters["POINT"]
    assert point["LABELS"]["value"] == list(harvest.skeleton.joints)
    assert point["UNITS"]["value"] == ["mm"]
    assert point["RATE"]["value"] == [FRAME_RATE]
    assert (point["X_SCREEN"]["value"], point["Y_SCREEN"]["value"]) == (["+X"], ["+Z"])
    assert parameters["MANUFACTURER"]["SOFTWARE"]["value"] == ["poseharvest"]


def test_every_fifth_frame_has_a_fifth_of_the_rate(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records([0, 5, 10, 20]))
    path = export(harvest, "c3d", tmp_path / "a.c3d")
    points, _, _ = by_hand(path)
    assert np.isnan(points).all(axis=(1, 2)).tolist() == [False, False, False, True, False]
    assert ezc3d.c3d(str(path))["header"]["points"]["frame_rate"] == FRAME_RATE / 5


def test_unreliable_points_can_be_left_out(harvest: Harvest, tmp_path: Path) -> None:
    points, _, first = by_hand(export(harvest, "c3d", tmp_path / "a.c3d", blank="unselected"))
    selected = {row.annotations.frame: row.selected.numpy() for row in harvest.iter_selected()}
    for frame, found in enumerate(points, first):
        np.testing.assert_array_equal(~np.isnan(found[:, 0]), selected.get(frame, np.zeros(16, bool)))


def test_the_largest_residual_is_what_a_byte_holds(tmp_path: Path) -> None:
    record = make_records([0])[0]
    record.cov[:] = record.cov / math.exp(float(np.linalg.slogdet(record.cov[0].numpy())[1]) / 3) * 400.0**2
    _, residuals, _ = by_hand(export(write_harvest(tmp_path / "h", [record]), "c3d", tmp_path / "a.c3d"))
    assert residuals[0, 0] == 255


def test_frames_without_a_point_are_named_and_can_be_filled(harvest: Harvest, tmp_path: Path) -> None:
    plain = export_with_findings(harvest, "c3d", tmp_path / "a.c3d", blank="none")
    note = next(finding for finding in plain.findings if finding.topic == "gaps")
    assert note.message.startswith("2 of 22 frames show no marker (from 0: 5, 7): their points are missing")
    filled = export_with_findings(harvest, "c3d", tmp_path / "b.c3d", blank="none", gaps="fill")
    assert "filled by straight lines" in next(f.message for f in filled.findings if f.topic == "gaps")
    before, after = by_hand(plain.path)[0], by_hand(filled.path)[0]
    for gap in (3, 5):
        assert np.isnan(before[gap]).all()
        np.testing.assert_allclose(after[gap], (after[gap - 1] + after[gap + 1]) / 2, rtol=1e-5, atol=1e-3)
    names = ezc3d.c3d(str(export(harvest, "c3d", tmp_path / "c.c3d", markers="pose2sim")))["parameters"]["POINT"]
    assert {"RKnee", "LWrist", "Hip", "Neck"} < set(names["LABELS"]["value"])


@pytest.mark.parametrize("up", SCREENS)
def test_screens_are_two_axes_and_the_second_points_up(up, harvest: Harvest, tmp_path: Path) -> None:
    point = ezc3d.c3d(str(export(harvest, "c3d", tmp_path / "a.c3d", up=up)))["parameters"]["POINT"]
    right, upwards = point["X_SCREEN"]["value"][0], point["Y_SCREEN"]["value"][0]
    assert upwards == ("-" if up.startswith("-") else "+") + up[-1].upper()
    assert right[1] != upwards[1]


def test_one_of_several_persons(harvest_of_two: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a C3D file holds one person, this harvest holds 0, 3: choose one"):
        export(harvest_of_two, "c3d", tmp_path / "a.c3d")
    points, _, _ = by_hand(export(harvest_of_two, "c3d", tmp_path / "a.c3d", person=3))
    means = [record.mean.numpy() for record in harvest_of_two.iter_frames() if record.person == 3]
    np.testing.assert_allclose(points[:, :15], np.array(means)[:, :15], rtol=1e-6, atol=1e-3)


def read_with_ezc3d(path: Path) -> tuple[int, NDArray[np.float64]]:
    """Return the first frame from 0 and points (F, J, 3)."""
    content = ezc3d.c3d(str(path))
    return content["header"]["points"]["first_frame"], content["data"]["points"][:3].transpose(2, 1, 0)


@pytest.mark.parametrize("first", [0, 65529, 65530, 65535, 65536, 131071, 10_000_000])
def test_the_first_frame_is_right_or_named(first: int, tmp_path: Path) -> None:
    """Five frames: up to 65529 the format can count them, later ones are counted from 1."""
    records = make_records([first, first + 1, first + 4])
    written = export_with_findings(write_harvest(tmp_path / "h", records), "c3d", tmp_path / "a.c3d", blank="none")
    found, points = read_with_ezc3d(written.path)
    expected, _, first_by_hand = by_hand(written.path)
    messages = [finding.message for finding in written.findings if finding.topic == "frames"]
    assert found == first_by_hand == (first if first <= 65529 else 0)
    assert bool(messages) == (first > 65529)
    assert all(
        f"the file's first frame is the capture's frame {first}, {first / FRAME_RATE:.3f} s" in m for m in messages
    )
    assert ezc3d.c3d(str(written.path))["parameters"]["POSEHARVEST"]["FIRST_FRAME"]["value"] == [first]
    np.testing.assert_allclose(points, expected)
    np.testing.assert_allclose(points[[0, 1, 4]], [record.mean.numpy() for record in records], rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize(("step", "first"), [(1, 0), (1, 70_000), (3, 9)])
def test_more_frames_than_readers_take_are_refused_and_the_parts_named_hold_them_all(step, first, tmp_path) -> None:
    last = first + step * 65_540
    harvest = write_harvest(tmp_path / "h", make_records([first, first + step, last - step, last]))
    stop = first + step * MOST_FRAMES
    message = f"got 65541, {first} to {last}: write parts, the first with --start {first} --stop {stop}, the next with"
    with pytest.raises(ConfigError, match=message):
        export(harvest, "c3d", tmp_path / "a.c3d")
    assert not (tmp_path / "a.c3d").exists()
    whole = [frame for part in ((first, stop), (stop, None)) for frame in _frames_of(harvest, *part, tmp_path)]
    assert whole == [first, first + step, last - step, last]


def _frames_of(harvest: Harvest, start: int, stop: int | None, folder: Path) -> list[int]:
    """Return the capture's frames with points in an export of a range, as ezc3d reads it."""
    path = export(harvest, "c3d", folder / f"{start}.c3d", start=start, stop=stop, blank="none")
    content = ezc3d.c3d(str(path))
    step = round(FRAME_RATE / content["header"]["points"]["frame_rate"])
    first = int(content["parameters"]["POSEHARVEST"]["FIRST_FRAME"]["value"][0])
    shown = ~np.isnan(content["data"]["points"][0]).all(axis=0)
    return [first + step * int(index) for index in np.flatnonzero(shown)]


def test_the_missing_library_is_named(harvest: Harvest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(ConfigError, match=r"needs ezc3d: pip install 'poseharvest\[c3d\]'"):
        export(harvest, "c3d", tmp_path / "a.c3d")
    assert not (tmp_path / "a.c3d").exists()
