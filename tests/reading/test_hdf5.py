"""HDF5 files: lists of texts, tables, attributes, and files that reach beyond themselves."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from poseharvest.errors import FormatError
from poseharvest.reading import hdf5
from poseharvest.reading.hdf5 import open_hdf5

TABLE = np.zeros(3, dtype=[("index", "<i8"), ("values", "<f8", (2, 4))])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.h5"
    TABLE["index"], TABLE["values"] = np.arange(3), np.arange(24.0).reshape(3, 2, 4)
    with h5py.File(path, "w") as file:
        file["group/table"] = TABLE
        file["names"] = np.array(["nose", "für"], dtype=h5py.string_dtype())
        file["short"] = np.array([b"nose", b"ear"])
        file["group/table"].attrs["text"] = np.bytes_(b"bytes\x00within")
        file["group/table"].attrs["word"] = "word"
        file["group/table"].attrs["number"] = 7
        file["notes"] = np.array([("a", 1)], dtype=[("text", "S4"), ("number", "i4")])
    return path


def test_texts_tables_and_attributes(path):
    with open_hdf5(path) as file:
        assert file.texts("names") == ["nose", "für"]
        assert file.texts("short") == ["nose", "ear"]
        columns = file.columns("group/table")
        assert columns.keys() == {"index", "values"}
        np.testing.assert_array_equal(columns["values"], TABLE["values"])
        assert file.attribute("group/table", "text") == b"bytes\x00within"
        assert file.attribute("group/table", "word") == b"word"
        assert file.attribute("group/table", "number") is None
        assert file.attribute("group/table", "gone") is None
        file.check_all()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda file: file.texts("group/table"), "expected a list of texts"),
        (lambda file: file.columns("names"), "expected a table of numbers"),
        (lambda file: file.columns("notes"), "expected a table of numbers"),
        (lambda file: file.array("names"), "expected numbers in this file"),
        (lambda file: file.texts("gone"), 'expected a data set "gone", got'),
        (lambda file: file.attribute("gone", "x"), 'expected "gone" in HDF5, got nothing'),
    ],
)
def test_what_is_something_else_is_named(path, ask, message):
    with open_hdf5(path) as file, pytest.raises(FormatError, match=message):
        ask(file)


def test_a_file_that_reaches_into_another_is_refused(path, tmp_path):
    with h5py.File(tmp_path / "b.h5", "w") as file:
        layout = h5py.VirtualLayout(shape=(2,), dtype="i4")
        layout[:] = h5py.VirtualSource(str(path), "short", shape=(2,))
        file.create_virtual_dataset("borrowed", layout)
    with (
        open_hdf5(tmp_path / "b.h5") as file,
        pytest.raises(FormatError, match='data set "borrowed": expected it in t'),
    ):
        file.check_all()


def test_all_arrays_together_have_one_budget(path, monkeypatch):
    monkeypatch.setattr(hdf5, "MAX_ARRAY_BYTES", 200)
    with open_hdf5(path) as file, pytest.raises(FormatError, match="expected no more than the file can hold"):
        file.check_all()
