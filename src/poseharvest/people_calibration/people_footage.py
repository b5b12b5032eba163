"""Calibration from people from a folder of footage: lenses given or guessed, people looked at, cameras placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from poseharvest.arrays import ImageSize
from poseharvest.calibration.build import ReadOptions
from poseharvest.calibration.formats import read_file
from poseharvest.capture.capture import Capture
from poseharvest.capture.settings import CaptureSettings
from poseharvest.capture.uncalibrated import UncalibratedFootage
from poseharvest.detectors.keypoint_capture import capture_settings, open_capture
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.errors import CalibrationError, NoFootageError
from poseharvest.findings import Finding, worst_first
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.people_calibration.joint_sightings import watch_people
from poseharvest.people_calibration.known_length import KnownLength
from poseharvest.people_calibration.people_findings import judge_people
from poseharvest.people_calibration.people_world import PeopleWorld
from poseharvest.people_calibration.solve_people import PeopleCalibration, calibrate_by_people
from poseharvest.progress import OnProgress
from poseharvest.rig_calibration.lenses import Lens, lens_of_camera
from poseharvest.rig_calibration.solve import given_lenses

GUESSED_FOCAL = 0.9
"""The guessed focal length over the longer side of the picture."""


@dataclass(frozen=True)
class PeopleRequest:
    """The options of a calibration from people.

    Attributes:
        views: names of the views to use; None uses all.
        intrinsics: a calibration file whose lenses are kept; None guesses and estimates focal lengths.
        known: a measured length.
        world: "camera" or "person".
        every: take every so many frames as a moment; None takes all that are worth it.
    """

    views: Sequence[str] | None = None
    intrinsics: Path | None = None
    known: KnownLength = field(default_factory=KnownLength)
    world: PeopleWorld = "camera"
    every: int | None = None


def calibrate_people(
    path: Path, detector: HeatmapDetector, request: PeopleRequest, on_progress: OnProgress | None = None
) -> PeopleCalibration:
    """Return the cameras that filmed people, from nothing but what the detector sees.

    Args:
        path: the folder with videos or pictures, or of keypoint files without them.
        detector: the 2D network, or keypoint files.
        request: the options.
        on_progress: called while pictures are looked at.

    Raises:
        CaptureError: footage is missing or damaged.
        CalibrationError: no two cameras see enough of one person, or the given numbers do not fit.
    """
    capture, lenses, findings = _open(path, detector, request)
    request.known.check_names(detector.skeleton, capture.rig.names)
    sightings = watch_people(capture, detector, every=request.every, on_progress=on_progress)
    result = calibrate_by_people(sightings, lenses, known=request.known, world=request.world)
    own = judge_people(result, has_guessed_lenses=request.intrinsics is None, asked_world=request.world)
    return replace(result, findings=worst_first((*own, *findings)))


def _open(
    path: Path, detector: HeatmapDetector, request: PeopleRequest
) -> tuple[Capture, list[Lens], tuple[Finding, ...]]:
    """Return the footage with cameras whose places are not known, their lenses, and what is odd about the footage."""
    try:
        footage = UncalibratedFootage.open(path, views=request.views)
    except NoFootageError:
        return _open_keypoints(path, detector, request)
    if request.intrinsics is None:
        lenses = [guessed_lens(one.image_size) for one in footage.footage]
    else:
        lenses = given_lenses(read_file(request.intrinsics, ReadOptions()), footage)
    names = [footage.settings.names.get(name, name) for name in footage.names]
    rig = Rig(tuple(lens.camera(name, np.eye(4)) for lens, name in zip(lenses, names, strict=True)))
    # The lenses are those of the pictures as they are: nothing is to be turned or resized once more.
    usual = CaptureSettings()
    settings = footage.settings.model_copy(update={"rotate": usual.rotate, "scale": usual.scale})
    return Capture.open(path, calibration=rig, settings=settings), lenses, footage.findings


def _open_keypoints(
    path: Path, detector: HeatmapDetector, request: PeopleRequest
) -> tuple[Capture, list[Lens], tuple[Finding, ...]]:
    if request.intrinsics is None:
        raise CalibrationError(
            f"{path}: expected footage, whose pictures tell their size, or --intrinsics with lenses, got neither"
        )
    settings = capture_settings(path, {"calibration": request.intrinsics, "views": request.views})
    capture = open_capture(path, detector, settings)
    cameras = [camera for camera in capture.rig if isinstance(camera, Camera)]
    if len(cameras) < len(capture.views):
        raise CalibrationError("intrinsics: expected perspective cameras that stand still for all views")
    return capture, [lens_of_camera(camera) for camera in cameras], ()


def guessed_lens(image_size: ImageSize) -> Lens:
    """Return the lens of a usual camera, of which the focal length is to be estimated."""
    height, width = image_size
    focal = GUESSED_FOCAL * max(image_size)
    return Lens(image_size, np.array((focal, focal, (width - 1) / 2, (height - 1) / 2, *[0.0] * 5)), "focal")
