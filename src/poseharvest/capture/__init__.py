"""Captures: a folder of calibrated, synchronised footage as a stream of moments.

The package decodes and synchronises. It never looks for people in a picture. Start with `frames`, the interface of a
source of moments, then `capture`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.capture.capture import Capture
    from poseharvest.capture.capture_audit import CaptureAudit, ViewSummary, audit_capture
    from poseharvest.capture.frames import FrameSource, MultiViewFrame
    from poseharvest.capture.settings import CaptureSettings, Offset
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

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
