"""Captures: a folder of calibrated, synchronised footage as a stream of moments."""

from poseharvest.capture.capture import Capture as Capture
from poseharvest.capture.capture_audit import CaptureAudit as CaptureAudit
from poseharvest.capture.capture_audit import ViewSummary as ViewSummary
from poseharvest.capture.capture_audit import audit_capture as audit_capture
from poseharvest.capture.frames import FrameSource as FrameSource
from poseharvest.capture.frames import MultiViewFrame as MultiViewFrame
from poseharvest.capture.settings import CaptureSettings as CaptureSettings
from poseharvest.capture.settings import Offset as Offset
