"""What would fail at the end of a harvest, tried at its start: names that no file can hold, and a disk without room."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from poseharvest.capture.frames import facts_of
from poseharvest.detectors.protocol import details_of
from poseharvest.errors import CaptureError, StoreError
from poseharvest.harvesting.job import Job

_BYTES_A_JOINT, _BYTES_A_VIEW = 100, 50
"""Of a joint of a record, and of each view of it, in a harvest's Parquet files."""
_SPARE_BYTES = 20 * 10**6  # previews and the report


def check_foreseen(job: Job, out: Path) -> None:
    """Check that a harvest can be written in the end.

    Raises:
        CaptureError: a name is not in UTF-8, so that `harvest.json` cannot hold it.
        StoreError: the disk has less room than the harvest will take.
    """
    _check_names(job)
    _check_room(job, out)


def _check_names(job: Job) -> None:
    facts = facts_of(job.capture)
    names = {
        "the capture": job.capture.name,
        "its folder": str(facts.folder or ""),
        "a camera": "\n".join(job.capture.rig.names),
        "a joint": "\n".join(job.detector.skeleton.joints),
        "the detector": f"{job.detector.name}\n{json.dumps(details_of(job.detector), ensure_ascii=False, default=str)}",
    }
    for what, name in names.items():
        try:
            name.encode("utf-8")
        except UnicodeEncodeError as error:
            found = ascii(error.object[max(error.start - 20, 0) : error.end + 20])
            raise CaptureError(
                f"{job.capture.name}: expected names in UTF-8, got {found} for {what}: rename it, for harvest.json "
                "cannot hold it"
            ) from error


def _check_room(job: Job, out: Path) -> None:
    """Raise where the disk is too full for one person a frame, or for as many as were asked for."""
    joints, views = len(job.detector.skeleton), len(job.capture.rig)
    records = (job.stop - job.options.start) * (job.options.people or 1)
    needed = records * joints * (_BYTES_A_JOINT + _BYTES_A_VIEW * views) + _SPARE_BYTES
    folder = next(parent for parent in (out.absolute(), *out.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StoreError(
            f"{out}: expected about {needed / 1e9:.2g} GB free for {records} poses, got {free / 1e9:.2g} GB: choose an "
            "output on another disk, or fewer frames"
        )
