"""Where a simulated detector sees the joints of a simulated person, and how far found cameras are from true ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from poseharvest.geometry.camera import Camera
from poseharvest.geometry.rig import Rig
from poseharvest.people_calibration.joint_sightings import Floats, JointSightings, sightings_of
from poseharvest.simulation.detector_errors import REALISTIC, DetectorErrors
from poseharvest.simulation.erring_joints import Observer
from poseharvest.simulation.scene import Scene
from poseharvest.skeleton.definitions import MPII16
from poseharvest.synchronisation.view_joints import ViewJoints

_CONFIDENT = 0.2


@dataclass(frozen=True)
class RigError:
    """Errors of cameras, (V,) each, after they were laid onto the true ones."""

    angle_deg: Floats
    place_mm: Floats
    scale: float


def seen_by_cameras(
    scene: Scene, num_frames: int, seed: int, *, every: int = 2, errors: DetectorErrors = REALISTIC
) -> JointSightings:
    """Return where a simulated detector sees the joints of a scene, in every second frame or as `every` says."""
    observer = Observer(scene, errors, seed)
    times_s = np.arange(num_frames) * every / scene.frame_rate
    views = []
    for view, camera in enumerate(scene.cameras):
        looks = [observer.observe(view, every * frame) for frame in range(num_frames)]
        best = [look.heights.argmax(1) for look in looks]
        joints = np.arange(len(MPII16))
        pixels = np.stack([look.places[joints, peak] for look, peak in zip(looks, best, strict=True)])
        scores = np.stack([look.heights[joints, peak] for look, peak in zip(looks, best, strict=True)])
        known = scores > _CONFIDENT
        pixels = np.where(known[..., None], pixels, np.nan)
        views.append(ViewJoints(camera.name, times_s, pixels[:, None], np.where(known, scores, np.nan)[:, None]))
    return sightings_of(views, times_s, [camera.image_size for camera in scene.cameras], MPII16)


def rig_error(found: Rig, true: Rig, *, with_scale: bool, names: Mapping[str, str] | None = None) -> RigError:
    """Return how far cameras are from the true ones, once laid onto them.

    Args:
        found: some cameras.
        true: the true ones.
        with_scale: whether lengths may be multiplied, too.
        names: of the true camera by that of the found one, where they differ.
    """
    pairs = [(camera, true.camera((names or {}).get(camera.name, camera.name))) for camera in found]
    ours = np.stack([_place(one) for one, _ in pairs])
    theirs = np.stack([_place(other) for _, other in pairs])
    a, b = ours - ours.mean(0), theirs - theirs.mean(0)
    # Directions as well as places say how to turn: with two cameras the places alone leave one turn open.
    looks = [(rotation_of(one), rotation_of(other)) for one, other in pairs]
    size = float(np.linalg.norm(b) / np.sqrt(len(b)))
    moment = b.T @ a / size**2 + sum(other.T @ one for one, other in looks)
    u, _, vt = np.linalg.svd(moment)
    turn = u @ np.diag((1, 1, np.sign(np.linalg.det(u @ vt)))) @ vt
    scale = float((b * (a @ turn.T)).sum() / (a**2).sum())
    place_mm = np.linalg.norm((scale if with_scale else 1.0) * a @ turn.T - b, axis=1)
    angles = [np.degrees(Rotation.from_matrix(other @ turn @ one.T).magnitude()) for one, other in looks]
    return RigError(np.array(angles), place_mm, scale)


def _place(camera: object) -> Floats:
    assert isinstance(camera, Camera)
    return camera.center.double().numpy()


def rotation_of(camera: object) -> Floats:
    assert isinstance(camera, Camera)
    return camera.rotation.double().numpy()
