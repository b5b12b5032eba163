"""Harvests in an object store: uploaded when they are finished, and read from a local copy."""

from __future__ import annotations

import hashlib
from pathlib import Path

from poseharvest.annotations.info import INFO_FILE
from poseharvest.detectors.published_weights import cache_dir
from poseharvest.storage.object_store import RemoteFolder
from poseharvest.storage.staging import StagedFolder


def remote_harvest(path: Path | str) -> RemoteFolder:
    """Return the harvest in an object store that a path names, s3://BUCKET/NAME.

    Raises:
        StoreError: it names none.
    """
    return RemoteFolder.at(path, INFO_FILE)


def local_place(remote: RemoteFolder, kind: str) -> Path:
    """Return the local folder, in the cache, of a harvest in an object store: always the same, and of the same name.

    Args:
        remote: the harvest.
        kind: what the folder is for.
    """
    return cache_dir() / kind / hashlib.sha256(remote.uri.encode()).hexdigest()[:16] / remote.name


def local_copy(path: Path | str) -> Path:
    """Return a local copy of a harvest in an object store, which stays in the cache; it is made if there is none.

    Raises:
        StoreError: there is no whole harvest, it cannot be read, or another process makes the copy.
    """
    remote = remote_harvest(path)
    copy = local_place(remote, "harvests")
    manifest = remote.read_manifest()
    if (copy / INFO_FILE).is_file() and (copy / INFO_FILE).read_bytes() == manifest:
        return copy
    staged = StagedFolder(copy, replaceable=Path.is_dir)
    try:
        remote.download(staged.path)
        staged.commit()
    finally:
        staged.discard()
    return copy
