"""Calibrations: reading all formats, writing the common ones, matching camera names with footage, and an audit.

The package never opens footage. Start with `registry`; `build` makes cameras from the numbers of any format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.calibration.image_size import check_image_size, with_image_size
    from poseharvest.calibration.names import match_names
    from poseharvest.calibration.native import read_rig, write_rig
    from poseharvest.calibration.registry import find_calibration, read_calibration
    from poseharvest.calibration.rig_audit import audit_rig, check_scale_of_limbs, check_scale_of_person
    from poseharvest.findings import Finding
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "Finding",
    "audit_rig",
    "check_image_size",
    "check_scale_of_limbs",
    "check_scale_of_person",
    "find_calibration",
    "match_names",
    "read_calibration",
    "read_rig",
    "with_image_size",
    "write_rig",
]
