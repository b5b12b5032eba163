"""Folders in an object store, against a server of S3 on this machine: whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from object_store_kit import empty_bucket, end_before, s3_server
from poseharvest.errors import StoreError
from poseharvest.storage.object_store import RemoteFolder, is_remote


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server."""
    with s3_server() as address:
        yield address


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket."""
    return empty_bucket(server, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "walk"
    (made / "parts").mkdir(parents=True)
    (made / "parts" / "0").write_bytes(bytes(range(256)) * 1000)
    (made / "names").write_text("a b")
    (made / "manifest").write_text("whole")
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class UploadEndedError(Exception):
    """Stands for the end of the process."""


def test_download_gives_what_was_uploaded(store: str, folder: Path, tmp_path: Path) -> None:
    remote = RemoteFolder.at(Path(f"{store}/deep/walk"), "manifest")
    assert (remote.uri, remote.name) == (f"{store}/deep/walk", "walk")
    remote.check_free(overwrite=False)
    remote.upload(folder, overwrite=False)
    copy = tmp_path / "copy"
    copy.mkdir()
    remote.download(copy)
    assert contents(copy) == contents(folder)
    assert remote.read_manifest() == b"whole"


def test_a_whole_folder_is_replaced_only_if_asked_for(store: str, folder: Path, tmp_path: Path) -> None:
    remote = RemoteFolder.at(f"{store}/walk", "manifest")
    remote.upload(folder, overwrite=False)
    for refused in (lambda: remote.check_free(overwrite=False), lambda: remote.upload(folder, overwrite=False)):
        with pytest.raises(StoreError, match=f"{store}/walk: already exists: choose another output, or ask"):
            refused()
    (folder / "names").unlink()
    (folder / "other").write_text("x")
    remote.upload(folder, overwrite=True)
    copy = tmp_path / "copy"
    copy.mkdir()
    remote.download(copy)
    assert contents(copy) == contents(folder)


@pytest.mark.parametrize("at", ["names", "parts/0", "manifest"])
@pytest.mark.parametrize("is_first", [True, False])
def test_half_an_upload_is_no_folder_and_the_next_one_replaces_it(
    store: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, at: str, is_first: bool
) -> None:
    remote = RemoteFolder.at(f"{store}/walk", "manifest")
    if not is_first:
        remote.upload(folder, overwrite=False)
    with monkeypatch.context() as patch:
        end_before(folder / at, patch, UploadEndedError())
        with pytest.raises(UploadEndedError):
            remote.upload(folder, overwrite=True)
    copy = tmp_path / "copy"
    copy.mkdir()
    with pytest.raises(StoreError, match="expected a whole folder: its upload was interrupted"):
        remote.download(copy)
    remote.upload(folder, overwrite=False)
    remote.download(copy)
    assert contents(copy) == contents(folder)


def test_other_things_are_never_replaced(store: str, folder: Path) -> None:
    RemoteFolder.at(f"{store}/walk", "names").upload(folder, overwrite=False)
    remote = RemoteFolder.at(f"{store}/walk", "harvest.json")
    with pytest.raises(StoreError, match="holds something else, such as manifest: it is not overwritten"):
        remote.upload(folder, overwrite=True)
    with pytest.raises(StoreError, match=r"expected a whole folder: it has no harvest.json"):
        remote.read_manifest()


def test_what_is_not_there_is_named(store: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"{store}/none: expected a whole folder: there is nothing"):
        RemoteFolder.at(f"{store}/none", "manifest").download(tmp_path)


@pytest.mark.parametrize("path", ["s3://bucket", "s3://bucket/", "walk"])
def test_a_folder_has_a_bucket_and_a_name(path: str) -> None:
    with pytest.raises(StoreError, match=r"expected s3://BUCKET/NAME"):
        RemoteFolder.at(path, "manifest")


def test_local_paths_are_not_remote() -> None:
    assert not any(is_remote(path) for path in ("s3", "s3/x", "C:/x", "/s3:/x", Path("a/s3:")))
