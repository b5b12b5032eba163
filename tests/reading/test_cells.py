from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from poseharvest.geometry.crop import Crop
from poseharvest.localization.boxes import Boxes, read_boxes, write_boxes
from poseharvest.reading.cells import plain_cell, safe_cell

TEXTS = st.text(st.sampled_from("=+-@'a1\t\r ")) | st.text()


@given(TEXTS)
def test_no_cell_begins_like_a_formula_and_every_text_comes_back(text):
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain_cell(cell) == text


@given(st.lists(TEXTS, min_size=1))
def test_tables_hold_them(texts):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerow(map(safe_cell, texts))
    (row,) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert [plain_cell(cell) for cell in row] == texts


def test_boxes_of_a_view_with_such_a_name_come_back(tmp_path):
    boxes = Boxes({(0, "=cam"): Crop((10.0, 20.0), 50.0), (1, "'a"): Crop((10.0, 20.0), 50.0)})
    write_boxes(boxes, tmp_path / "boxes.csv")
    assert "\n0,'=cam," in (tmp_path / "boxes.csv").read_text()
    assert read_boxes(tmp_path / "boxes.csv").views == boxes.views
