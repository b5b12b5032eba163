"""Check of the footage size against the calibrated size, and cameras for footage of another size.

Video encoders crop or pad a picture to multiples of 16, such as 1080 and 1088 pixels. Such pictures are not scaled: the
pixels keep their places, so the intrinsics stay valid and only the border moves. A larger difference means that the
footage was resized, binned, cropped or turned. Then the user must give the turn or scale, and the intrinsics change
with the pictures. The error message suggests values that fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from poseharvest.arrays import ImageSize
from poseharvest.errors import CalibrationError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera, StaticCamera
from poseharvest.geometry.refit import scaled_camera, turned_camera, turned_size

_MAX_RELATIVE_DIFFERENCE = 0.01
_MAX_DENOMINATOR = 12  # of the scale of resized footage: simpler fractions are tried first
_MAX_CUT = 0.03  # largest crop: a resize is never this small
_MAX_OFF_MIDDLE = 0.15  # distance of the principal point from the middle, as a share of the edge


@dataclass(frozen=True, eq=False)
class FittedCamera:
    """The camera of the footage of a view.

    Attributes:
        camera: projects into the pictures of the footage and has their size.
        findings: notes for the user on changes of the camera.
    """

    camera: CameraModel
    findings: tuple[Finding, ...] = ()


def fit_camera(camera: CameraModel, footage_size: ImageSize, *, rotate: int = 0, scale: float = 1.0) -> FittedCamera:
    """Return the camera of footage whose pictures are turned and resized calibrated pictures.

    If the footage fits only after the turn in the calibration file (`Camera.viewing_turn`), this turn is applied.

    Args:
        camera: the calibrated camera.
        footage_size: (height, width) of the footage.
        rotate: turn of the footage relative to the calibrated pictures, degrees clockwise: 0, 90, 180 or 270.
        scale: size of the footage divided by that of the calibrated pictures.

    Raises:
        CalibrationError: the footage still has another size; the message names the turn or the scale that would fit.
    """
    resized, stated = scaled_camera(camera, scale), _viewing_turn(camera)
    findings: list[Finding] = []
    if rotate == 0 and stated and _is_close(turned_size(resized.image_size, stated), footage_size):
        if _is_close(resized.image_size, footage_size):
            findings.append(_either_way(camera, stated))
        else:
            rotate = stated
            findings.append(_turned_as_stated(camera, stated))
    if not _is_close(turned_size(resized.image_size, rotate), footage_size):
        raise _wrong_size(camera, turned_size(resized.image_size, rotate), footage_size)
    # Encoders crop or pad at the right and lower border, before the turn.
    before_turn = turned_size(footage_size, rotate)
    padded = check_image_size(resized, before_turn)
    fitted = turned_camera(with_image_size(resized, before_turn), rotate)
    if isinstance(fitted, Camera):
        fitted = replace(fitted, viewing_turn=(stated - rotate) % 360)
    return FittedCamera(fitted, tuple(findings) if padded is None else (*findings, padded))


def check_image_size(camera: CameraModel, footage_size: ImageSize) -> Finding | None:
    """Return None if the footage has the calibrated size, or a warning if both edges differ by less than 1 %.

    Raises:
        CalibrationError: an edge differs by 1 % or more; the message gives both sizes and a fitting turn or scale.
    """
    if tuple(footage_size) == tuple(camera.image_size):
        return None
    if not _is_close(camera.image_size, footage_size):
        raise _wrong_size(camera, camera.image_size, footage_size)
    return Finding(
        "warning",
        "calibration",
        f'camera "{camera.name}": calibrated at {_by_width(camera.image_size)}, footage is {_by_width(footage_size)} '
        "(width x height): taken as cut or padded at the right and lower border, intrinsics kept",
    )


def with_image_size(camera: CameraModel, size: ImageSize) -> CameraModel:
    """Return the camera with pictures of `size`, without scaling: only the right and lower border move.

    Raises:
        CalibrationError: the kind of camera is unknown.
    """
    if isinstance(camera, MovingCamera):
        return MovingCamera(camera.name, tuple(_static_with_image_size(frame, size) for frame in camera.frames))
    return _static_with_image_size(camera, size)


def _static_with_image_size(camera: CameraModel, size: ImageSize) -> StaticCamera:
    if isinstance(camera, Camera | AffineCamera):
        return replace(camera, image_size=size)
    raise CalibrationError(f'camera "{camera.name}": expected a known kind of camera, got {type(camera).__name__}')


def _viewing_turn(camera: CameraModel) -> int:
    return camera.viewing_turn if isinstance(camera, Camera) else 0


def _turned_as_stated(camera: CameraModel, stated: int) -> Finding:
    return Finding(
        "note",
        "calibration",
        f'camera "{camera.name}": its footage is turned by {stated} degrees clockwise, as the calibration file states: '
        "the intrinsics are turned with it",
    )


def _either_way(camera: CameraModel, stated: int) -> Finding:
    return Finding(
        "warning",
        "calibration",
        f'camera "{camera.name}": the calibration file states a turn by {stated} degrees, and the size of the footage '
        f"does not tell whether it was turned: taken as not turned; --rotate {stated} "
        f"(rotate.{camera.name} = {stated} in capture.toml) says that it was",
    )


def _wrong_size(camera: CameraModel, expected: ImageSize, footage_size: ImageSize) -> CalibrationError:
    changed = "" if tuple(expected) == tuple(camera.image_size) else f", turned and scaled to {_by_width(expected)}"
    return CalibrationError(
        f'camera "{camera.name}": expected footage of the calibrated {_by_width(camera.image_size)} (width x height)'
        f"{changed}, got {_by_width(footage_size)}: {_remedy(camera, footage_size)}"
    )


def _remedy(camera: CameraModel, footage_size: ImageSize) -> str:
    """Return advice for the user: a turn, a scale or a correction that fits the footage."""
    straight = _factor_between(camera.image_size, footage_size)
    turned = _factor_between(turned_size(camera.image_size, 90), footage_size)
    if turned is not None and _is_size_swapped(camera):
        return (
            "are width and height swapped in the calibration? Its principal point is the middle of a picture of "
            f"{_by_width(turned_size(camera.image_size, 90))}: correct the size there"
        )
    if straight is not None:
        return (
            f"if the footage was resized or binned, --scale {straight:.4g} fits "
            f"(scale = {straight:.4g}, or scale.{camera.name} = {straight:.4g} for this view, in capture.toml)"
        )
    if turned is None:
        return "no turn and no scale fits: the footage was cropped, or is another camera's"
    scale = "" if turned == 1 else f" --scale {turned:.4g}"
    keys = "" if turned == 1 else f" and scale = {turned:.4g}"
    return (
        f"is the footage turned by 90 degrees? --rotate 90{scale} fits if it was turned clockwise, --rotate 270{scale} "
        f"if the other way (rotate = 90{keys}, or rotate.{camera.name} = 90 for this view, in capture.toml)"
    )


def _is_size_swapped(camera: CameraModel) -> bool:
    """Return whether the principal point is near the middle only if height and width are exchanged."""
    static = camera.at(0)
    if not isinstance(static, Camera):
        return False
    height, width = static.image_size
    x, y = static.px_from_cam[:2, 2].tolist()
    as_stated = max(abs(x / width - 0.5), abs(y / height - 0.5))
    swapped = max(abs(x / height - 0.5), abs(y / width - 0.5))
    return bool(swapped < _MAX_OFF_MIDDLE < as_stated)


def _factor_between(calibrated: ImageSize, footage: ImageSize) -> float | None:
    """Return the simplest scale that fits both edges; None if there is none, or it is near 1 (a crop)."""
    pairs = tuple(zip(calibrated, footage, strict=True))
    least = max(here / there / (1 + _MAX_RELATIVE_DIFFERENCE) for there, here in pairs)
    most = min(here / there / (1 - _MAX_RELATIVE_DIFFERENCE) for there, here in pairs)
    is_cut = not least < 1 < most and least < 1 + _MAX_CUT and most > 1 - _MAX_CUT
    if least >= most or is_cut:
        return None
    for denominator in range(1, _MAX_DENOMINATOR + 1):
        numerator = math.floor(least * denominator) + 1
        if numerator < most * denominator:
            return numerator / denominator
    return (least + most) / 2


def _is_close(calibrated: ImageSize, footage: ImageSize) -> bool:
    """Return whether both edges differ by less than 1 %."""
    pairs = tuple(zip(calibrated, footage, strict=True))
    return all(there == here or abs(there - here) < _MAX_RELATIVE_DIFFERENCE * there for there, here in pairs)


def _by_width(size: ImageSize) -> str:
    return f"{size[1]} x {size[0]}"
