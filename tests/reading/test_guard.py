"""What a foreign library raises becomes one named error; errors of our own go through as they are."""

from __future__ import annotations

import time

import pytest

from poseharvest.errors import CaptureError, FormatError, HarvestError
from poseharvest.reading.guard import foreign_library, is_file, read_bytes, time_limit


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no\nsecond line"), "no"),
        (KeyError("x"), "'x'"),
        (MemoryError(), "something larger than the memory"),
        (RecursionError("deep"), "lists or tables that are nested too deeply"),
        (OSError(5, "Input/output error"), "Input/output error"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "'utf-8' codec can't decode"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_any_error_becomes_the_named_one(error, reason):
    with pytest.raises(CaptureError) as raised, foreign_library("a.mp4: expected a video", CaptureError):
        raise error
    assert str(raised.value).startswith(f"a.mp4: expected a video, got: {reason}")
    assert raised.value.__cause__ is error


def test_named_errors_and_the_wish_to_stop_go_through():
    own = FormatError("a.json: wrong")
    for error in (own, KeyboardInterrupt(), SystemExit(3), GeneratorExit()):
        with pytest.raises(type(error)) as raised, foreign_library("x", CaptureError):
            raise error
        assert raised.value is error


def test_a_panic_of_a_library_in_rust_is_named():
    class PanicException(BaseException):
        pass

    with pytest.raises(FormatError, match="x, got: unwrap"), foreign_library("x"):
        raise PanicException("unwrap")


def test_a_loop_of_python_that_never_ends_is_ended():
    def follow_a_circle():
        while True:
            len("")

    start = time.monotonic()
    with pytest.raises(FormatError, match=r"x, got: nothing within 0\.2 s"), foreign_library("x"), time_limit(0.2):
        follow_a_circle()
    assert time.monotonic() - start < 2


def test_what_is_quick_enough_is_left_alone():
    with time_limit(60):
        assert sum(map(abs, range(1000))) == 499500


def test_large_and_missing_files_and_folders_are_named(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(100))
    assert read_bytes(path, 100) == bytes(100)
    with pytest.raises(FormatError, match=r"a\.bin: expected at most 0 MB, got 0 MB"):
        read_bytes(path, 99)
    with pytest.raises(CaptureError, match=r"none: cannot be read: No such file"):
        read_bytes(tmp_path / "none", 99, CaptureError)
    with pytest.raises(FormatError, match="cannot be read: it is no file"):
        read_bytes(tmp_path, 99)
    with pytest.raises(FormatError, match="cannot be read"):
        read_bytes(tmp_path / "a\0b", 99)


def test_names_that_no_file_can_have_are_those_of_no_file(tmp_path):
    (tmp_path / "a").write_text("")
    assert is_file(tmp_path / "a")
    for name in ("b", "a" * 5000, "a\0b", "a/b"):
        assert not is_file(tmp_path / name)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a\nb\tc", "a b c"),
        ("name \x1b[2J", "name \\x1b[2J"),
        ("half \ud800", "half \\ud800"),
        ("größer  x", "größer  x"),
        ("x" * 5000, "x" * 1996 + " ..."),
    ],
)
def test_messages_are_fit_for_a_terminal(message, shown):
    assert str(HarvestError(message)) == shown
