"""Cameras, rigs, windows of pictures and triangulation: pure geometry on tensors.

It never reads a file and knows neither people nor heatmaps. Start with `camera`: it states the conventions of frames,
pixels and distances that all other packages rely on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poseharvest.geometry.camera import AffineCamera, Camera, CameraModel, MovingCamera, StaticCamera
    from poseharvest.geometry.crop import Crop, crop_around
    from poseharvest.geometry.rig import Rig
    from poseharvest.geometry.triangulation import triangulate, triangulate_robust
else:
    from poseharvest.lazy_names import lazy_names

    __getattr__ = lazy_names(__name__, __file__)

__all__ = [
    "AffineCamera",
    "Camera",
    "CameraModel",
    "Crop",
    "MovingCamera",
    "Rig",
    "StaticCamera",
    "crop_around",
    "triangulate",
    "triangulate_robust",
]
