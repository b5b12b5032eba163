"""A person of known joints, and pictures that show three of them as coloured discs: what every miniature is made of.

Joints, cameras, units, sides and frames are all checked by one thing: a disc lies where the truth projects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch

from poseharvest.arrays import Image
from poseharvest.geometry.camera import StaticCamera
from poseharvest.skeleton.skeleton import Skeleton

STAGE_MM = (50.0, 370.0)

MARKED = {"right_wrist": (255, 0, 0), "left_ankle": (0, 255, 0), "left_shoulder": (0, 0, 255)}
"""Joints that the pictures show, by colour. One sits on an arm, one on a leg of the other side: swaps show."""

_JOINTS_MM: dict[str, tuple[float, float, float]] = {
    "pelvis": (0, 0, 950),
    "mid_hip": (0, 5, 940),
    "right_hip": (-130, 0, 930),
    "right_knee": (-150, 60, 500),
    "right_ankle": (-170, -40, 80),
    "left_hip": (130, 10, 930),
    "left_knee": (170, 90, 510),
    "left_ankle": (310, 30, 90),
    "spine": (0, 20, 1170),
    "thorax": (0, 10, 1400),
    "neck": (5, 10, 1390),
    "neck_base": (0, 15, 1480),
    "upper_neck": (0, 20, 1500),
    "nose": (0, 110, 1580),
    "head_top": (10, 0, 1720),
    "left_eye": (30, 100, 1620),
    "right_eye": (-30, 100, 1620),
    "left_ear": (80, 20, 1610),
    "right_ear": (-80, 20, 1610),
    "left_shoulder": (190, 0, 1390),
    "left_elbow": (420, 60, 1260),
    "left_wrist": (560, 220, 1110),
    "right_shoulder": (-180, 0, 1395),
    "right_elbow": (-430, 40, 1500),
    "right_wrist": (-600, 160, 1690),
}


@dataclass(frozen=True)
class Person:
    """Somebody in a miniature: (F, J, 3) mm, and the numbers of the frames with them."""

    numbers: tuple[int, ...]
    positions: np.ndarray


@dataclass(frozen=True)
class Recording:
    """What a miniature holds of one sequence."""

    subject: str
    action: str
    cameras: tuple[str, ...]
    numbers: tuple[int, ...]
    people: Mapping[str, Person]
    pixels: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Miniature:
    """A data set of a few frames, written in the true format."""

    name: str
    root: Path
    recordings: Mapping[str, Recording]
    has_pictures: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


def joints(skeleton: Skeleton, frames: Sequence[int], person: int = 0) -> np.ndarray:
    """(F, J, 3) mm in the world: somebody who walks and moves an arm."""
    base = np.array([_JOINTS_MM[joint] for joint in skeleton.joints], dtype=float)
    walk = np.array([[35.0 * f + 900 * person, 20.0 * f - 700 * person, 0] for f in frames])
    poses = base[None] * (1 + 0.05 * person) + walk[:, None] + np.array([*STAGE_MM, 0])
    poses[:, skeleton.index("right_wrist"), 2] += 25.0 * np.asarray(frames)
    return poses


def one_person(skeleton: Skeleton, numbers: Sequence[int], name: str) -> dict[str, Person]:
    return {name: Person(tuple(numbers), joints(skeleton, range(len(numbers))))}


def picture(camera: StaticCamera, skeleton: Skeleton, pose: np.ndarray) -> Image:
    """The marked joints of a pose (J, 3) as one camera sees them."""
    height, width = camera.image_size
    image = np.full((height, width, 3), 20, dtype=np.uint8)
    rows = [skeleton.index(joint) for joint in MARKED]
    pixels = camera.project(torch.from_numpy(pose[rows])).pixels.numpy()
    for colour, (x, y) in zip(MARKED.values(), pixels, strict=True):
        centre = (round(x * 16), round(y * 16))
        cv2.circle(image, centre, round(disc_radius(height) * 16), colour, -1, cv2.LINE_AA, 4)
    return image


def disc_radius(height: int) -> float:
    return max(3.0, height / 90)


def find_disc(image: Image, joint: str) -> tuple[float, float]:
    """Where a picture shows the joint's disc, x and y."""
    channel = MARKED[joint].index(255)
    first, second = (image[..., c] for c in range(3) if c != channel)
    ys, xs = np.nonzero((image[..., channel] > 140) & (first < 110) & (second < 110))
    return float(xs.mean()), float(ys.mean())


def write_picture(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1])


def write_video(path: Path, images: Sequence[Image], rate: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "12"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
