"""Folders in an object store such as S3, through pyarrow's file systems.

An object store has no lock and no renaming. What is promised all the same: an output is made on the local disk in
full. Then its files are uploaded, last of all the manifest, which makes the folder what it is. While an upload is under
way a marker lies there, by which the next one knows that it may replace what it finds. A folder with a manifest and no
marker is whole. Two uploads to one place at the same time are not kept apart: use another name for each.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from poseharvest.errors import StoreError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_URI: Final = re.compile(r"(s3):/{1,2}([^/].*)")  # a Path holds one slash only
_MARKER: Final = ".poseharvest-upload"
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_CHUNK_BYTES: Final = 8 * 2**20


def is_remote(path: Path | str) -> bool:
    """Return whether a path names a folder in an object store.

    >>> is_remote("s3://bucket/walk"), is_remote(Path("s3://bucket/walk")), is_remote("walk")
    (True, True, False)
    """
    return _URI.fullmatch(str(path)) is not None


@dataclass(frozen=True)
class RemoteFolder:
    """A folder in an object store.

    Attributes:
        uri: s3://BUCKET/KEY.
        manifest: name of the file that makes the folder whole.
    """

    uri: str
    manifest: str

    @classmethod
    def at(cls, path: Path | str, manifest: str) -> RemoteFolder:
        """Return the folder that a path names.

        Raises:
            StoreError: it names no folder in an object store.
        """
        match = _URI.fullmatch(str(path))
        if match is None or "/" not in match[2].strip("/"):
            raise StoreError(f"{path}: expected s3://BUCKET/NAME")
        return cls(f"{match[1]}://{match[2].rstrip('/')}", manifest)

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.uri.rpartition("/")[2]

    def check_free(self, *, overwrite: bool) -> None:
        """Check that a folder may be uploaded here.

        Raises:
            StoreError: a whole one lies here and `overwrite` is False, something else lies here, or the store cannot be
                reached.
        """
        with _store_errors(self.uri):
            self._check_names(self._names(), overwrite=overwrite)

    def upload(self, folder: Path, *, overwrite: bool) -> None:
        """Upload a local folder; the manifest comes last.

        Args:
            folder: the local folder, with a manifest.
            overwrite: replace the folder that lies here.

        Raises:
            StoreError: something lies here that may not be replaced, or the store cannot be written.
        """
        local = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        with _store_errors(self.uri):
            earlier = self._names()
            self._check_names(earlier, overwrite=overwrite)
            files, root = self._open()
            with files.open_output_stream(f"{root}/{_MARKER}") as marker:
                marker.write(b"an upload is under way, or was interrupted\n")
            if self.manifest in earlier:
                files.delete_file(f"{root}/{self.manifest}")  # first: what is left is no whole folder any more
            for name in set(earlier) - {self.manifest, _MARKER}:
                files.delete_file(f"{root}/{name}")
            for name in [*(name for name in local if name != self.manifest), self.manifest]:
                with (folder / name).open("rb") as source, files.open_output_stream(f"{root}/{name}") as target:
                    shutil.copyfileobj(source, target, _CHUNK_BYTES)
            files.delete_file(f"{root}/{_MARKER}")

    def download(self, folder: Path) -> None:
        """Download all files into an empty local folder; the caller checks what they hold.

        Raises:
            StoreError: there is no whole folder here, or the store cannot be read.
        """
        self.read_manifest()
        with _store_errors(self.uri, "read"):
            files, root = self._open()
            for name in self._names():
                target = folder / name
                if folder.resolve() not in target.resolve().parents:
                    raise StoreError(f"{self.uri}: expected files within the folder, got {name}")
                target.parent.mkdir(parents=True, exist_ok=True)
                with files.open_input_stream(f"{root}/{name}") as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy, _CHUNK_BYTES)

    def read_manifest(self) -> bytes:
        """Return the manifest.

        Raises:
            StoreError: there is no whole folder here, or the store cannot be read.
        """
        with _store_errors(self.uri, "read"):
            names = self._names()
            if self.manifest not in names or _MARKER in names:
                what = "its upload was interrupted" if _MARKER in names else f"it has no {self.manifest}"
                raise StoreError(f"{self.uri}: expected a whole folder: {what if names else 'there is nothing'}")
            files, root = self._open()
            with files.open_input_stream(f"{root}/{self.manifest}") as source:
                return bytes(source.read())

    def _check_names(self, names: Sequence[str], *, overwrite: bool) -> None:
        if _MARKER in names:
            return
        if self.manifest in names and not overwrite:
            raise StoreError(f"{self.uri}: already exists: choose another output, or ask to overwrite it (--overwrite)")
        if names and self.manifest not in names:
            raise StoreError(f"{self.uri}: holds something else, such as {names[0]}: it is not overwritten")

    def _names(self) -> list[str]:
        """Return the files of the folder, by their paths within it, sorted."""
        from pyarrow.fs import FileSelector, FileType

        files, root = self._open()
        found = files.get_file_info(FileSelector(root, recursive=True, allow_not_found=True))
        return sorted(one.path[len(root) + 1 :] for one in found if one.type == FileType.File)

    def _open(self) -> tuple[FileSystem, str]:
        """Return the store, and the folder's path in it."""
        from pyarrow.fs import FileSystem

        endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), None)
        query = ""
        if endpoint is not None:
            parts = urlsplit(endpoint)
            query = f"?scheme={parts.scheme}&endpoint_override={quote(parts.netloc, safe='')}"
        files, root = FileSystem.from_uri(f"{self.uri}{query}")
        return files, root.rstrip("/")


@contextmanager
def _store_errors(uri: str, done: str = "written") -> Iterator[None]:
    """Turn errors of pyarrow's file systems into a StoreError that names the folder."""
    try:
        yield
    except (OSError, ValueError) as error:  # pyarrow has ArrowInvalid, a ValueError, for what is no URI
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"{uri}: cannot be {done}: {reason}") from error
