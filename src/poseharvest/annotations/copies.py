"""A copy of a harvest under another name; it appears whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from poseharvest.annotations.reader import Harvest, is_harvest
from poseharvest.annotations.reviews import reviews_path
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder, staged_file


def copy_harvest(harvest: Harvest, target: Path, *, overwrite: bool = False) -> Path:
    """Copy a harvest, with its report and what people decided about its joints if it has these; return the folder.

    Args:
        harvest: the harvest.
        target: the folder to make.
        overwrite: replace an earlier harvest there.

    Raises:
        StoreError: the folder exists and is no harvest that may be replaced, or cannot be written.
    """
    staged = StagedFolder(target, replaceable=is_harvest if overwrite else None)
    try:
        with os_errors_as_store_errors(staged.target):
            shutil.copytree(harvest.path, staged.path, dirs_exist_ok=True)
        staged.commit()
    finally:
        staged.discard()
    if reviews_path(harvest.path).is_file():
        with staged_file(reviews_path(staged.target), overwrite=overwrite) as temporary:
            shutil.copyfile(reviews_path(harvest.path), temporary)
    return staged.target
