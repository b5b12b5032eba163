"""MATLAB files: equal to what SciPy reads, of whatever SciPy writes; damaged ones are named."""

from __future__ import annotations

import struct
import zlib
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.io import loadmat, savemat

from poseharvest.errors import FormatError
from poseharvest.reading.matlab import MatStruct, read_mat
from study.mutations import mutate

NUMBERS = arrays.arrays(
    st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]),
    arrays.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=3),
)
NAMES = st.text(st.sampled_from("abcxyz"), min_size=1, max_size=5)
VALUES = st.recursive(
    NUMBERS | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], max_codepoint=0xFFFF), min_size=1),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3) | st.lists(inner, min_size=1, max_size=3),
    max_leaves=8,
)


def cells(value):
    """Lists as MATLAB cells, at every depth."""
    if isinstance(value, dict):
        return {key: cells(item) for key, item in value.items()}
    if isinstance(value, list):
        array = np.empty((1, len(value)), dtype=object)
        for index, item in enumerate(value):
            array[0, index] = cells(item)
        return array
    return value


def assert_same(ours, theirs):
    if isinstance(ours, MatStruct):
        assert list(ours.fields) == theirs._fieldnames
        for name, value in ours.fields.items():
            assert_same(value, getattr(theirs, name))
        return
    assert ours.shape == theirs.shape
    if ours.dtype == object:
        for one, other in zip(ours.flat, theirs.flat, strict=True):
            assert_same(one, other)
    else:
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("do_compression", [False, True])
def test_it_reads_what_scipy_reads(tmp_path_factory, do_compression):
    path = tmp_path_factory.mktemp("mat") / "a.mat"

    @settings(max_examples=60, deadline=None)
    @given(VALUES)
    def check(value):
        savemat(path, {"other": 1.0, "x": cells(value)}, do_compression=do_compression)
        assert_same(read_mat(path, "x"), loadmat(path, struct_as_record=False)["x"])

    check()


def test_any_damage_is_read_or_named(tmp_path_factory):
    path = tmp_path_factory.mktemp("mat") / "a.mat"
    savemat(path, {"x": cells([{"a": np.eye(3), "b": ["t", np.ones((2, 2), "u1")]}, "text"])})
    sample = path.read_bytes()

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 2**32))
    def check(seed):
        path.write_bytes(mutate(sample, "bytes", Random(seed)))
        try:
            read_mat(path, "x")
        except FormatError as error:
            assert str(path) in str(error)  # noqa: PT017

    check()


def test_what_it_lacks_is_listed(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"one": 1.0, "two": "b"})
    with pytest.raises(FormatError, match=r'a\.mat: expected a variable "x", got one, two'):
        read_mat(path, "x")
    savemat(path, {"x": np.array([1 + 2j])})
    with pytest.raises(FormatError, match="complex or sparse numbers"):
        read_mat(path, "x")


def element(kind, content):
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def test_a_shape_of_a_billion_cells_is_refused_before_room_is_made(tmp_path):
    flags, shape = element(6, struct.pack("<II", 1, 0)), element(5, struct.pack("<ii", 1, 10**9))
    matrix = element(14, flags + shape + element(1, b"x"))
    path = tmp_path / "a.mat"
    for content in (matrix, element(15, zlib.compress(matrix))):
        path.write_bytes(bytes(124) + struct.pack("<H", 0x0100) + b"IM" + content)
        with pytest.raises(FormatError, match=r"a shape \(1, 1000000000\) for which it is too short"):
            read_mat(path, "x")
