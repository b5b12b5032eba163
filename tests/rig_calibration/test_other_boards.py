"""A board that is not found: what is there instead is said."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from poseharvest.boards.board import Board
from poseharvest.boards.rectangles import draw_board
from poseharvest.rig_calibration.other_boards import explain

BOARD = Board("charuco", 7, 6, 30.0, None, "DICT_4X4_1000")


def pictures(board, count=1):
    drawn = cv2.GaussianBlur(draw_board(board, 2.5, 25.0), (0, 0), 0.8)
    return [np.repeat(drawn[..., None], 3, -1)] * count


@pytest.mark.parametrize(
    ("asked", "there", "reason"),
    [
        (BOARD, Board("charuco", 6, 7, 30.0, None, "DICT_4X4_1000"), "a board of 6 x 7 squares is there: exchange"),
        (BOARD, Board("charuco", 7, 6, 30.0, None, "DICT_6X6_1000"), "markers of DICT_6X6_1000 are there"),
        (BOARD, replace(BOARD, inverted=True), "light and dark exchanged: --inverted"),
        (BOARD, replace(BOARD, legacy=True), "the old pattern of OpenCV before 4.6 is there: --legacy"),
        (BOARD, Board("chessboard", 7, 6, 30.0), "a plain chessboard is there"),
        (
            Board("chessboard", 8, 5, 30.0),
            Board("chessboard", 9, 6, 30.0),
            "9 x 6 squares is there: count squares, not",
        ),
    ],
    ids=["exchanged", "dictionary", "inverted", "legacy", "plain", "inner corners"],
)
def test_another_board_is_named(asked, there, reason):
    assert reason in (explain(asked, pictures(there)) or "")


def test_mirrored_pictures_are_named():
    turned = [np.ascontiguousarray(one[:, ::-1]) for one in pictures(BOARD)]
    assert "mirrored pictures" in (explain(BOARD, turned) or "")


def test_an_empty_picture_explains_nothing():
    assert explain(BOARD, [np.full((240, 320, 3), 90, np.uint8)]) is None
