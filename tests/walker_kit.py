"""A harvest with known content for tests of the report: a figure that walks on a circle before four cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from poseharvest.annotations.film import film_picture, plan_film
from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.findings import Finding
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import crop_around
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig, inside_image, project_all
from poseharvest.motion import MotionOptions
from poseharvest.selection.recalibration import Recalibration
from poseharvest.skeleton.definitions import MPII16

IMAGE_SIZE = (360, 480)
_REST = {
    "pelvis": (0, 0, 950),
    "thorax": (0, 0, 1430),
    "upper_neck": (10, 0, 1510),
    "head_top": (20, 0, 1740),
}
_THIGH, _SHANK, _UPPER_ARM, _FOREARM = 430.0, 400.0, 290.0, 250.0
ABSENT_VIEW, ABSENT_FRAMES = 2, range(10, 16)


def look_at(name: str, center: tuple[float, float, float], target: tuple[float, float, float]) -> Camera:
    """Return a camera at `center` that looks at `target`, the world's z up."""
    position = torch.tensor(center, dtype=torch.float64)
    z = torch.nn.functional.normalize(torch.tensor(target, dtype=torch.float64) - position, dim=0)
    up = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    x = torch.nn.functional.normalize(torch.linalg.cross(z, up), dim=0)
    rotation = torch.stack([x, torch.linalg.cross(z, x), z])
    k = torch.tensor([[420.0, 0, 239.5], [0, 420.0, 179.5], [0, 0, 1]], dtype=torch.float64)
    lens = Distortion("brown_conrady", (-0.12, 0.03, 0.0005, -0.0008))
    return Camera(name, IMAGE_SIZE, k, rotation, -rotation @ position, lens)


def walker_rig(first_view: str = "cam01") -> Rig:
    """Return four cameras on the corners of a rectangle."""
    corners = ((3200, 2600, 1500), (-3300, 2500, 1900), (-3100, -2700, 1400), (3300, -2500, 2100))
    names = (first_view, "cam02", "cam03", "cam04")
    return Rig(tuple(look_at(name, corner, (0, 0, 900)) for name, corner in zip(names, corners, strict=True)))


def walking_pose(phase: float) -> np.ndarray:
    """Return (16, 3) mm, one moment of a walk on a circle; one turn of `phase` is one step with each leg."""
    forward = np.array([1.0, 0, 0])
    left = np.array([0, 1.0, 0])
    joints = {name: np.array(place, dtype=float) for name, place in _REST.items()}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * np.sin(phase)
        hip = joints["pelvis"] + 110 * sign * left
        joints[f"{side}_hip"] = hip
        knee = hip + _THIGH * _down(forward, 0.5 * swing)
        joints[f"{side}_knee"] = knee
        joints[f"{side}_ankle"] = knee + _SHANK * _down(forward, 0.5 * swing - 0.35 * max(0, np.cos(phase) * sign))
        shoulder = joints["thorax"] + 180 * sign * left
        joints[f"{side}_shoulder"] = shoulder
        elbow = shoulder + _UPPER_ARM * _down(forward + 0.25 * sign * left, -0.6 * swing)
        joints[f"{side}_elbow"] = elbow
        joints[f"{side}_wrist"] = elbow + _FOREARM * _down(forward, 0.5 - 0.6 * swing)
    pose = np.stack([joints[name] for name in MPII16.joints])
    turn = phase / 9
    spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return (pose + np.array([0, -500, 0])) @ spin.T


def _down(forward: np.ndarray, angle: float) -> np.ndarray:
    direction = np.sin(angle) * forward - np.cos(angle) * np.array([0, 0, 1.0])
    return direction / np.linalg.norm(direction)


