"""Arrow columns from buffers equal those of PyArrow's own conversions, which would load pandas."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from poseharvest.storage.columns import column, repeated_names, values_of

NUMBERS = hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats())
FLAGS = hnp.arrays(np.bool_, st.integers(0, 40))


@settings(deadline=None)  # the first of PyArrow's own conversions loads pandas
@given(NUMBERS, st.booleans())
def test_numbers_are_those_of_pyarrow(values: NDArray[np.float64], nan_is_null: bool) -> None:
    array = column(values, pa.float64(), nan_is_null=nan_is_null)
    array.validate(full=True)
    assert array.null_count == (np.isnan(values).sum() if nan_is_null else 0)
    expected = pa.array(values, pa.float64(), from_pandas=nan_is_null)
    assert array.is_valid().equals(expected.is_valid())
    np.testing.assert_array_equal(array.to_numpy(zero_copy_only=False), expected.to_numpy(zero_copy_only=False))
    np.testing.assert_array_equal(values_of(array), values)


@settings(deadline=None)
@given(FLAGS)
def test_flags_are_those_of_pyarrow(values: NDArray[np.bool_]) -> None:
    array = column(values, pa.bool_())
    array.validate(full=True)
    assert array.equals(pa.array(values))
    np.testing.assert_array_equal(values_of(array), values)


@pytest.mark.parametrize("kind", [pa.int16(), pa.int32(), pa.float32()])
def test_numbers_of_any_width(kind: pa.DataType) -> None:
    array = column([3, -1, 2], kind)
    assert array.equals(pa.array([3, -1, 2], kind))
    assert values_of(array).tolist() == [3, -1, 2]


@settings(deadline=None)
@given(NUMBERS, st.integers(0, 5), st.integers(0, 5))
def test_part_of_a_column_is_read_from_where_it_begins(values: NDArray[np.float64], skip: int, length: int) -> None:
    part = slice(skip, skip + length)
    array = column(values, pa.float64(), nan_is_null=True).slice(skip, length)
    np.testing.assert_array_equal(values_of(array), values[part])
    np.testing.assert_array_equal(values_of(column(values > 0, pa.bool_()).slice(skip, length)), (values > 0)[part])


def test_chunks_are_read_as_one() -> None:
    chunks = pa.chunked_array([pa.array([1.0, None]), pa.array([3.0])])
    np.testing.assert_array_equal(values_of(chunks), [1.0, np.nan, 3.0])


@pytest.mark.parametrize("names", [("head", "left_hand"), ("Kamera Süd", "", "c")])
def test_names_are_repeated(names: tuple[str, ...]) -> None:
    array = repeated_names(names, 3)
    array.validate(full=True)
    assert array.type == pa.dictionary(pa.int16(), pa.string())
    assert array.to_pylist() == [*names] * 3


_WRITE_AND_READ = """
import sys
from pathlib import Path
from harvest_kit import make_records, write_harvest
records = list(write_harvest(Path(sys.argv[1]), make_records(range(9))).iter_frames())
sys.stdout.write(f"{len(records)} {'pandas' in sys.modules}")
"""


@pytest.mark.skipif(find_spec("pandas") is None, reason="needs pandas, to see that it is not loaded")
def test_a_harvest_is_written_and_read_without_pandas(tmp_path: Path) -> None:
    """Loading pandas would take 45 MB of memory and half a second."""
    command = [sys.executable, "-c", _WRITE_AND_READ, str(tmp_path / "h")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert process.stdout == "9 False"
