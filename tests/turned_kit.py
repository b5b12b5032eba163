"""Footage as cameras give it that hang upside down or on their side: pictures and cameras turned together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch

from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.detectors.turned import turn_image
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig


def turned_camera(camera: Camera, degrees: int) -> Camera:
    """Return the camera whose pictures are those of `camera`, turned clockwise."""
    for _ in range(degrees // 90):
        camera = _quarter(camera)
    return camera


def _quarter(camera: Camera) -> Camera:
    """Pixel (x, y) becomes (H - 1 - y, x); the camera's axes turn along, so that x_cam becomes (-y_cam, x_cam)."""
    height, width = camera.image_size
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    pixels = torch.tensor([[0.0, -1.0, height - 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    lens = camera.distortion
    if lens.model == "brown_conrady":
        k1, k2, p1, p2, *rest = lens.coefficients
        lens = Distortion("brown_conrady", (k1, k2, p2, -p1, *rest))
    return replace(
        camera,
        image_size=(width, height),
        px_from_cam=pixels @ camera.px_from_cam.double() @ turn.T,
        rotation=turn @ camera.rotation.double(),
        translation=turn @ camera.translation.double(),
        distortion=lens,
    )


@dataclass(frozen=True, eq=False)
class TurnedCapture:
    """A capture of which some views are turned clockwise, in degrees by their names."""

    inner: FrameSource
    turns: Mapping[str, int]

    @property
    def name(self) -> str:
        """Of the capture within."""
        return self.inner.name

    @property
    def frame_rate(self) -> float:
        """Of the capture within."""
        return self.inner.frame_rate

    @property
    def num_frames(self) -> int:
        """Of the capture within."""
        return self.inner.num_frames

    @property
    def rig(self) -> Rig:
        """The turned cameras."""
        return Rig(tuple(turned_camera(camera, self.turns.get(camera.name, 0)) for camera in self.inner.rig))  # type: ignore[arg-type]

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Stream the turned pictures."""
        for frame in self.inner.frames(start, stop):
            images = tuple(
                None if image is None else turn_image(image, self.turns.get(name, 0))
                for name, image in zip(self.inner.rig.names, frame.images, strict=True)
            )
            yield MultiViewFrame(frame.index, frame.time_s, images)
