"""Sheets to print: true sizes, words on them, and nothing overwritten."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

import cv2
import numpy as np
import pytest

from poseharvest.boards.board import Board
from poseharvest.boards.detection import BoardDetector
from poseharvest.boards.printing import write_board
from poseharvest.boards.rectangles import dark_rectangles
from poseharvest.errors import ConfigError, StoreError

BOARD = Board("charuco", 7, 5, 30.0)
RECTANGLE = re.compile(rb"^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$", re.MULTILINE)


def test_a_png_has_its_resolution_and_its_squares_their_size(tmp_path):
    path = tmp_path / "board.png"
    page = write_board(BOARD, path, paper="A4", dpi=200)
    data = path.read_bytes()
    at = data.index(b"pHYs")
    x, y, unit = struct.unpack(">IIB", data[at + 4 : at + 13])
    assert (x, y, unit) == (7874, 7874, 1)  # 200 / 0.0254 a metre
    picture = cv2.imread(str(path))
    assert picture.shape[:2] == tuple(round(side / 25.4 * 200) for side in page[::-1])
    found = BoardDetector(BOARD).detect(picture)
    assert found is not None
    assert len(found) == BOARD.num_corners
    across = np.linalg.norm(found.pixels[5] - found.pixels[0])
    assert across / (200 / 25.4) == pytest.approx(5 * 30.0, abs=0.1)


def test_a_pdf_has_the_rectangles_of_the_board_and_its_words(tmp_path):
    path = tmp_path / "board.pdf"
    page = write_board(BOARD, path)
    data = path.read_bytes()
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert [float(side) * 25.4 / 72 for side in box.groups()] == pytest.approx(page, abs=1e-3)
    drawn = np.array([[float(number) for number in row] for row in RECTANGLE.findall(data)]) * 25.4 / 72
    wanted = dark_rectangles(BOARD)
    sizes = drawn[: len(wanted), 2:]
    np.testing.assert_allclose(sizes, wanted[:, 2:], atol=1e-3)
    np.testing.assert_allclose(np.diff(drawn[: len(wanted), 0]), np.diff(wanted[:, 0]), atol=1e-3)
    assert drawn[len(wanted), 2] == pytest.approx(100.0, abs=1e-3)  # the line to check the printer with
    text = b" ".join(re.findall(rb"\((.*?)\) Tj", data)).replace(b"\\", b"")
    assert b"ChArUco board of 7 x 5 squares of 30 mm" in text
    assert b"6 x 4 inner corners" in text


def test_a_pdf_s_table_points_at_its_objects(tmp_path):
    path = tmp_path / "board.pdf"
    write_board(BOARD, path)
    data = path.read_bytes()
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF", data)[1])
    entries = re.findall(rb"^(\d{10}) \d{5} n ", data[start:], re.MULTILINE)
    assert len(entries) == 5
    for number, offset in enumerate(entries, 1):
        assert data[int(offset) :].startswith(b"%d 0 obj\n" % number)


def test_a_paper_is_turned_if_needed_and_refused_if_too_small(tmp_path):
    assert write_board(BOARD, tmp_path / "a.pdf", paper="A4") == (297.0, 210.0)
    with pytest.raises(ConfigError, match="need a page of 440 x 336 mm, got A4: take smaller squares or larger paper"):
        write_board(replace(BOARD, square_mm=60.0), tmp_path / "b.pdf", paper="A4")


def test_wrong_requests_are_refused_and_nothing_is_overwritten(tmp_path):
    with pytest.raises(ConfigError, match=r'print_board: expected a file called .pdf or .png, got "board.svg"'):
        write_board(BOARD, tmp_path / "board.svg")
    with pytest.raises(ConfigError, match="dpi: expected 50 to 2400, got 5"):
        write_board(BOARD, tmp_path / "board.png", dpi=5)
    with pytest.raises(ConfigError, match="inverted: a board is printed black on white"):
        write_board(replace(BOARD, inverted=True), tmp_path / "board.png")
    (tmp_path / "board.pdf").write_text("mine")
    with pytest.raises(StoreError, match="already exists"):
        write_board(BOARD, tmp_path / "board.pdf")
    assert (tmp_path / "board.pdf").read_text() == "mine"
    write_board(BOARD, tmp_path / "board.pdf", overwrite=True)
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF")
