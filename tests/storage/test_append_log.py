"""A file that only grows: what was written is read, what is torn is left out, and other damage is named."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from poseharvest.errors import StoreError
from poseharvest.storage.append_log import AppendLog, read_log

FORMAT = "test log"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of three records."""
    file = tmp_path / "some.jsonl"
    log = AppendLog(file, FORMAT, {"version": 1})
    for name in "abc":
        log.append({"name": name})
    log.close()
    return file


def names(path: Path) -> str:
    content = read_log(path, FORMAT)
    return "" if content is None else "".join(record["name"] for record in content.records)


def test_records_are_read_in_order_and_go_on_after_a_pause(path: Path) -> None:
    log = AppendLog(path, FORMAT, {"version": 2})
    assert log.content.head["version"] == 1
    log.append({"name": "d"})
    assert names(path) == "abcd"
    log.close()
    assert not list(path.parent.glob(".*"))


def test_a_torn_file_of_any_length_holds_the_whole_records_before(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    ends = [end for end, byte in enumerate(whole, start=1) if byte == ord("\n")]
    for length in range(len(whole)):
        torn = tmp_path / f"torn-{length}.jsonl"
        torn.write_bytes(whole[:length])
        count = max(sum(end <= length for end in ends) - 1, 0)
        assert names(torn) == "abc"[:count]
        log = AppendLog(torn, FORMAT, {"version": 1})
        log.append({"name": "z"})
        log.close()
        assert names(torn) == "abc"[:count] + "z"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"b"', b'"b', "line 3: is damaged: not valid JSON"),
        (b'"number":2', b'"number":4', "line 3: is damaged: expected the record of number 2"),
        (b'{"number":2,"name":"b"}\n', b"", "line 3: is damaged: expected the record of number 2"),
        (b'{"number":2,"name":"b"}', b"[2]", "line 3: is damaged: expected a record"),
        (b'"b"', b'"\xff"', "line 3: is damaged: expected text"),
        (b"test log", b"another", 'expected "format": "test log" in line 1'),
    ],
)
def test_damage_that_is_no_torn_end_is_named(path: Path, old: bytes, new: bytes, message: str) -> None:
    path.write_bytes(path.read_bytes().replace(old, new))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message):
        read_log(path, FORMAT)
    with pytest.raises(StoreError, match=message):
        AppendLog(path, FORMAT, {})
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*"))


def test_there_is_one_writer(path: Path) -> None:
    log = AppendLog(path, FORMAT, {})
    with pytest.raises(StoreError, match="is being written by process"):
        AppendLog(path, FORMAT, {})
    log.close()
    AppendLog(path, FORMAT, {}).close()
    with pytest.raises(StoreError, match="is closed"):
        log.append({"name": "x"})


def test_a_record_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AppendLog(path, FORMAT, {})
    before, write = path.read_bytes(), os.write

    def half(handle: int, data: bytes) -> int:
        if len(data) < 8:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(handle, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StoreError, match="cannot be written: No space left"):
        log.append({"name": "lost"})
    assert path.read_bytes() == before
    monkeypatch.setattr(os, "write", write)
    log.append({"name": "d"})
    log.close()
    assert names(path) == "abcd"


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        AppendLog(tmp_path / "none" / "some.jsonl", FORMAT, {})
