"""Which joints a picture shows, and which are hidden by furniture or by the body itself."""

from __future__ import annotations

import torch
from torch import Tensor

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import inside_image
from poseharvest.skeleton.definitions import MPII16
from poseharvest.studio.body_shapes import BodyShape

_FLESH_MM = {"hip": 175.0, "pelvis": 210.0, "thorax": 190.0, "shoulder": 120.0, "knee": 110.0, "upper_neck": 130.0}
_OTHER_FLESH_MM = 85.0


def visible_joints(camera: Camera, depth: Tensor, joints: Tensor, shape: BodyShape) -> Tensor:
    """Return (J,) bool: the joint is in the picture, and the visible surface there is the flesh around the joint.

    Args:
        camera: the camera.
        depth: (H, W) distance along the rays to the visible surface, mm.
        joints: (J, 3) MPII's joints, mm in the world.
        shape: the body, whose build gives the thickness of the flesh.
    """
    projection = camera.project(joints)
    height, width = camera.image_size
    inside = projection.valid & inside_image(projection.pixels, camera.image_size)
    columns = projection.pixels[:, 0].round().long().clamp(0, width - 1)
    rows = projection.pixels[:, 1].round().long().clamp(0, height - 1)
    picture_depth = depth.cpu()[rows, columns]
    away = torch.linalg.vector_norm(joints - camera.center, dim=-1)
    flesh = torch.tensor([_flesh(joint) for joint in MPII16.joints]) * shape.build * shape.stature_mm / 1750.0
    visible: Tensor = inside & (picture_depth > away - flesh)
    return visible


def _flesh(joint: str) -> float:
    return _FLESH_MM.get(joint.removeprefix("left_").removeprefix("right_"), _OTHER_FLESH_MM)
