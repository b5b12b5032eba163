"""A simulated person with two moving hands of known joints, as keypoint files of four cameras."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poseharvest.detectors.keypoints import KeypointDetector, KeypointOptions
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate
from poseharvest.simulation import SyntheticCapture
from poseharvest.simulation.scene import make_scene
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.hands import HAND21

SIDES = ("left", "right")
PALM_MM = {
    "thumb": (38.0, 28.0),
    "index": (92.0, 24.0),
    "middle": (95.0, 2.0),
    "ring": (88.0, -18.0),
    "pinky": (80.0, -38.0),
}
"""Where each finger starts: along the hand and towards the thumb, mm from the wrist."""
BONES_MM = {
    "thumb": (42, 32, 27),
    "index": (44, 26, 21),
    "middle": (49, 30, 22),
    "ring": (45, 28, 22),
    "pinky": (36, 22, 19),
}


@dataclass(frozen=True)
class HandErrors:
    """How wrong the keypoints are.

    Attributes:
        sigma_px: range of the standard deviations of fingers; each view and joint has one.
        missing: chance that a keypoint is not found.
        unseen: (side, view) of hands that a view never shows.
        exchanged: view in which the hands have each other's names; None for none.
        absent_body_view: nothing.
    """

    sigma_px: tuple[float, float] = (1.0, 3.0)
    missing: float = 0.02
    unseen: frozenset[tuple[int, int]] = frozenset()
    exchanged: int | None = None


@dataclass(frozen=True, eq=False)
class HandScene:
    """A person with hands before the studio's four cameras.

    Attributes:
        capture: frames without pictures.
        body: (F, 16, 3) true joints of MPII, mm.
        hands: (F, 2, 21, 3) true joints of the left and the right hand, mm.
        pixels: (F, V, 2, 21, 3) what was written of the hands, before names were exchanged.
        folder: the keypoint files.
    """

    capture: SyntheticCapture
    body: Tensor
    hands: Tensor
    pixels: Tensor
    folder: Path
    errors: HandErrors = field(default_factory=HandErrors)

    @property
    def detector(self) -> KeypointDetector:
        """The files as a detector."""
        return KeypointDetector(self.folder, KeypointOptions(layout="mpii16", frame_offset=0))

    def triangulated(self) -> Tensor:
        """Return (F, 2, 21, 3) plain triangulation of the keypoints; NaN where fewer than two views show a joint."""
        found = torch.full_like(self.hands, torch.nan)
        for frame, rows in enumerate(self.pixels):
            cameras = self.capture.rig.at(frame)
            for side in range(2):
                pixels, weights = rows[:, side, :, :2], (rows[:, side, :, 2] > 0).double()
                one = triangulate(cameras, pixels, weights)
                found[frame, side] = torch.where(one.supported[:, None], one.points, torch.nan)
        return found


def moving_hand(elbow: Tensor, wrist: Tensor, side: int, generator: np.random.Generator, frame_rate: float) -> Tensor:
    """Return (F, 21, 3) the joints of a hand that goes on from a moving forearm and opens and closes, mm."""
    times = np.arange(len(wrist)) / frame_rate
    along = ((wrist - elbow) / torch.linalg.vector_norm(wrist - elbow, dim=-1, keepdim=True)).numpy()
    roll = generator.uniform(0, 2 * np.pi) + 0.8 * np.sin(2 * np.pi * 0.3 * times + generator.uniform(0, 6))
    across = np.cross(along, np.where(np.abs(along[:, 2:]) < 0.9, [[0.0, 0, 1]], [[1.0, 0, 0]]))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    out = np.cross(along, across)
    thumbwards = np.cos(roll)[:, None] * across + np.sin(roll)[:, None] * out
    palmwards = np.cross(along, thumbwards) * (1 if side == 0 else -1)
    joints = [wrist.numpy()]
    for finger, bones in BONES_MM.items():
        forwards, sidewards = PALM_MM[finger]
        place = wrist.numpy() + forwards * along + sidewards * thumbwards
        joints.append(place)
        rate, phase = generator.uniform(0.2, 0.6), generator.uniform(0, 6)
        bend = 0.55 + 0.45 * np.sin(2 * np.pi * rate * times + phase)
        spread = sidewards / 120
        angle = np.zeros(len(times))
        for bone in bones:
            angle = angle + bend
            towards = np.cos(angle)[:, None] * (along + spread * thumbwards) + np.sin(angle)[:, None] * palmwards
            towards /= np.linalg.norm(towards, axis=1, keepdims=True)
            place = place + bone * towards
            joints.append(place)
    return torch.from_numpy(np.stack(joints, 1))


def hand_scene(folder: Path, num_frames: int = 96, seed: int = 0, errors: HandErrors | None = None) -> HandScene:
    """Return a person with hands, whose keypoint files are written below a folder."""
    errors, generator = errors or HandErrors(), np.random.default_rng(seed)
    capture = SyntheticCapture(make_scene(seed), num_frames, render=False)
    body = capture.truth.positions
    hands = torch.stack(
        [
            moving_hand(
                body[:, MPII16.index(f"{name}_elbow")], body[:, MPII16.index(f"{name}_wrist")], side, generator, 25.0
            )
            for side, name in enumerate(SIDES)
        ],
        1,
    )
    num_views = len(capture.rig)
    sigma = generator.uniform(*errors.sigma_px, (num_views, 2, len(HAND21)))
    pixels = np.zeros((num_frames, num_views, 2, len(HAND21), 3))
    for frame in range(num_frames):
        cameras = capture.rig.at(frame)
        of_hands = project_all(cameras, hands[frame]).pixels.numpy()
        noisy = of_hands + sigma[..., None] * generator.normal(size=of_hands.shape)
        score = np.where(generator.random(noisy.shape[:-1]) < errors.missing, 0.0, generator.uniform(0.5, 0.95))
        for side, view in errors.unseen:
            score[view, side] = 0.0
        pixels[frame] = np.concatenate((noisy, score[..., None]), -1) * (score[..., None] > 0)
        of_body = project_all(cameras, body[frame]).pixels.numpy()
        of_body = of_body + generator.normal(size=of_body.shape) * 3.0
        for view, camera in enumerate(cameras):
            rows = np.concatenate((of_body[view], np.full((len(MPII16), 1), 0.9)), 1)
            names = pixels[frame, view][::-1] if view == errors.exchanged else pixels[frame, view]
            write_person(folder / f"{camera.name}_json", frame, rows, names)
    return HandScene(capture, body, hands, torch.from_numpy(pixels), folder, errors)


def write_person(folder: Path, frame: int, body: np.ndarray, hands: np.ndarray) -> None:
    """Write a picture's person as OpenPose does."""
    folder.mkdir(parents=True, exist_ok=True)
    lists = {
        f"hand_{side}_keypoints_2d": [] if not hand[:, 2].any() else [round(float(v), 3) for v in hand.reshape(-1)]
        for side, hand in zip(SIDES, hands, strict=True)
    }
    person = {"pose_keypoints_2d": [round(float(v), 3) for v in body.reshape(-1)], **lists}
    path = folder / f"{folder.name}_{frame:012d}_keypoints.json"
    path.write_text(json.dumps({"version": 1.3, "people": [person]}))
