"""Records contain the settings of a result, and give the first difference from a request."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.errors import StoreError
from poseharvest.storage.record import Record, as_plain, first_difference


@contextmanager
def largest_file(num_bytes: int) -> Iterator[None]:
    """No file becomes larger than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
SETTINGS = st.dictionaries(st.text(max_size=3), PLAIN, max_size=4)


@given(SETTINGS)
def test_nothing_differs_from_itself(settings):
    assert first_difference(settings, as_plain(settings)) is None


@given(SETTINGS, SETTINGS)
def test_what_differs_is_named_by_its_key(before, now):
    difference = first_difference(before, now)
    assert (difference is None) == (before == now)
    if difference is not None:
        assert any(
            difference.startswith(f"{key} ") for key in {*before, *now} if before.get(key, ...) != now.get(key, ...)
        )


def test_the_way_to_a_difference_is_told():
    before = {"options": {"rate": 0.5, "seed": 0}, "frames": [1, 2]}
    assert (
        first_difference(before, {**before, "options": {"rate": 0.1, "seed": 0}})
        == "options rate 0.5, asked for is 0.1"
    )


@pytest.mark.parametrize("in_claimed_folder", [False, True])
def test_what_is_written_is_read(tmp_path, in_claimed_folder):
    record = Record(tmp_path / "run.json", "some run", in_claimed_folder=in_claimed_folder)
    assert record.read() is None
    (tmp_path / ".run.json.partial-00000000").write_text('{"half": ')  # left by a kill
    record.write({"seed": 3})
    assert record.read() == {"format": "some run", "version": 1, "seed": 3}
    record.write({"seed": 4})
    assert record.read()["seed"] == 4
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("in_claimed_folder", [False, True])
def test_a_record_that_cannot_be_written_leaves_the_earlier_one(tmp_path, in_claimed_folder):
    record = Record(tmp_path / "run.json", "some run", in_claimed_folder=in_claimed_folder)
    record.write({"seed": 3})
    with largest_file(100), pytest.raises(StoreError, match=r"run\.json: cannot be written: File too large"):
        record.write({"seed": "4" * 400})
    assert record.read()["seed"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("text", "fault"), [("{", "damaged file"), ("[]", "some run"), ('{"format": "other"}', "some run")]
)
def test_another_file_is_no_record(tmp_path, text, fault):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(StoreError, match=f"run.json: expected the record of a run, .*{fault}"):
        Record(tmp_path / "run.json", "some run").read()
