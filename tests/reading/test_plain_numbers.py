"""Numbers of documents, which are as large as their author likes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.reading.plain_numbers import finite_number


@given(st.integers(min_value=-(2**60), max_value=2**60) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_stays_what_it_is(value):
    assert finite_number(value) == float(value)


@pytest.mark.parametrize("value", [True, None, "3", [3], math.nan, math.inf, -math.inf, 10**400, -(10**400)])
def test_what_is_no_finite_number_is_none(value):
    assert finite_number(value) is None
