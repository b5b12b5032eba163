"""Boards: their corners, their symmetry, and what is no board."""

from __future__ import annotations

import numpy as np
import pytest

from poseharvest.boards.board import Board, parse_squares
from poseharvest.errors import ConfigError

CHARUCO = Board("charuco", 7, 5, 40.0)


@pytest.mark.parametrize("board", [CHARUCO, Board("charuco", 4, 8, 25.0, 15.0, "DICT_4X4_50")])
def test_corners_are_those_of_opencv(board):
    np.testing.assert_allclose(board.corner_points, board.charuco.getChessboardCorners(), atol=1e-4)
    assert board.num_corners == len(board.corner_points)


def test_half_a_turn_twice_is_none_and_reverses_the_corners():
    board = Board("chessboard", 8, 6, 30.0)
    np.testing.assert_allclose(board.half_turn @ board.half_turn, np.eye(4), atol=1e-12)
    turned = board.corner_points @ board.half_turn[:3, :3].T + board.half_turn[:3, 3]
    np.testing.assert_allclose(turned, board.corner_points[::-1], atol=1e-12)


@pytest.mark.parametrize(("squares", "is_symmetric"), [((8, 6), True), ((9, 7), True), ((9, 6), False)])
def test_a_chessboard_is_symmetric_if_the_sum_of_its_sides_is_even(squares, is_symmetric):
    assert Board("chessboard", *squares, 30.0).is_symmetric is is_symmetric
    assert not Board("charuco", *squares, 30.0).is_symmetric


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dots", 7, 5, 40.0), 'board: expected charuco or chessboard, got "dots"'),
        (("charuco", 2, 5, 40.0), "expected 3 to 60 columns of squares, got 2"),
        (("charuco", 7, 5, 0.0), "square_mm: expected a length above 0 mm, got 0"),
        (("charuco", 7, 5, float("nan")), "square_mm: expected a length above 0 mm, got nan"),
        (("charuco", 7, 5, 40.0, 40.0), "marker_mm: expected less than the square's 40 mm, got 40"),
        (("charuco", 7, 5, 40.0, None, "DICT_9X9"), 'dictionary: expected a name of OpenCV .*, got "DICT_9X9"'),
        (("charuco", 12, 12, 40.0, None, "DICT_4X4_50"), "needs 72 markers, got DICT_4X4_50 with 50"),
        (("chessboard", 6, 6, 40.0), "looks the same in four positions: expected unequal numbers"),
    ],
)
def test_impossible_boards_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Board(*arguments)


def test_squares_are_read_from_text():
    assert parse_squares("7x5") == (7, 5)
    assert parse_squares(" 12 X 9 ") == (12, 9)
    with pytest.raises(ConfigError, match='squares: expected columns and rows of squares, as in 7x5, got "7,5"'):
        parse_squares("7,5")
