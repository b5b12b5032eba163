"""Display matrices: against the arithmetic that defines them, pixel by pixel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from poseharvest.capture.orientation import Orientation, orientation_from_matrix

ONE = 1 << 16
SIGNS = list(itertools.product((-1, 1), repeat=2))
QUARTER_TURNS = [(a, 0, 0, d) for a, d in SIGNS] + [(0, b, c, 0) for b, c in SIGNS]


def matrix(a: float, b: float, c: float, d: float) -> bytes:
    entries = [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]
    return np.asarray(entries, dtype=np.int32).tobytes()


@pytest.mark.parametrize("entries", QUARTER_TURNS)
def test_every_pixel_lands_where_the_matrix_maps_it(entries):
    a, b, c, d = entries
    stored = np.random.default_rng(1).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    orientation = orientation_from_matrix(matrix(a, b, c, d))
    image = orientation.upright(stored)
    assert orientation.size((3, 5)) == image.shape[:2]
    q, p = np.mgrid[:3, :5]
    x, y = a * p + c * q, b * p + d * q
    np.testing.assert_array_equal(image[y - y.min(), x - x.min()], stored)


def test_there_are_eight_orientations():
    orientations = {orientation_from_matrix(matrix(*q)) for q in QUARTER_TURNS}
    assert len(orientations) == 8
    assert orientation_from_matrix(matrix(1, 0, 0, 1)) == Orientation()


def test_upright_pictures_are_contiguous():
    stored = np.zeros((3, 5, 3), dtype=np.uint8)
    assert Orientation(transpose=True, flip_x=True).upright(stored).flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("entries", [(0.7071, 0.7071, -0.7071, 0.7071), (0, 0, 0, 0), (2, 0, 0, 2), (1, 0, 1, 1)])
def test_no_quarter_turn_is_an_error(entries):
    with pytest.raises(ValueError, match="expected a quarter turn, got the display matrix"):
        orientation_from_matrix(matrix(*entries))
