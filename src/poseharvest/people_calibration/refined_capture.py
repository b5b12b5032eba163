"""A capture with its cameras refined by the people whom it shows, and what is to be said of that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from poseharvest.calibration.toml_cameras import write_toml
from poseharvest.capture.capture import Capture
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.findings import Finding
from poseharvest.people_calibration.joint_sightings import watch_people
from poseharvest.people_calibration.refined_rig import RigRefinement, refine_rig
from poseharvest.progress import OnProgress

REFINED_FILE = "refined_cameras.toml"
"""The refined cameras in the folder of a harvest."""

_MOVED_DEG, _MOVED_MM = 0.3, 25.0  # a camera that is changed by more has moved since its calibration


@dataclass(frozen=True, eq=False)
class RefinedCapture:
    """A capture to harvest, and how its cameras were refined.

    Attributes:
        capture: with the refined cameras, if they are better; its findings say which cameras it has.
        refinement: cameras before and after; None if nobody asked for it.
    """

    capture: Capture
    refinement: RigRefinement | None = None

    def write_cameras(self, folder: Path) -> None:
        """Write the refined cameras into a harvest's folder; nothing if the given ones are kept."""
        if self.refinement is not None and self.refinement.is_better:
            write_toml(self.refinement.rig, folder / REFINED_FILE)


def refined_capture(
    capture: Capture, detector: HeatmapDetector, on_progress: OnProgress | None = None
) -> RefinedCapture:
    """Return a capture with cameras refined by the people whom it shows, if held-out frames say that they are better.

    The calibration file is only read.

    Raises:
        CalibrationError: a camera moves or is not a perspective one, or too few moments show a person in two views.
        CaptureError: a picture cannot be decoded.
    """
    refinement = refine_rig(watch_people(capture, detector, on_progress=on_progress), capture.rig)
    findings = (*capture.findings, *refinement_findings(refinement))
    if not refinement.is_better:
        return RefinedCapture(replace(capture, findings=findings), refinement)
    views = tuple(
        replace(view, camera=camera) for view, camera in zip(capture.views, refinement.rig.cameras, strict=True)
    )
    return RefinedCapture(replace(capture, views=views, findings=findings), refinement)


def refinement_findings(refinement: RigRefinement) -> list[Finding]:
    """Return which cameras are used, what held-out frames say of both, and which cameras have moved."""
    errors = (
        f"joints in frames that took no part are {refinement.before_px:.2f} px from where the given cameras put them, "
        f"and {refinement.after_px:.2f} px with refined ones; {refinement.better_stretches} of "
        f"{refinement.num_stretches} stretches get better"
    )
    if not refinement.is_better:
        return [Finding("note", "cameras", f"the given cameras are kept: {errors} (--refine-cameras)")]
    changes = ", ".join(
        f"{one.name} {one.angle_deg:.2f} degrees and {one.place_mm:.0f} mm" for one in refinement.changes
    )
    used = f"cameras are refined by the people: {errors}; changed: {changes}; they are in {REFINED_FILE}"
    findings = [Finding("note", "cameras", used)]
    for one in refinement.changes:
        if one.angle_deg > _MOVED_DEG or one.place_mm > _MOVED_MM:
            message = (
                f'camera "{one.name}": the people put it {one.angle_deg:.2f} degrees and {one.place_mm:.0f} mm from '
                f"its calibration, which is refined here ({REFINED_FILE}): calibrate it again"
            )
            findings.append(Finding("warning", "calibration", message))
    return findings
