"""Is this calibration plausible? Unit of length, arrangement of the cameras, and every camera by itself.

A calibration in the wrong unit is geometrically perfect: every point projects where it should, and the person is 1.7 mm
tall. Only sizes that one knows can tell: the distance between cameras, and a person.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig

MIN_CAMERA_DISTANCE_MM, MAX_CAMERA_DISTANCE_MM = 50.0, 200_000.0
MIN_STATURE_MM, MAX_STATURE_MM = 800.0, 2300.0
MIN_LIMB_MM, MAX_LIMB_MM = 60.0, 800.0

_SAME_PLACE_SHARE = 1e-3
_MAX_MISS_SHARE = 0.35  # of the distance to the cameras: cameras that look past the common point by 19 degrees
_MIN_AXIS_SPREAD = 1e-4  # smallest eigenvalue per camera: axes within about 1 degree of each other are parallel
_MAX_PRINCIPAL_SHIFT = 0.25
_MIN_FIELD_OF_VIEW_DEG, _MAX_FIELD_OF_VIEW_DEG = 5.0, 150.0
_MAX_ASPECT_DIFFERENCE = 0.1
_BORDER_SAMPLES = 33
_TYPICAL_STATURE_MM, _TYPICAL_LIMB_MM = 1700.0, 300.0


def audit_rig(rig: Rig, frame: int = 0) -> list[Finding]:
    """Return what is odd about the rig as it stands in `frame`; an empty list if nothing is.

    Affine cameras have no place, so only perspective cameras are audited.
    """
    cameras = [camera for camera in rig.at(frame) if isinstance(camera, Camera)]
    findings = (
        []
        if len(rig) >= 2
        else [Finding("error", "calibration", f"rig: expected at least two cameras, got {len(rig)}")]
    )
    if len(cameras) >= 2:
        findings += _audit_scale(cameras) + _audit_places(cameras) + _audit_common_point(cameras)
    for camera in cameras:
        findings += _audit_intrinsics(camera) + _audit_lens(camera)
    return findings


def _centers(cameras: Sequence[Camera]) -> Tensor:
    return torch.stack([camera.center.double() for camera in cameras])


def _audit_scale(cameras: Sequence[Camera]) -> list[Finding]:
    median = float(torch.pdist(_centers(cameras)).median())
    wanted = f"expected {MIN_CAMERA_DISTANCE_MM:.0f} mm to {MAX_CAMERA_DISTANCE_MM / 1000:.0f} m"
    stand = f"rig: the median distance between cameras is {median:.3g} mm, {wanted}"
    if median < MIN_CAMERA_DISTANCE_MM:
        return [Finding("error", "calibration", f"{stand}: are metres given as millimetres? try unit=m (or cm)")]
    if median > MAX_CAMERA_DISTANCE_MM:
        return [Finding("error", "calibration", f"{stand}: are millimetres given as metres? try unit=mm (or cm)")]
    return []


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
    """Find out whether the cameras look at one place, which lies in front of all of them."""
    centers, axes = _centers(cameras), torch.stack([camera.rotation[2].double() for camera in cameras])
    across = torch.eye(3, dtype=torch.float64) - axes.unsqueeze(-1) * axes.unsqueeze(-2)
    normal = across.sum(0)
    if float(torch.linalg.eigvalsh(normal)[0]) < _MIN_AXIS_SPREAD * len(cameras):
        return [Finding("warning", "calibration", "rig: all cameras look in one direction: depth will be uncertain")]
    point = torch.linalg.solve(normal, (across @ centers.unsqueeze(-1)).sum(0)).squeeze(-1)
    depths = ((point - centers) * axes).sum(-1)
    behind = [camera.name for camera, depth in zip(cameras, depths.tolist(), strict=True) if depth <= 0]
    if behind:
        where = ", ".join(f"{value:.0f}" for value in point.tolist())
        return [
            Finding(
                "warning",
                "calibration",
                f"rig: the cameras do not look at one place: ({where}) mm is nearest to their optical axes "
                f"but behind {', '.join(behind)}: is a rotation inverted, or a translation a camera's centre?",
            )
        ]
    misses = torch.linalg.vector_norm((across @ (point - centers).unsqueeze(-1)).squeeze(-1), dim=-1)
    share = misses / torch.linalg.vector_norm(point - centers, dim=-1)
    astray = [camera.name for camera, value in zip(cameras, share.tolist(), strict=True) if value > _MAX_MISS_SHARE]
    if not astray:
        return []
    return [
        Finding(
            "warning", "calibration", f"rig: {', '.join(astray)} look past the place that the other cameras look at"
        )
    ]


def _audit_intrinsics(camera: Camera) -> list[Finding]:
    height, width = camera.image_size
    (fx, _, cx), (_, fy, cy) = camera.px_from_cam[:2].tolist()
    found = []
    if not (-0.5 <= cx <= width - 0.5 and -0.5 <= cy <= height - 0.5):
        found.append(
            Finding(
                "error",
                "calibration",
                f'camera "{camera.name}": expected the principal point within the picture of {width} x {height} '
                f"(width x height), got ({cx:.1f}, {cy:.1f}): is it calibrated at another size?",
            )
        )
    elif max(abs(cx - width / 2) / width, abs(cy - height / 2) / height) > _MAX_PRINCIPAL_SHIFT:
        message = f'camera "{camera.name}": the principal point ({cx:.1f}, {cy:.1f}) is far from the middle'
        found.append(Finding("warning", "calibration", f"{message} of {width} x {height} (width x height)"))
    view = float(torch.rad2deg(2 * torch.atan(torch.tensor(max(width / fx, height / fy) / 2))))
    if not _MIN_FIELD_OF_VIEW_DEG <= view <= _MAX_FIELD_OF_VIEW_DEG:
        wanted = f"{_MIN_FIELD_OF_VIEW_DEG:.0f} to {_MAX_FIELD_OF_VIEW_DEG:.0f}"
        found.append(
            Finding(
                "warning",
                "calibration",
                f'camera "{camera.name}": expected a field of view of {wanted} degrees, got {view:.1f}',
            )
        )
    if abs(fx / fy - 1) > _MAX_ASPECT_DIFFERENCE:
        found.append(
            Finding("warning", "calibration", f'camera "{camera.name}": focal lengths differ: {fx:.1f} and {fy:.1f} px')
        )
    return found


def _audit_lens(camera: Camera) -> list[Finding]:
    """Find pixels of the picture that no ray reaches: the lens model folds back inside the picture."""
    height, width = camera.image_size
    x, y = torch.linspace(0, width - 1, _BORDER_SAMPLES), torch.linspace(0, height - 1, _BORDER_SAMPLES)
    grid = torch.cartesian_prod(x, y).double()
    lost = 1 - float(camera.pixel_rays(grid).valid.double().mean())
    if lost == 0:
        return []
    message = f'camera "{camera.name}": the lens model folds back inside the picture: {lost:.1%} of it has no ray'
    return [Finding("warning", "calibration", message)]


def check_scale_of_person(height_mm: float) -> Finding | None:
    """Return an error if nobody is of that stature: the calibration is in another unit."""
    if MIN_STATURE_MM <= height_mm <= MAX_STATURE_MM:
        return None
    unit = _likely_unit(height_mm, _TYPICAL_STATURE_MM)
    return Finding(
        "error",
        "calibration",
        "is the calibration in metres, centimetres or millimetres? expected a person of "
        f"{MIN_STATURE_MM:.0f} to {MAX_STATURE_MM:.0f} mm, got a person of {height_mm:.3g} mm{unit}",
    )


def check_scale_of_limbs(lengths_mm: Mapping[str, float]) -> Finding | None:
    """Return an error if the median of the limbs' lengths is no human limb: the calibration is in another unit."""
    if not lengths_mm:
        return None
    median = float(torch.tensor(sorted(lengths_mm.values()), dtype=torch.float64).median())
    if MIN_LIMB_MM <= median <= MAX_LIMB_MM:
        return None
    unit = _likely_unit(median, _TYPICAL_LIMB_MM)
    return Finding(
        "error",
        "calibration",
        "is the calibration in metres, centimetres or millimetres? expected limbs of "
        f"{MIN_LIMB_MM:.0f} to {MAX_LIMB_MM:.0f} mm, got a median of {median:.3g} mm{unit}",
    )


def _likely_unit(length_mm: float, typical_mm: float) -> str:
    """Return advice: the unit to ask for, if a power of ten would make the length a usual one."""
    power = round(math.log10(typical_mm / length_mm)) if length_mm > 0 else 0
    unit = {1: "cm", 2: "m", 3: "m", -1: "mm", -2: "cm", -3: "mm"}.get(power)
    return f"; try unit={unit}" if unit else ""