def covariances(frame: int, num_frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return (16, 3, 3) mm^2: wrists and ankles less certain, and a bad spell in the middle of the capture."""
    spell = 1 + 2.5 * np.exp(-(((frame - 0.6 * num_frames) / (0.06 * num_frames)) ** 2))
    outer = {"ankle": 1.7, "wrist": 2.2, "knee": 1.2, "elbow": 1.3, "head_top": 1.3}
    roots = []
    for name in MPII16.joints:
        base = 7.0 * outer.get(name.split("_", 1)[-1], 1.0) * (spell if "right" in name else spell**0.5)
        root = np.diag(base * np.exp(generator.normal(0, 0.25, 3)) * (1, 1.8, 0.7))
        spin, _ = np.linalg.qr(generator.normal(size=(3, 3)))
        roots.append(spin @ root)
    stacked = np.stack(roots)
    return stacked @ stacked.transpose(0, 2, 1)


def annotate(rig: Rig, frame: int, num_frames: int, seed: int) -> FrameAnnotations:
    """Return the record of one frame, with noisy heatmap peaks of which some are plainly wrong in the last view."""
    generator = np.random.default_rng((seed, frame))
    truth = walking_pose(0.22 * frame)
    cov = covariances(frame, num_frames, generator)
    mean = torch.from_numpy(truth + 0.25 * generator.multivariate_normal(np.zeros(3), np.eye(3) * 60, 16))
    seen = project_all(rig.at(frame), mean)
    pixels = seen.pixels
    inside = seen.valid & inside_image(pixels, IMAGE_SIZE)
    peaks = pixels + torch.from_numpy(generator.normal(0, 2.0, pixels.shape))
    wrong = torch.from_numpy(generator.random(16) < 0.35)
    peaks[3] = torch.where(wrong[:, None], peaks[3] + 45, peaks[3])
    score = torch.from_numpy(generator.uniform(0.4, 0.95, pixels.shape[:2])) * inside
    crops = [crop_around(view, 1.3) for view in pixels]
    present = [not (view == ABSENT_VIEW and frame in ABSENT_FRAMES) for view in range(len(rig))]
    gone = ~torch.tensor(present)
    peaks[gone] = float("nan")
    score[gone] = 0
    inside[gone] = False
    supported = torch.ones(16, dtype=torch.bool)
    if frame == 5:
        supported[MPII16.index("right_wrist")] = False
    return FrameAnnotations(
        frame=frame,
        time_s=frame / 25,
        person=0,
        mean=mean,
        cov=torch.from_numpy(cov),
        supported=supported,
        log_evidence=-30.0,
        pixels=pixels,
        inside=inside,
        score=score,
        peak_pixels=peaks,
        peak_score=score * 1.05,
        crops=tuple(crop if there else None for crop, there in zip(crops, present, strict=True)),
    )


def paint(rig: Rig, view: int, frame: int) -> np.ndarray:
    """Return (H, W, 3) RGB: a plain figure of thick limbs on a floor, as the camera sees it without its lens."""
    height, width = IMAGE_SIZE
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:] = np.linspace((196, 200, 204), (148, 142, 132), height)[:, None].astype(np.uint8)
    cv2.rectangle(picture, (0, int(0.66 * height)), (width, height), (126, 112, 96), -1)
    pose = torch.from_numpy(walking_pose(0.22 * frame))
    pixels = rig.at(frame)[view].project(pose).pixels.round().int().tolist()
    tones = {"left": (70, 84, 120), "right": (86, 72, 96)}
    for limb in MPII16.limbs:
        ends = (pixels[MPII16.index(limb.parent)], pixels[MPII16.index(limb.child)])
        tone = tones.get(limb.child.split("_")[0], (58, 66, 84))
        cv2.line(picture, *ends, tone, 15 if "thorax" in limb.name else 10, cv2.LINE_AA)
    cv2.circle(picture, pixels[MPII16.index("head_top")], 10, (186, 146, 120), -1, cv2.LINE_AA)
    return picture


@dataclass(frozen=True)
class Recipe:
    """What `make_harvest` makes."""

    num_frames: int = 40
    capture_name: str = "walk on a circle"
    pictured: tuple[int, ...] = (0, 12, 24)
    findings: tuple[Finding, ...] = ()
    seed: int = 3
    first_view: str = "cam01"
    num_persons: int = 1
    blind: bool = False
    """No camera sees any joint."""
    recalibration: Recalibration | None = None
    motion: MotionOptions | None = None
    film: bool = False
    """The frames have small pictures, which hold their number: `read_code` reads it."""


def write_walk(path: Path, recipe: Recipe) -> Harvest:
    """Write the harvest of a `recipe` into a new folder."""
    rig = walker_rig(recipe.first_view)
    run = HarvestRun(
        capture=CaptureInfo(name=recipe.capture_name, path=None, frame_rate=25, num_frames=recipe.num_frames),
        detector=DetectorInfo(
            name="drawn", heatmap_size=(64, 64), details={"noise_px": 2.0, "note": "made for a test"}
        ),
        limb_lengths_mm={limb.name: length for limb, length in zip(MPII16.limbs, _lengths(), strict=True)},
        options={"floor": 0.01, "volume": {"edge_mm": 2500, "resolution": [64, 64, 64]}, "stages": ["coarse", "fine"]},
        seed=recipe.seed,
        findings=recipe.findings,
    )
    with HarvestWriter(
        path, rig=rig, skeleton=MPII16, records_per_part=16, recalibration=recipe.recalibration
    ) as writer:
        for frame in range(recipe.num_frames):
            record = annotate(rig, frame, recipe.num_frames, recipe.seed)
            if recipe.blind:
                record = replace(
                    record, supported=torch.zeros(16, dtype=torch.bool), mean=torch.zeros_like(record.mean)
                )
            for person in range(recipe.num_persons):
                writer.add(replace(record, person=person, mean=record.mean + 300.0 * person))
        if recipe.film:
            add_film(writer, rig, recipe.num_frames)
        for frame, view in _pictures(recipe, len(rig)):
            writer.add_preview(frame, rig.names[view], paint(rig, view, frame))
        return writer.finish(run, motion=recipe.motion)


def add_film(writer: HarvestWriter, rig: Rig, num_frames: int) -> None:
    """Keep a film of coded pictures; an absent view has none."""
    writer.keep_film(plan_film(rig, range(num_frames), 25.0))
    for frame in writer.film.info.frames:
        gone = [view == ABSENT_VIEW and frame in ABSENT_FRAMES for view in range(len(rig))]
        images = [None if there_is_none else coded(frame, view) for view, there_is_none in enumerate(gone)]
        writer.film.add(frame, film_picture(writer.film.info, images))


CODE_BITS = 8


def coded(frame: int, view: int) -> np.ndarray:
    """Return (H, W, 3) RGB: a row of white and black blocks at the upper border, the bits of the frame and the view."""
    height, width = IMAGE_SIZE
    picture = np.full((height, width, 3), 110, np.uint8)
    for bit in range(CODE_BITS):
        left, right = (width * k // CODE_BITS for k in (bit, bit + 1))
        picture[: height // 8, left:right] = 255 * ((4 * frame + view) >> bit & 1)
    return picture


def read_code(picture: np.ndarray) -> tuple[int, int]:
    """Return the frame and the view of a coded picture (H, W, ...) of any size."""
    height, width = picture.shape[:2]
    columns = [int((bit + 0.5) * width / CODE_BITS) for bit in range(CODE_BITS)]
    code = sum(1 << bit for bit, x in enumerate(columns) if picture[height // 16, x].mean() > 128)
    return code // 4, code % 4


def _pictures(recipe: Recipe, num_views: int) -> list[tuple[int, int]]:
    """Frame and view of every preview; an absent view has none."""
    gone = [(frame, ABSENT_VIEW) for frame in ABSENT_FRAMES]
    wanted = [(frame, view) for frame in recipe.pictured for view in range(num_views)]
    return [place for place in wanted if place not in gone]


def _lengths() -> list[float]:
    """Lengths of the rest pose; the right shank's is wrong on purpose."""
    pose = walking_pose(0.0)
    lengths = []
    for limb in MPII16.limbs:
        length = float(np.linalg.norm(pose[MPII16.index(limb.parent)] - pose[MPII16.index(limb.child)]))
        lengths.append(length * (1.12 if limb.name == "right_knee-right_ankle" else 1.0))
    return lengths
