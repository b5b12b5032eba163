"""The modules of formats that a harvest can be exported to."""

from __future__ import annotations

from typing import Any

from poseharvest.module_records import stated_records

MODULES = (
    "bvh",
    "c3d",
    "coco",
    "csv",
    "gltf",
    "netcdf",
    "nwb",
    "rerun",
    "sleap",
    "trc",
    "yolo",
)
"""Each has its record as `EXPORTER`."""


def described_formats() -> list[dict[str, Any]]:
    """Return what the record of each format states, for help texts: no format is imported for that."""
    return stated_records("poseharvest.export", MODULES, "EXPORTER")
