"""Whether footage is of the size that its camera was calibrated for.

Video encoders cut or pad a picture to multiples of 16, as the 1080 and 1088 pixels of many recorders. Such pictures are
not scaled: a pixel keeps its place, so the intrinsics hold as they are and only the picture's border moves. Anything
larger means that the footage was scaled, cropped or turned, and no intrinsics can be guessed from that.
"""

from __future__ import annotations

from dataclasses import replace

from poseharvest.arrays import ImageSize
from poseharvest.errors import CalibrationError
from poseharvest.findings import Finding
from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera, StaticCamera

_MAX_RELATIVE_DIFFERENCE = 0.01


def check_image_size(camera: CameraModel, footage_size: ImageSize) -> Finding | None:
    """Return None if the footage is of the calibrated size, a warning if both edges differ by less than 1 %.

    Raises:
        CalibrationError: an edge differs by 1 % or more; the message says both sizes.
    """
    if tuple(footage_size) == tuple(camera.image_size):
        return None
    calibrated, footage = _by_width(camera.image_size), _by_width(footage_size)
    pairs = tuple(zip(camera.image_size, footage_size, strict=True))
    if all(abs(there - here) < _MAX_RELATIVE_DIFFERENCE * there for there, here in pairs):
        return Finding(
            "warning",
            "calibration",
            f'camera "{camera.name}": calibrated at {calibrated}, footage is {footage} (width x height): '
            "taken as cut or padded at the right and lower border, intrinsics kept",
        )
    turned = (footage_size[1], footage_size[0])
    hint = ": is the footage turned by 90 degrees?" if turned == tuple(camera.image_size) else ""
    raise CalibrationError(
        f'camera "{camera.name}": expected footage of the calibrated {calibrated} (width x height), got {footage}{hint}'
    )


def with_image_size(camera: CameraModel, size: ImageSize) -> CameraModel:
    """Return the camera with pictures of `size`, every pixel where it was: the border moves, nothing is scaled.

    Raises:
        CalibrationError: it is a kind of camera that the package does not know.
    """
    if isinstance(camera, MovingCamera):
        return MovingCamera(camera.name, tuple(_static_with_image_size(frame, size) for frame in camera.frames))
    return _static_with_image_size(camera, size)


def _static_with_image_size(camera: CameraModel, size: ImageSize) -> StaticCamera:
    if isinstance(camera, Camera | AffineCamera):
        return replace(camera, image_size=size)
    raise CalibrationError(f'camera "{camera.name}": expected a known kind of camera, got {type(camera).__name__}')


def _by_width(size: ImageSize) -> str:
    return f"{size[1]} x {size[0]}"
