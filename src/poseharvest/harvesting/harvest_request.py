"""All that the annotations of a harvest depend on, as plain data: a harvest is gone on with only if it is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from poseharvest.calibration.native import rig_to_dict
from poseharvest.capture.frames import fingerprints_of
from poseharvest.detectors.protocol import FileReader, details_of
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.subject import by_name
from poseharvest.storage.record import as_plain
from poseharvest.versions import current_versions


def request_of(job: Job) -> dict[str, Any]:
    """Return what the annotations of a harvest depend on.

    Args:
        job: the harvest, with the detector that it will use, turned pictures included.
    """
    recalibration = job.options.recalibration
    versions = {name: version for name, version in current_versions().items() if name != "python"}
    known = [one.info.model_dump(mode="json") for one in job.known_people]
    return as_plain({
        "options": job.options.as_dict(),
        "recalibration": None if recalibration is None else recalibration.model_dump(mode="json"),
        "detector": {
            "name": job.detector.name,
            "joints": list(job.detector.skeleton.joints),
            "heatmap_size": list(job.detector.heatmap_size),
            "details": details_of(job.detector),
            "files": job.detector.fingerprint if isinstance(job.detector, FileReader) else None,
        },
        "footage": {
            "frames": job.capture.num_frames,
            "frame_rate": job.capture.frame_rate,
            "views": fingerprints_of(job.capture),
        },
        "calibration": {camera["name"]: camera for camera in rig_to_dict(job.capture.rig)["cameras"]},
        "boxes": None if job.boxes is None else _sha256_of_boxes(job),
        "limb_lengths": None if job.limb_lengths is None else by_name(job.limb_lengths),
        "versions": versions,
        **({"known_people": known} if known else {}),
    })


def sha256_of_request(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request, hexadecimal."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def _sha256_of_boxes(job: Job) -> str:
    crops = {} if job.boxes is None else job.boxes.crops
    rows = sorted([frame, view, *crop.center, crop.side] for (frame, view), crop in crops.items())
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
