"""Truth tables: read in both formats, and refused by name where they are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseharvest.errors import FormatError, ShapeError
from poseharvest.evaluation.tracks import PoseTracks, harvest_tracks, read_tracks


def write(path: Path, **columns: object) -> Path:
    fields = {"frame": [4, 4], "joint": ["hip", "knee"], "x": [1.0, 2], "y": [3.0, 4], "z": [5.0, 6]} | columns
    pq.write_table(pa.table({name: values for name, values in fields.items() if values is not None}), path)
    return path


def test_parquet_and_csv_hold_the_same(tmp_path):
    text = "frame,joint,x,y,z,note\n7,hip,1.5,2,3,a\n7,knee,,,,b\n9,knee,4,5,6,c\n"
    (tmp_path / "t.csv").write_text(text)
    found = read_tracks(tmp_path / "t.csv")
    assert found.joints == ("hip", "knee")
    assert found.frames.tolist() == [7, 9]
    assert found.persons.tolist() == [0, 0]
    nan = np.nan
    expected = np.array([[[1.5, 2, 3], [nan, nan, nan]], [[nan, nan, nan], [4, 5, 6]]])
    np.testing.assert_array_equal(found.positions, expected)
    columns = {"frame": [7, 7, 9], "joint": ["hip", "knee", "knee"], "x": [1.5, None, 4.0], "y": [2.0, None, 5.0]}
    write(tmp_path / "t.parquet", **columns, z=[3.0, None, 6.0])
    np.testing.assert_array_equal(read_tracks(tmp_path / "t.parquet").positions, expected)


def test_rows_may_come_in_any_order_and_people_apart(tmp_path):
    path = write(tmp_path / "t.parquet", frame=[3, 1, 3], joint=["hip"] * 3, person=[1, 0, 0], x=[1.0, 2, 3], **ONES)
    found = read_tracks(path)
    assert found.frames.tolist() == [1, 3, 3]
    assert found.persons.tolist() == [0, 0, 1]
    assert found.positions[:, 0, 0].tolist() == [2, 3, 1]


ONES = {"y": [1.0] * 3, "z": [1.0] * 3}


def test_the_annotations_of_a_harvest_are_such_a_table(walk):
    from_file = read_tracks(walk.path / "annotations" / "part-00000.parquet")
    ours = harvest_tracks(walk)
    assert from_file.joints == ours.joints
    known = np.isfinite(ours.positions[:16])
    np.testing.assert_array_equal(from_file.positions[known], ours.positions[:16][known])


def test_what_no_camera_sees_is_not_known(walk):
    tracks = harvest_tracks(walk)
    unseen = ~np.isfinite(tracks.positions).all(-1)
    assert list(zip(*np.nonzero(unseen), strict=True)) == [(5, tracks.joints.index("right_wrist"))]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"z": None}, "expected the columns frame, joint, x, y, z, missing z"),
        ({"y": ["a", "b"]}, 'column "y": expected numbers'),
        ({"joint": ["hip", "hip"]}, 'joint "hip" of person 0 in frame 4 is given twice'),
        ({"frame": [4, None]}, "expected rows with a frame and a person"),
        ({"frame": [], "joint": [], "x": [], "y": [], "z": []}, "got 0 rows"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path, columns, message):
    path = write(tmp_path / "truth.parquet", **columns)
    with pytest.raises(FormatError, match=message) as caught:
        read_tracks(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_text("no")
    with pytest.raises(FormatError, match=r"t.parquet: expected a table of positions, got"):
        read_tracks(tmp_path / "t.parquet")
    with pytest.raises(FormatError, match=r"t.npz: expected a table of positions in .parquet or .csv"):
        read_tracks(tmp_path / "t.npz")
    with pytest.raises(FormatError, match=r"u.csv: expected a table of positions, got"):
        read_tracks(tmp_path / "u.csv")


def test_sizes_must_fit():
    with pytest.raises(ShapeError, match=r"positions of shape \(2, 1, 3\), got \(1, 1, 3\)"):
        PoseTracks(("a",), np.zeros(2, int), np.zeros(2, int), np.zeros((1, 1, 3)))
