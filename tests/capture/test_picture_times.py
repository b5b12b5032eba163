"""Pictures by their names: an index, a number or a clock, or a refusal that shows the names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poseharvest.capture.picture_times import read_picture_times
from poseharvest.errors import CaptureError

RATE = 30.0


def read(names):
    files = {view: [Path(view) / f"{stem}.jpg" for stem in sorted(stems)] for view, stems in names.items()}
    times = read_picture_times(files, RATE)
    stems = {view: [files[view][place].stem for place in times.order[view]] for view in names}
    return times, stems


def clock(ms):
    return f"{ms // 3_600_000 % 24:02d}-{ms // 60_000 % 60:02d}-{ms // 1000 % 60:02d}.{ms % 1000:03d}"


CLOCKS = {
    "time": clock,
    "underscores": lambda ms: clock(ms).replace("-", "_").replace(".", "_"),
    "letters": lambda ms: re.sub(r"(..)-(..)-(..)\.(...)", r"\1h\2m\3s\4", clock(ms)),
    "dated": lambda ms: f"2024-03-05_{clock(ms)}",
    "compact": lambda ms: f"20240305_{clock(ms).replace('-', '').replace('.', '_')}",
    "solid": lambda ms: "20240305" + re.sub(r"\D", "", clock(ms)),
    "iso": lambda ms: f"2024-03-05T{clock(ms).replace('-', ':')}Z",
    "epoch_ms": lambda ms: str(1_709_600_000_000 + ms),
    "epoch_us": lambda ms: str((1_709_600_000_000 + ms) * 1000 + 17),
    "epoch_ns": lambda ms: str((1_709_600_000_000 + ms) * 1_000_000 + 93),
    "epoch_s": lambda ms: f"{1_709_600_000 + ms // 1000}.{ms % 1000:03d}",
    "since_start_ms": lambda ms: f"{ms - 43_000_000}",
    "since_start_us": lambda ms: f"{(ms - 43_000_000) * 1000 + 5}",
}
FIXES = st.sampled_from(["", "cam01_", "img-", "Take 3 ", "2024-01-15_left_", "a7_"])
ENDS = st.sampled_from(["", "_rgb", "-v2", " (left)"])


@settings(deadline=None, max_examples=40)
@example("since_start_ms", 40.0, [0] * 72, set(), 0, "", "")
@example("since_start_us", 40.0, [0] * 72, {3}, 0, "cam_", "")
@given(
    st.sampled_from(sorted(CLOCKS)),
    st.sampled_from([16.6667, 33.3667, 40.0]),
    st.lists(st.integers(-3, 3), min_size=72, max_size=72),
    st.sets(st.integers(1, 22), max_size=6),
    st.integers(0, 3_000),
    FIXES,
    ENDS,
)
def test_clocks_that_differ_by_a_few_ms(style, period_ms, jitter, missing, start, prefix, suffix):
    if style.startswith("since") or style == "solid":
        prefix = re.sub(r"\d", "", prefix)
    names, index_of_stem = {}, {}
    jitter = np.clip(jitter, -period_ms / 8, period_ms / 8).astype(int).tolist()
    for number, view in enumerate("abc"):
        indices = [k for k in range(24) if view != "b" or k not in missing]
        stems = {
            prefix + CLOCKS[style](43_205_000 + start + round(k * period_ms) + jitter[3 * k + number]) + suffix: k
            for k in indices
        }
        names[view], index_of_stem[view] = list(stems), stems
    times, stems = read(names)
    moments = [
        round(k * period_ms) + jitter[3 * k + v] for v in range(3) for k in range(24) if v != 1 or k not in missing
    ]
    is_exact = style.startswith("since") and np.gcd.reduce(np.diff(moments)) == period_ms
    if is_exact:  # these are the names of every 40th picture as well
        assert f"if the numbers are times, give --frame-rate {1000 / period_ms:g}" in times.note
    else:
        assert times.reading == "clock"
        assert "matched by clock" in times.note
    for view in "abc":
        expected = [index_of_stem[view][stem] for stem in stems[view]]
        first = times.ticks["a"][0]
        np.testing.assert_allclose(times.ticks[view] - first, expected, atol=0.45)
        assert expected == sorted(expected)
        assert is_exact or times.frame_rate[view] == pytest.approx(1000 / period_ms, rel=0.02)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 5000),
    st.sampled_from([1, 2, 5]),
    st.integers(3, 40),
    st.sets(st.integers(1, 100), max_size=4),
    st.sampled_from(["{}", "{:04d}", "{:08d}"]),
    FIXES,
    ENDS,
)
def test_numbers_with_gaps(first, step, count, missing, form, prefix, suffix):
    numbers = [first + step * k for k in range(count)]
    names = {
        view: [
            prefix.replace("01", f"{v:02d}") + form.format(n) + suffix
            for k, n in enumerate(numbers)
            if v == 0 or k not in missing
        ]
        for v, view in enumerate("ab")
    }
    if len(names["b"]) < 2:
        return
    times, stems = read(names)
    assert times.reading == "number"
    np.testing.assert_array_equal(times.ticks["a"], np.arange(count))
    np.testing.assert_array_equal(times.ticks["b"], [k for k in range(count) if k not in missing])
    assert stems["a"] == [prefix.replace("01", "00") + form.format(n) + suffix for n in numbers]
    assert set(times.frame_rate.values()) == {RATE}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(300, 2000), min_size=5, max_size=30), st.integers(0, 9000), FIXES, ENDS)
def test_sparse_numbers_are_moments_of_their_own(gaps, first, prefix, suffix):
    numbers = (first + np.cumsum(gaps)).tolist()
    times, stems = read({view: [f"{prefix}{n}{suffix}" for n in numbers] for view in "ab"})
    if np.gcd.reduce(np.diff(numbers)) * 8 < np.median(np.diff(numbers)):
        assert "a moment of its own" in times.note
        np.testing.assert_array_equal(times.ticks["a"], np.arange(len(numbers)))
        assert times.frame_rate["a"] == pytest.approx(RATE / np.median(np.diff(numbers)))
    assert stems["b"] == [f"{prefix}{n}{suffix}" for n in numbers]
    np.testing.assert_array_equal(times.ticks["a"], times.ticks["b"])


def test_runs_far_apart_keep_their_steps():
    numbers = [*range(10010000001, 10010000011), *range(10020000001, 10020000011)]
    times, _ = read({"a": [str(n) for n in numbers]})
    assert times.ticks["a"].tolist() == [*range(10), *range(69, 79)]
    assert "with long gaps" in times.note


def test_times_that_are_not_regular_are_moments_in_order():
    seconds = np.cumsum([7, 31, 4, 90, 12, 55])
    names = {
        view: [f"{view}_" + clock(43_200_000 + 1000 * int(s) + shift) for s in seconds]
        for view, shift in (("a", 0), ("b", 240), ("c", -180))
    }
    times, _ = read(names)
    assert times.reading == "clock"
    assert all(ticks.tolist() == list(range(6)) for ticks in times.ticks.values())


def test_days_and_nights():
    times, _ = read({
        view: [f"{view}_2024-01-{day:02d}" for day in (30, 31, 1, 2)[:2]] + [f"{view}_2024-02-01"] for view in "ab"
    })
    assert times.reading == "clock"
    np.testing.assert_allclose(times.ticks["a"], [0, 1, 2], atol=1e-6)
    times, stems = read({"a": ["23-59-59.900", "23-59-59.950", "00-00-00.000", "00-00-00.050"]})
    assert stems["a"] == ["23-59-59.900", "23-59-59.950", "00-00-00.000", "00-00-00.050"]


def test_names_that_only_look_like_times_are_numbers():
    for form in ("s01_02_03_{:04d}", "2024-01-15_{:06d}", "cam_01_02_{:02d}", "12-00-05_{:04d}"):
        times, _ = read({view: [form.format(n) for n in range(1, 21)] for view in "ab"})
        assert times.reading == "number", form
        assert times.ticks["a"].tolist() == list(range(20))


def test_a_number_before_a_hash():
    hashes = ["3fa8c1", "b77e02", "90ad4f", "1c2e3d", "aa0b9c"]
    times, _ = read({view: [f"frame_{n:04d}_jpg.rf.{hashes[n]}" for n in range(5)] for view in "ab"})
    assert (times.reading, times.ticks["b"].tolist()) == ("number", [0, 1, 2, 3, 4])


def test_one_picture_a_view_and_names_without_numbers_go_by_index():
    times, _ = read({"a": ["IMG_0012"], "b": ["DSC_4711"]})
    assert (times.reading, times.ticks["a"].tolist(), times.ticks["b"].tolist()) == ("index", [0], [0])
    times, _ = read({"a": ["first", "second"], "b": ["one", "two"]})
    assert times.reading == "index"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"a": ["x", "y"], "b": ["x", "y", "z"]}, "as many in every view, got a 2, b 3"),
        ({"a": ["3fa8c1", "b77e02", "90ad4f"], "b": ["c1", "ff7e02", "0ad4f"]}, "neither index, number nor clock fits"),
        ({"a": ["f_7", "f_07"], "b": ["f_7", "f_8"]}, "two pictures of number 7: f_0?7.jpg and f_0?7.jpg"),
        (
            {"a": ["101", "2317", "9140", "15007"], "b": ["1190", "4420", "7733", "12001"]},
            "got a 101 to 15007, b 1190 to 12001: neither number nor clock fits",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(names, message):
    with pytest.raises(CaptureError, match=message):
        read(names)
