"""A rig: the cameras of a capture, in a fixed order, with unique names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from poseharvest.errors import CalibrationError
from poseharvest.geometry.camera import CameraModel, Projection, StaticCamera


@dataclass(frozen=True, eq=False)
class Rig:
    """The cameras of a capture.

    Attributes:
        cameras: in view order; names are unique.
    """

    cameras: tuple[CameraModel, ...]

    def __post_init__(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise CalibrationError(f"rig: camera names must be unique, got twice: {', '.join(repeated)}")

    def __len__(self) -> int:
        return len(self.cameras)

    def __iter__(self) -> Iterator[CameraModel]:
        return iter(self.cameras)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views, in order."""
        return tuple(camera.name for camera in self.cameras)

    def camera(self, name: str) -> CameraModel:
        """Return the camera called `name`.

        Raises:
            CalibrationError: there is no such camera; the message lists the known names.
        """
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise CalibrationError(f'rig: expected one of {", ".join(self.names)}, got "{name}"')

    def subset(self, names: Sequence[str]) -> Rig:
        """Return the rig of the named cameras, in the order given."""
        return Rig(tuple(self.camera(name) for name in names))

    def at(self, frame: int) -> tuple[StaticCamera, ...]:
        """Return the camera of every view in `frame`, from 0."""
        return tuple(camera.at(frame) for camera in self.cameras)


def project_all(cameras: Sequence[StaticCamera], points: Tensor) -> Projection:
    """Return the projection of world points (N, 3), mm, into V cameras: pixels (V, N, 2), valid (V, N)."""
    parts = [camera.project(points) for camera in cameras]
    return Projection(torch.stack([p.pixels for p in parts]), torch.stack([p.valid for p in parts]))


def inside_image(pixels: Tensor, image_size: tuple[int, int] | tuple[Tensor, Tensor]) -> Tensor:
    """Return (...) bool: True where the pixels (..., 2) lie in the picture, outer pixels included entirely.

    Args:
        pixels: x, y.
        image_size: height and width, for all pixels or (...) for each.
    """
    height, width = image_size
    x, y = pixels.unbind(-1)
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
