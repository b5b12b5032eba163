"""Results on the disk that are whole or not there: staged files and folders, records, runs that can be resumed.

It knows nothing of poses: what is stored is the caller's. Start with `staging`; `record` is what resuming stands on.
"""

from __future__ import annotations

from poseharvest.storage.finished_units import UnitStore
from poseharvest.storage.record import Record
from poseharvest.storage.run_folder import RunFolder
from poseharvest.storage.staging import StagedFolder, file_name, staged_file

__all__ = ["Record", "RunFolder", "StagedFolder", "UnitStore", "file_name", "staged_file"]
