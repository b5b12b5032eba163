"""Boxes from a file: their windows, and what is wrong with a file, by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseharvest.errors import FormatError
from poseharvest.localization.boxes import read_boxes

HEADER = "frame,view,x,y,width,height"


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_windows_by_hand(tmp_path: Path) -> None:
    """Columns 10 to 29 have their middle at 19.5, rows 100 to 179 at 139.5; the window is 1.25 times as long."""
    boxes = read_boxes(write(tmp_path, HEADER, "3,left,10,100,20,80", '4,"right, low",0.5,0,64.0,32'))
    crop = boxes.at(3, "left")
    assert crop is not None
    assert crop.center == (19.5, 139.5)
    assert crop.side == 100
    assert boxes.at(4, "right, low") is not None
    assert boxes.at(4, "left") is None
    assert boxes.views == ("left", "right, low")


def test_columns_in_any_order_and_from_a_spreadsheet(tmp_path: Path) -> None:
    path = write(tmp_path, "note,height,width,y,x,view,frame", "tall,80,20,100,10,left,3")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    crop = read_boxes(path).at(3, "left")
    assert crop is not None
    assert crop.center == (19.5, 139.5)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,left,ten,0,5,5", "line 3: expected numbers, got frame 1, view left, x ten, y 0, width 5, height 5"),
        ("1.5,left,0,0,5,5", "line 3: expected numbers"),
        ("1,left,0,0,5", "line 3: expected numbers, got .* height None"),
        ("1,left,nan,0,5,5", "line 3: expected a frame from 0 and finite numbers"),
        ("1,left,0,0,inf,5", "line 3: expected a frame from 0 and finite numbers"),
        ("-1,left,0,0,5,5", "line 3: expected a frame from 0"),
        ("1,left,0,0,5,0", "line 3: expected a positive width and height, got 5 x 0"),
        ("0,left,9,9,9,9", 'line 3: expected one box a frame and view, got another for frame 0, "left"'),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(FormatError, match=f"boxes.csv: {message}"):
        read_boxes(write(tmp_path, HEADER, "0,left,0,0,5,5", row))


def test_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"boxes.csv: expected the columns frame, view, .*, missing width, height"):
        read_boxes(write(tmp_path, "frame,view,x,y", "0,left,0,0"))


def test_a_file_that_is_no_csv(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none.csv: boxes cannot be read: No such file"):
        read_boxes(tmp_path / "none.csv")
    path = tmp_path / "boxes.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(FormatError, match=r"boxes.csv: expected a CSV file in UTF-8"):
        read_boxes(path)
