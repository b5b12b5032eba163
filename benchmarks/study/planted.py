"""Scenes of one person, and faults planted on each of their cameras in turn."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motion import paces, true_positions
from poseharvest.capture.capture import Capture
from poseharvest.detectors.registry import load_detector
from poseharvest.diagnosis.disagreement import projected
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.triangulation import triangulate
from poseharvest.harvesting.camera_check import listed
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.job import Job
from poseharvest.simulation.camera_rigs import random_rig
from poseharvest.skeleton.definitions import MPII16

NUM_FRAMES, FRAME_RATE, IMAGE_SIZE = 100, 50.0, (1080, 1920)
NOISE_PX, BIAS_PX, GROSS_SHARE, GROSS_PX = 4.0, 5.0, 0.05, 40.0
PLACE = ("place", "focal length")  # moved along its line of sight is the same as zoomed

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """What the cameras show of one person, with nothing wrong.

    Attributes:
        name: of the capture.
        cameras: V cameras.
        shown: what they show.
        frame_rate: frames per second.
        mirrored_joints: (J,) for each joint the one of the other side of the body.
    """

    name: str
    cameras: tuple[Camera, ...]
    shown: ShownJoints
    frame_rate: float
    mirrored_joints: tuple[int, ...]

    @property
    def points(self) -> Floats:
        """(T, J, 3) triangulated joints, mm; NaN where unknown."""
        num_views, num_frames, num_joints = self.shown.pixels.shape[:3]
        pixels = torch.as_tensor(self.shown.pixels.reshape(num_views, -1, 2))
        fit = triangulate(self.cameras, pixels, torch.isfinite(pixels).all(-1).double())
        points = torch.where(fit.supported.unsqueeze(-1), fit.points, torch.nan).numpy()
        return np.asarray(points.reshape(num_frames, num_joints, 3))


@dataclass(frozen=True, eq=False)
class Planted:
    """A fault.

    Attributes:
        name: in words.
        kinds: of these any is right.
        views: names of the cameras that are to be named.
        cameras: as the calibration says.
        pixels: (V, T, J, 2) what they show.
        moved_px: how far it moves the person in the picture, pixels (median).
    """

    name: str
    kinds: tuple[str, ...]
    views: tuple[str, ...]
    cameras: tuple[Camera, ...]
    pixels: Floats
    moved_px: float


def scene_of_capture(folder: Path, calibration: Path, keypoints: Path, frame_offset: int) -> Scene:
    """Return what keypoint files of a capture list of the person who stands out."""
    detector = load_detector(str(keypoints), frame_offset=frame_offset)
    capture = Capture.open(folder, calibration=calibration)
    job = Job(capture, detector, HarvestOptions(), None, None, lambda _: None)
    shown = listed(job)
    cameras = tuple(camera for camera in capture.rig if isinstance(camera, Camera))
    if shown is None or len(cameras) < len(capture.rig):
        raise SystemExit(f"{folder}: expected cameras that stand still, and keypoints in which one person stands out")
    return Scene(folder.name, cameras, shown, capture.frame_rate, detector.skeleton.flip_permutation)


def simulated_scene(seed: int) -> Scene:
    """Return a simulated person before cameras of their own, with errors of a detector.

    Every view errs by noise, by a constant of its own for each joint, and now and then grossly.
    """
    rng = np.random.default_rng(seed)
    around = random_rig(4, torch.Generator().manual_seed(seed), image_size=IMAGE_SIZE)
    cameras = tuple(camera for camera in around if isinstance(camera, Camera))
    truth = true_positions(seed, paces()["slow"], NUM_FRAMES)
    truth = truth - truth.mean((0, 1)) * (1, 1, 0)
    seen = np.stack([projected(camera, truth) for camera in cameras])
    bias = BIAS_PX * rng.normal(size=(len(cameras), 1, truth.shape[1], 2))
    gross = GROSS_PX * rng.normal(size=seen.shape) * (rng.random((*seen.shape[:3], 1)) < GROSS_SHARE)
    pixels = seen + bias + NOISE_PX * rng.normal(size=seen.shape) + gross
    shown = ShownJoints(np.arange(NUM_FRAMES), pixels)
    return Scene(f"simulated {seed}", cameras, shown, FRAME_RATE, MPII16.flip_permutation)


def planted(scene: Scene) -> Iterator[Planted]:
    """Yield every fault of every camera."""
    for view in range(len(scene.cameras)):
        yield from _wrong_calibrations(scene, view)
        yield from _wrong_times(scene, view)
        yield from _wrong_pictures(scene, view)
        yield from _pairs(scene, view)


def planted_halfway(scene: Scene) -> Iterator[Planted]:
    """Yield faults of every camera that begin in the middle: it is pushed or zoomed, or falls behind."""
    half = len(scene.shown.frames) // 2
    for view, camera in enumerate(scene.cameras):
        for fault in _wrong_calibrations(scene, view):
            if "lens" in fault.kinds:
                continue  # a lens does not change
            # The calibration stays; what the camera shows moves the other way.
            shift = projected(camera, scene.points) - projected(fault.cameras[view], scene.points)
            yield _from(scene, fault, half, scene.shown.with_view(view, scene.shown.pixels[view] + shift).pixels)
        for fault in _wrong_times(scene, view):
            if fault.kinds == ("delay",):
                yield _from(scene, fault, half, fault.pixels)


def _from(scene: Scene, fault: Planted, frame: int, pixels: Floats) -> Planted:
    later = np.concatenate((scene.shown.pixels[:, :frame], pixels[:, frame:]), axis=1)
    return replace(fault, name=f"{fault.name} from frame {frame} on", cameras=scene.cameras, pixels=later)


def _wrong_calibrations(scene: Scene, view: int) -> Iterator[Planted]:
    camera, points = scene.cameras[view], scene.points
    before = projected(camera, points)
    changes: list[tuple[str, tuple[str, ...], Camera]] = []
    for axis, letter in enumerate("xyz"):
        changes += [
            (f"turned by {degrees} about {letter}", PLACE, _turned(camera, degrees, axis)) for degrees in (1, 5)
        ]
        changes += [(f"moved by {mm} mm along {letter}", PLACE, _moved(camera, mm, axis)) for mm in (50, 200)]
    changes += [(f"focal length times {zoom}", PLACE, _zoomed(camera, zoom)) for zoom in (0.9, 1.1)]
    if camera.distortion.model != "none":
        changes.append(("distortion dropped", ("lens", *PLACE), replace(camera, distortion=Distortion())))
    for name, kinds, changed in changes:
        cameras = tuple(changed if number == view else one for number, one in enumerate(scene.cameras))
        moved = float(np.nanmedian(np.linalg.norm(projected(changed, points) - before, axis=-1)))
        yield Planted(name, kinds, (camera.name,), cameras, scene.shown.pixels, moved)


def _wrong_times(scene: Scene, view: int) -> Iterator[Planted]:
    own = scene.shown.pixels[view]
    for late in (2, 5, 15):
        shifted = np.concatenate((np.repeat(own[:1], late, axis=0), own[:-late]))
        yield _with_pixels(scene, view, f"late by {late} frames", ("delay",), shifted)
    kept = np.sort(np.random.default_rng(view).permutation(len(own))[: int(0.7 * len(own))])
    short = np.full_like(own, np.nan)
    short[: len(kept)] = own[kept]
    yield _with_pixels(scene, view, "30 % of the frames dropped", ("rate",), short)
    first = int(np.isfinite(own).all(-1).any(-1).argmax())
    yield _with_pixels(scene, view, "frozen", ("frozen",), np.repeat(own[first : first + 1], len(own), axis=0))


def _wrong_pictures(scene: Scene, view: int) -> Iterator[Planted]:
    own, (height, width) = scene.shown.pixels[view], scene.cameras[view].image_size
    x, y = own[..., 0], own[..., 1]
    mirrored = np.stack((width - 1 - x, y), -1)[:, np.asarray(scene.mirrored_joints)]
    yield _with_pixels(scene, view, "mirrored", ("mirrored",), mirrored)
    yield _with_pixels(scene, view, "turned by 90", ("turned",), np.stack((height - 1 - y, x), -1))
    yield _with_pixels(scene, view, "turned by 180", ("turned",), np.stack((width - 1 - x, height - 1 - y), -1))
    noise = np.random.default_rng(view).uniform((0, 0), (width, height), own.shape)
    yield _with_pixels(scene, view, "noise", ("unlike",), np.where(np.isfinite(own), noise, np.nan))


def _pairs(scene: Scene, view: int) -> Iterator[Planted]:
    other = (view + 1) % len(scene.cameras)
    names = (scene.cameras[view].name, scene.cameras[other].name)
    exchanged = scene.shown.with_exchanged(view, other).pixels
    moved = float(np.nanmedian(np.linalg.norm(exchanged - scene.shown.pixels, axis=-1)[[view, other]]))
    yield Planted("exchanged", ("exchanged",), names, scene.cameras, exchanged, moved)
    same = scene.shown.with_view(view, scene.shown.pixels[other])
    yield Planted("the same pictures twice", ("same pictures",), names, scene.cameras, same.pixels, moved)


def _with_pixels(scene: Scene, view: int, name: str, kinds: tuple[str, ...], pixels: Floats) -> Planted:
    moved = float(np.nanmedian(np.linalg.norm(pixels - scene.shown.pixels[view], axis=-1)))
    shown = scene.shown.with_view(view, pixels)
    return Planted(name, kinds, (scene.cameras[view].name,), scene.cameras, shown.pixels, moved)


def _turned(camera: Camera, degrees: float, axis: int) -> Camera:
    turn = torch.as_tensor(Rotation.from_rotvec(np.eye(3)[axis] * math.radians(degrees)).as_matrix())
    rotation = turn @ camera.rotation.double()
    return replace(camera, rotation=rotation, translation=-(rotation @ camera.center.double()))


def _moved(camera: Camera, mm: float, axis: int) -> Camera:
    return replace(camera, translation=camera.translation.double() + mm * torch.eye(3, dtype=torch.float64)[axis])


def _zoomed(camera: Camera, zoom: float) -> Camera:
    matrix = camera.px_from_cam.clone()
    matrix[:2, :2] *= zoom
    return replace(camera, px_from_cam=matrix)
