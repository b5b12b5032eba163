"""Plausibility of a calibration: unit of length, arrangement of the cameras, and each single camera.

A calibration in the wrong unit is geometrically consistent: all projections are right, but the person is 1.7 mm tall.
Only known sizes can reveal this: the distances between cameras, and the size of a person.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from poseharvest.calibration.other_readings import common_point, have_one_pose, other_reading
from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.units import MM_PER_UNIT, LengthUnit, mm_per

MIN_CAMERA_DISTANCE_MM, MAX_CAMERA_DISTANCE_MM = 50.0, 200_000.0
MIN_STATURE_MM, MAX_STATURE_MM = 800.0, 2300.0
MIN_LIMB_MM, MAX_LIMB_MM = 60.0, 800.0

_SAME_PLACE_SHARE = 1e-3
_ONE_PLACE_MM = 1e-6
_USUAL_CAMERA_DISTANCE_MM = (300.0, 50_000.0)
_MAX_MISS_SHARE = 0.35  # share of the distance to the camera: an axis that misses the common point by 19 degrees
_MAX_PRINCIPAL_SHIFT = 0.25
_MIN_FIELD_OF_VIEW_DEG, _MAX_FIELD_OF_VIEW_DEG = 5.0, 150.0
_MAX_ASPECT_DIFFERENCE = 0.1
_BORDER_SAMPLES = 33
_FAR_OFF = 2.5
_BOARD = "was the size of the calibration's board given rightly?"


def audit_rig(rig: Rig, frame: int = 0, *, unit: LengthUnit | None = None) -> list[Finding]:
    """Return the findings about the rig in `frame`; an empty list if there are none.

    Affine cameras have no position, so only perspective cameras are checked.

    Args:
        rig: the cameras.
        frame: number of the frame, for moving cameras.
        unit: the unit of length of its file, for advice on another one; None if it is unknown.
    """
    cameras = [camera for camera in rig.at(frame) if isinstance(camera, Camera)]
    findings = (
        []
        if len(rig) >= 2
        else [Finding("error", "calibration", f"rig: expected at least two cameras, got {len(rig)}")]
    )
    if len(cameras) >= 2:
        findings += _audit_placement(cameras, unit)
    for camera in cameras:
        findings += _audit_intrinsics(camera) + _audit_lens(camera)
    return findings


def _audit_placement(cameras: Sequence[Camera], unit: LengthUnit | None) -> list[Finding]:
    if float(torch.pdist(_centers(cameras)).max()) > _ONE_PLACE_MM:
        return _audit_scale(cameras, unit) + _audit_places(cameras) + _audit_common_point(cameras)
    stand = f"rig: all {len(cameras)} cameras stand at one place, expected where each one stands"
    meaning = None if all(have_one_pose(cameras[0], camera) for camera in cameras) else other_reading(cameras)
    why = "no extrinsics" if meaning is None else f"they would look at one place if, in the file, {meaning}"
    return [Finding("error", "calibration", f"{stand}: {why}")]


def _centers(cameras: Sequence[Camera]) -> Tensor:
    return torch.stack([camera.center.double() for camera in cameras])


def _audit_scale(cameras: Sequence[Camera], unit: LengthUnit | None) -> list[Finding]:
    median = float(torch.pdist(_centers(cameras)).median())
    if MIN_CAMERA_DISTANCE_MM <= median <= MAX_CAMERA_DISTANCE_MM:
        return []
    wanted = f"expected {MIN_CAMERA_DISTANCE_MM:.0f} mm to {MAX_CAMERA_DISTANCE_MM / 1000:.0f} m"
    stand = f"rig: the median distance between cameras is {median:.3g} mm, {wanted}"
    is_small = median < MIN_CAMERA_DISTANCE_MM
    guess = "are metres given as millimetres" if is_small else "are millimetres given as metres"
    if unit is None:
        advice = f"{guess}? try unit={'m' if is_small else 'mm'} (or cm)"
    else:
        fitting = [
            other
            for other in MM_PER_UNIT
            if _USUAL_CAMERA_DISTANCE_MM[0] <= median * mm_per(other) / mm_per(unit) <= _USUAL_CAMERA_DISTANCE_MM[1]
        ]
        advice = (
            f"{guess}? try unit={' or '.join(fitting)} (--unit)"
            if fitting
            else f"read in {unit}, and neither {' nor '.join(MM_PER_UNIT)} makes it a usual one: is it in another unit?"
        )
    return [Finding("error", "calibration", f"{stand}: {advice}")]


def _audit_places(cameras: Sequence[Camera]) -> list[Finding]:
    distances = torch.cdist(_centers(cameras), _centers(cameras))
    limit = _SAME_PLACE_SHARE * float(distances.max())
    return [
        Finding(
            "warning",
            "calibration",
            f'rig: cameras "{cameras[a].name}" and "{cameras[b].name}" stand in the same place',
        )
        for a in range(len(cameras))
        for b in range(a + 1, len(cameras))
        if float(distances[a, b]) <= limit
    ]


def _audit_common_point(cameras: Sequence[Camera]) -> list[Finding]:
    """Return findings if the cameras do not look at one place in front of all of them."""
    common = common_point(cameras)
    if common is None:
        return [Finding("warning", "calibration", "rig: all cameras look in one direction: depth will be uncertain")]
    behind = [camera.name for camera, depth in zip(cameras, common.depths.tolist(), strict=True) if depth <= 0]
    shares = common.miss_shares.tolist()
    astray = [camera.name for camera, value in zip(cameras, shares, strict=True) if value > _MAX_MISS_SHARE]
    if not behind and not astray:
        return []
    where = f"({', '.join(f'{value:.0f}' for value in common.point.tolist())}) mm is nearest to their optical axes"
    meaning = other_reading(cameras)
    if meaning is not None:
        message = (
            f"rig: the cameras do not look at one place, read as x_cam = R x_world + t: {where} but behind or beside "
            f"{', '.join(dict.fromkeys(behind + astray))}; they would if, in the file, {meaning}"
        )
        return [Finding("error", "calibration", message)]
    if behind:
        message = (
            f"rig: the cameras do not look at one place: {where} "
            f"but behind {', '.join(behind)}: is a rotation inverted, or a translation a camera's centre?"
        )
        return [Finding("warning", "calibration", message)]
    message = f"rig: {', '.join(astray)} look past the place that the other cameras look at"
    return [Finding("warning", "calibration", message)]


def _audit_intrinsics(camera: Camera) -> list[Finding]:
    height, width = camera.image_size
    (fx, _, cx), (_, fy, cy) = camera.px_from_cam[:2].tolist()
    findings = []
    if not (-0.5 <= cx <= width - 0.5 and -0.5 <= cy <= height - 0.5):
        findings.append(
            Finding(
                "error",
                "calibration",
                f'camera "{camera.name}": expected the principal point within the picture of {width} x {height} '
                f"(width x height), got ({cx:.1f}, {cy:.1f}): is it calibrated at another size?",
            )
        )
    elif max(abs(cx - width / 2) / width, abs(cy - height / 2) / height) > _MAX_PRINCIPAL_SHIFT:
        message = f'camera "{camera.name}": the principal point ({cx:.1f}, {cy:.1f}) is far from the middle'
        findings.append(Finding("warning", "calibration", f"{message} of {width} x {height} (width x height)"))
    view = float(torch.rad2deg(2 * torch.atan(torch.tensor(max(width / fx, height / fy) / 2))))
    if not _MIN_FIELD_OF_VIEW_DEG <= view <= _MAX_FIELD_OF_VIEW_DEG:
        wanted = f"{_MIN_FIELD_OF_VIEW_DEG:.0f} to {_MAX_FIELD_OF_VIEW_DEG:.0f}"
        findings.append(
            Finding(
                "warning",
                "calibration",
                f'camera "{camera.name}": expected a field of view of {wanted} degrees, got {view:.1f}',
            )
        )
    if abs(fx / fy - 1) > _MAX_ASPECT_DIFFERENCE:
        findings.append(
            Finding("warning", "calibration", f'camera "{camera.name}": focal lengths differ: {fx:.1f} and {fy:.1f} px')
        )
    return findings


def _audit_lens(camera: Camera) -> list[Finding]:
    """Return a finding if the lens model folds back inside the picture, so that pixels have no ray."""
    height, width = camera.image_size
    x, y = torch.linspace(0, width - 1, _BORDER_SAMPLES), torch.linspace(0, height - 1, _BORDER_SAMPLES)
    grid = torch.cartesian_prod(x, y).double()
    share_without_ray = 1 - float(camera.pixel_rays(grid).valid.double().mean())
    if share_without_ray == 0:
        return []
    where = f'camera "{camera.name}": the lens model folds back inside the picture'
    message = f"{where}: {share_without_ray:.1%} of it has no ray"
    return [Finding("warning", "calibration", message)]


def check_scale_of_person(height_mm: float, unit: LengthUnit | None = None) -> Finding | None:
    """Return an error if the stature is impossible, because the calibration is in another unit.

    Args:
        height_mm: the stature, mm, with the calibration read in `unit`.
        unit: the unit of length in which the calibration was read; None if it is not known.
    """
    if MIN_STATURE_MM <= height_mm <= MAX_STATURE_MM:
        return None
    return _wrong_scale(("a person of", "a person of"), height_mm, (MIN_STATURE_MM, MAX_STATURE_MM), unit)


def check_scale_of_limbs(lengths_mm: Mapping[str, float], unit: LengthUnit | None = None) -> Finding | None:
    """Return an error if the median limb length is impossible, because the calibration is in another unit.

    Args:
        lengths_mm: limb lengths, mm, with the calibration read in `unit`.
        unit: the unit of length in which the calibration was read; None if it is not known.
    """
    if not lengths_mm:
        return None
    median = float(torch.tensor(sorted(lengths_mm.values()), dtype=torch.float64).median())
    if MIN_LIMB_MM <= median <= MAX_LIMB_MM:
        return None
    return _wrong_scale(("limbs of", "a median of"), median, (MIN_LIMB_MM, MAX_LIMB_MM), unit)


def _wrong_scale(
    words: tuple[str, str], length_mm: float, possible_mm: tuple[float, float], unit: LengthUnit | None
) -> Finding:
    """Return the error of a length that is not possible, in the words for what was expected and what was got."""
    expected, actual = words
    least, most = possible_mm
    advice = _likely_unit(length_mm, possible_mm, unit)
    return Finding(
        "error",
        "calibration",
        f"is the calibration in metres, centimetres or millimetres? expected {expected} {least:.0f} to {most:.0f} mm, "
        f"got {actual} {length_mm:.3g} mm{advice}",
    )


def _likely_unit(length_mm: float, possible_mm: tuple[float, float], unit: LengthUnit | None) -> str:
    """Return advice: the units with which the length would be possible, or else the factor of the error.

    If the unit of the file is unknown, a unit is named only if it fits in all cases.
    """
    if not 0 < length_mm < math.inf:
        return ""
    sources = [unit] if unit is not None else list(MM_PER_UNIT)
    fitting = {
        other
        for source in sources
        for other in MM_PER_UNIT
        if other != source and possible_mm[0] <= length_mm * mm_per(other) / mm_per(source) <= possible_mm[1]
    }
    if len(fitting) == 1:
        return f"; try unit={fitting.pop()}"
    factor = length_mm / math.sqrt(possible_mm[0] * possible_mm[1])
    if 1 / _FAR_OFF < factor < _FAR_OFF:
        return ""
    off = f"{factor:.2g} times too large" if factor > 1 else f"{1 / factor:.2g} times too small"
    remedy = "" if unit is None else f", and no other of {', '.join(MM_PER_UNIT)} mends that: {_BOARD}"
    return f"; lengths are about {off}{remedy}"
