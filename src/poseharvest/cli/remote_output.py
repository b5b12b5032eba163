"""Where a command makes its harvest: at its place, or in a local folder that is uploaded to an object store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from poseharvest.errors import NoteOnError
from poseharvest.storage.object_store import is_remote


@contextmanager
def local_output(out: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give the folder to make; at the end, one that is meant for an object store is uploaded and removed.

    The local folder has the same name at each call, so that an interrupted harvest or upload can be gone on with.

    Args:
        out: where the harvest is to lie.
        overwrite: replace an earlier one.

    Raises:
        StoreError: something stands in the store that may not be replaced, or the store cannot be written.
    """
    from poseharvest.annotations.remote_harvest import local_place, remote_harvest

    if not is_remote(out):
        yield out
        return
    remote = remote_harvest(out)
    remote.check_free(overwrite=overwrite)
    folder = local_place(remote, "uploads")
    yield folder
    with NoteOnError(f"the harvest is finished: {folder}: --resume uploads it"):
        remote.upload(folder, overwrite=overwrite)
    shutil.rmtree(folder)
    Console().print(f"uploaded to {remote.uri}", soft_wrap=True, highlight=False, markup=False)
