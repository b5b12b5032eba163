"""For plain values, the reader of pickles gives the same result as the standard loader, and it runs no code."""

from __future__ import annotations

import collections
import contextlib
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import DatasetError, FormatError
from poseharvest.reading.pickled_arrays import read_npz_objects, read_pickle

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
ARRAYS = {
    "float32": np.arange(12, dtype="f4").reshape(2, 3, 2),
    "big endian": np.arange(6, dtype=">i2"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "objects": np.array([{"a": np.ones(2)}, None], dtype=object),
    "empty": np.zeros((0, 4)),
    "bool": np.array([[True, False]]),
}


@pytest.fixture
def read(tmp_path):
    def write_and_read(value, protocol: int):
        path = tmp_path / "x.pkl"
        path.write_bytes(pickle.dumps(value, protocol=protocol))
        return read_pickle(path)

    return write_and_read


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back(tmp_path_factory, protocol):
    path = tmp_path_factory.mktemp("pickles") / "x.pkl"

    @given(PLAIN)
    def check(value):
        path.write_bytes(pickle.dumps(value, protocol=protocol))
        assert read_pickle(path) == value

    check()


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back(read, name, protocol):
    array = ARRAYS[name]
    back = read({"x": [array, array]}, protocol)["x"]
    for one in back:
        assert one.dtype == array.dtype
        if name != "objects":
            np.testing.assert_array_equal(one, array)
        else:
            np.testing.assert_array_equal(one[0]["a"], np.ones(2))
            assert one[1] is None


@pytest.mark.parametrize("protocol", [2, 4])
def test_scalars_and_the_dictionaries_of_collections_come_back(read, protocol):
    value = collections.defaultdict(list, {"a": [np.float32(1.5)], "b": collections.OrderedDict(c=np.int64(7))})
    assert read(value, protocol) == {"a": [1.5], "b": {"c": 7}}


def test_an_npz_of_objects_is_read(tmp_path):
    path = tmp_path / "data.npz"
    poses = np.random.default_rng(1).normal(size=(5, 32, 3)).astype("f4")
    np.savez_compressed(path, positions_3d={"S1": {"Posing 1": poses}})
    np.testing.assert_array_equal(read_npz_objects(path, "positions_3d")["S1"]["Posing 1"], poses)
    with pytest.raises(FormatError, match=r'data\.npz: expected an array "x", got positions_3d'):
        read_npz_objects(path, "x")


class Malice:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_that_would_run_something_is_refused_and_nothing_runs(read, tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match=r"x\.pkl: expected .* numpy arrays, got posix\.mkdir: to convert it"):
        read({"a": Malice()}, protocol)
    assert not (tmp_path / "harm").exists()


def test_types_are_no_functions(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(b"cnumpy\nndarray\n(K\x01tR.")  # numpy.ndarray(1)
    with pytest.raises(FormatError, match="damaged"):
        read_pickle(path)


def test_unknown_instructions_are_named(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({1, 2}, protocol=4))
    with pytest.raises(FormatError, match="got instruction EMPTY_SET: to convert it"):
        read_pickle(path)


@pytest.mark.parametrize("keep", [0, 1, 7, 40, 120, 180])
def test_a_cut_pickle_is_refused(tmp_path, keep):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps({"x": np.arange(40.0)}, protocol=4)[:keep])
    with pytest.raises(FormatError, match=r"x\.pkl: expected a pickle of plain values, got"):
        read_pickle(path)


def test_any_noise_gives_a_named_error_or_a_value(tmp_path_factory):
    path = tmp_path_factory.mktemp("noise") / "x.pkl"
    whole = pickle.dumps({"x": np.arange(4.0), "y": [1, "a"]}, protocol=4)

    @given(st.integers(0, len(whole) - 1), st.integers(0, 255))
    def check(at, byte):
        path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        with contextlib.suppress(FormatError):
            read_pickle(path)

    check()


def test_a_record_array_and_a_missing_file_are_refused(read, tmp_path):
    with pytest.raises(FormatError, match="an array of records"):
        read(np.zeros(2, dtype=[("a", "f4")]), 4)
    with pytest.raises(DatasetError, match=r"none\.pkl: expected a file, found nothing there"):
        read_pickle(tmp_path / "none.pkl")
    (tmp_path / "no.npz").write_bytes(b"PK nothing")
    with pytest.raises(FormatError, match=r"no\.npz: expected a \.npz file"):
        read_npz_objects(tmp_path / "no.npz", "x")


@pytest.mark.data
def test_voxelpose_predictions_are_read(shared_dir):
    people = read_pickle(shared_dir / "fixtures" / "shelf" / "pred_shelf_maskrcnn_hrnet_coco.pkl")
    assert {person["pred"].shape for view in people.values() for person in view} == {(17, 3)}
