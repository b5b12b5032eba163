"""Corners in drawn pictures of boards: at their places, with their numbers, from any side."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poseharvest.boards.board import Board
from poseharvest.boards.detection import BoardDetector
from poseharvest.boards.rectangles import dark_rectangles, draw_board

CHARUCO = Board("charuco", 7, 5, 32.0, 24.0, "DICT_5X5_50")
CHESSBOARD = Board("chessboard", 8, 5, 32.0)
EVERY = pytest.mark.parametrize("board", [CHARUCO, CHESSBOARD, replace(CHARUCO, inverted=True)], ids=str)
PX_PER_MM, MARGIN_MM = 3.0, 25.0


def picture(board):
    drawn = draw_board(board, PX_PER_MM, MARGIN_MM)
    return np.repeat(cv2.GaussianBlur(drawn, (0, 0), 0.8)[..., None], 3, -1)


def places(board):
    return PX_PER_MM * (board.corner_points[:, :2] + MARGIN_MM) - 0.5


@EVERY
def test_corners_are_where_they_are_drawn(board):
    found = BoardDetector(board).detect(picture(board))
    assert found is not None
    assert len(found) == board.num_corners
    np.testing.assert_allclose(found.pixels, places(board)[found.ids], atol=0.15)


@EVERY
def test_a_picture_upside_down_has_the_same_corners(board):
    upright = picture(board)
    found = BoardDetector(board).detect(np.ascontiguousarray(upright[::-1, ::-1]))
    assert found is not None
    ends = np.array(upright.shape[1::-1]) - 1
    np.testing.assert_allclose(ends - found.pixels, places(board)[found.ids], atol=0.15)


def test_a_mirrored_charuco_board_is_not_found():
    assert BoardDetector(CHARUCO).detect(np.ascontiguousarray(picture(CHARUCO)[:, ::-1])) is None


def test_part_of_a_charuco_board_is_enough_and_of_a_chessboard_is_not():
    shown = BoardDetector(CHARUCO).detect(np.ascontiguousarray(picture(CHARUCO)[:, : int(0.6 * 7 * 32 * PX_PER_MM)]))
    assert shown is not None
    assert 6 <= len(shown) < CHARUCO.num_corners
    np.testing.assert_allclose(shown.pixels, places(CHARUCO)[shown.ids], atol=0.2)
    half = np.ascontiguousarray(picture(CHESSBOARD)[:, : int(0.5 * 8 * 32 * PX_PER_MM)])
    assert BoardDetector(CHESSBOARD).detect(half) is None


def test_nothing_is_found_in_an_empty_picture():
    assert BoardDetector(CHARUCO).detect(np.full((240, 320, 3), 128, np.uint8)) is None


@pytest.mark.parametrize("legacy", [False, True])
def test_a_drawn_charuco_board_is_opencv_s(legacy):
    """Two ways to one picture: our rectangles, and OpenCV's drawing. Sizes are whole pixels."""
    board = Board("charuco", 5, 6, 8.0, 6.0, "DICT_4X4_50", legacy=legacy)
    ours = draw_board(board, 10.0)
    theirs = board.charuco.generateImage((5 * 80, 6 * 80))
    assert np.array_equal(ours, theirs)


def test_dark_rectangles_do_not_overlap():
    board = replace(CHARUCO, dictionary="DICT_4X4_50")  # all edges at whole pixels
    rectangles = dark_rectangles(board)
    area = (rectangles[:, 2] * rectangles[:, 3]).sum() * 4.0**2
    assert (draw_board(board, 4.0) == 0).sum() == pytest.approx(area)
