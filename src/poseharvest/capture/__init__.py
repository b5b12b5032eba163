"""Captures: a folder of calibrated, synchronised footage as a stream of moments.

It decodes and synchronises; it never looks for people in a picture. Start with `frames`, what a source of moments is,
then `capture`.
"""

from __future__ import annotations

from poseharvest.capture.capture import Capture
from poseharvest.capture.capture_audit import CaptureAudit, ViewSummary, audit_capture
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.capture.settings import CaptureSettings, Offset

__all__ = [
    "Capture",
    "CaptureAudit",
    "CaptureSettings",
    "FrameSource",
    "MultiViewFrame",
    "Offset",
    "ViewSummary",
    "audit_capture",
]
