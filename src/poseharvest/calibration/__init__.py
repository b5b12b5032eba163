"""Calibrations: reading every format, writing the common ones, matching names to footage, and an audit."""

from poseharvest.calibration.image_size import check_image_size as check_image_size
from poseharvest.calibration.image_size import with_image_size as with_image_size
from poseharvest.calibration.names import match_names as match_names
from poseharvest.calibration.native import read_rig as read_rig
from poseharvest.calibration.native import write_rig as write_rig
from poseharvest.calibration.registry import find_calibration as find_calibration
from poseharvest.calibration.registry import read_calibration as read_calibration
from poseharvest.calibration.rig_audit import audit_rig as audit_rig
from poseharvest.calibration.rig_audit import check_scale_of_limbs as check_scale_of_limbs
from poseharvest.calibration.rig_audit import check_scale_of_person as check_scale_of_person
from poseharvest.findings import Finding as Finding
