"""Complete results on the disk: staged files and folders, records, and runs that can be resumed.

The package does not depend on poses: the caller defines the content. Start with `staging`; resuming is based on
`record`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.storage.finished_units import UnitStore
    from poseharvest.storage.record import Record
    from poseharvest.storage.run_folder import RunFolder
    from poseharvest.storage.staging import StagedFolder, file_name, staged_file
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = ["Record", "RunFolder", "StagedFolder", "UnitStore", "file_name", "staged_file"]
