"""A simulated person with two moving hands of known joints, as the keypoint files that OpenPose would write of them.

The hands go on from the forearms, turn about them, and open and close finger by finger; palms and bones are an
adult's. Each view and joint of a hand has an error of a size of its own, as with real detectors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from poseharvest.arrays import FloatArray
from poseharvest.geometry.rig import project_all
from poseharvest.geometry.triangulation import triangulate
from poseharvest.simulation.scene import make_scene
from poseharvest.simulation.synthetic_capture import SyntheticCapture
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.hands import HAND21
from poseharvest.skeleton.human import SIDES

LAYOUT = "mpii16"
"""Of the bodies in the files."""

PALM_MM: Mapping[str, tuple[float, float]] = MappingProxyType({
    "thumb": (38.0, 28.0),
    "index": (92.0, 24.0),
    "middle": (95.0, 2.0),
    "ring": (88.0, -18.0),
    "pinky": (80.0, -38.0),
})
"""Where each finger starts: along the hand and towards the thumb, mm from the wrist."""

BONES_MM: Mapping[str, tuple[float, float, float]] = MappingProxyType({
    "thumb": (42.0, 32.0, 27.0),
    "index": (44.0, 26.0, 21.0),
    "middle": (49.0, 30.0, 22.0),
    "ring": (45.0, 28.0, 22.0),
    "pinky": (36.0, 22.0, 19.0),
})
"""The limbs of each finger, outwards."""

_BODY_SIGMA_PX = 3.0
_THROWN_PX = 150.0


@dataclass(frozen=True)
class HandErrors:
    """How wrong the keypoints are.

    Attributes:
        sigma_px: range of the standard deviations of a hand's keypoints; each view and joint has one.
        missing: chance that a keypoint is not found.
        unseen: (side, view) of hands that a view never shows; side 0 is the left one.
        exchanged: view in which the hands have each other's names; None for none.
        has_roots: False: the hands' own wrists are missing.
        thrown: (side, view) of a hand whose middle fingertip lies far off in that view; None for none.
    """

    sigma_px: tuple[float, float] = (1.0, 3.0)
    missing: float = 0.02
    unseen: frozenset[tuple[int, int]] = frozenset()
    exchanged: int | None = None
    has_roots: bool = True
    thrown: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class HandScene:
    """A person with hands before the studio's four cameras.

    Attributes:
        capture: frames without pictures.
        body: (F, 16, 3) true joints of MPII, mm.
        hands: (F, 2, 21, 3) true joints of the left and the right hand, mm.
        keypoints: (F, V, 2, 21, 3) x, y, score of the hands' keypoints, before names were exchanged.
        folder: of the keypoint files.
    """

    capture: SyntheticCapture
    body: Tensor
    hands: Tensor
    keypoints: Tensor
    folder: Path

    def triangulated(self) -> Tensor:
        """Return (F, 2, 21, 3) plain triangulation of the keypoints; NaN where fewer than two views show a joint."""
        found = torch.full_like(self.hands, torch.nan)
        for frame, rows in enumerate(self.keypoints):
            cameras = self.capture.rig.at(frame)
            for side in range(len(SIDES)):
                one = triangulate(cameras, rows[:, side, :, :2], (rows[:, side, :, 2] > 0).double())
                found[frame, side] = torch.where(one.supported[:, None], one.points, torch.nan)
        return found


def make_hand_scene(folder: Path, num_frames: int, seed: int = 0, errors: HandErrors | None = None) -> HandScene:
    """Return a person with hands, and write their keypoint files.

    Args:
        folder: to write the files below, a folder for each view.
        num_frames: length of the capture.
        seed: of person, motion and errors.
        errors: of the keypoints; the usual ones if None.
    """
    generator = np.random.default_rng(seed)
    capture = SyntheticCapture(make_scene(seed), num_frames, render=False)
    body = capture.truth.positions
    ends = [[body[:, MPII16.index(f"{side}_{part}")] for part in ("elbow", "wrist")] for side in SIDES]
    turns = (1, -1)
    hands = torch.stack(
        [
            moving_hand(elbow, wrist, turn, generator, capture.frame_rate)
            for (elbow, wrist), turn in zip(ends, turns, strict=True)
        ],
        1,
    )
    keypoints = _draw_keypoints(capture, hands, errors or HandErrors(), generator)
    _write(folder, capture, (body, keypoints), errors or HandErrors(), generator)
    return HandScene(capture, body, hands, torch.from_numpy(keypoints), folder)


def moving_hand(elbow: Tensor, wrist: Tensor, turn: int, generator: np.random.Generator, frame_rate: float) -> Tensor:
    """Return (F, 21, 3) the joints of a hand that goes on from a moving forearm and opens and closes, mm.

    Args:
        elbow: (F, 3) mm.
        wrist: (F, 3) mm.
        turn: 1 for a left hand, -1 for a right one.
        generator: draws how it moves.
        frame_rate: frames per second.
    """
    times = np.arange(len(wrist)) / frame_rate
    start = wrist.numpy()
    along = _normalised(start - elbow.numpy())
    roll = generator.uniform(0, 2 * np.pi) + 0.8 * np.sin(2 * np.pi * 0.3 * times + generator.uniform(0, 6))
    across = _normalised(np.cross(along, np.where(np.abs(along[:, 2:]) < 0.9, [[0.0, 0, 1]], [[1.0, 0, 0]])))
    thumbwards = np.cos(roll)[:, None] * across + np.sin(roll)[:, None] * np.cross(along, across)
    palmwards = turn * np.cross(along, thumbwards)
    joints = [start]
    for finger, bones in BONES_MM.items():
        forwards, sidewards = PALM_MM[finger]
        place = start + forwards * along + sidewards * thumbwards
        joints.append(place)
        bend = 0.55 + 0.45 * np.sin(2 * np.pi * generator.uniform(0.2, 0.6) * times + generator.uniform(0, 6))
        straight = along + sidewards / 120 * thumbwards
        for number, bone in enumerate(bones, 1):
            angle = (number * bend)[:, None]
            place = place + bone * _normalised(np.cos(angle) * straight + np.sin(angle) * palmwards)
            joints.append(place)
    return torch.from_numpy(np.stack(joints, 1))


def _normalised(vectors: FloatArray) -> FloatArray:
    lengths: FloatArray = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


def _draw_keypoints(
    capture: SyntheticCapture, hands: Tensor, errors: HandErrors, generator: np.random.Generator
) -> FloatArray:
    """Return (F, V, 2, 21, 3) x, y, score; zeros where not found."""
    pixels = np.stack([project_all(capture.rig.at(frame), points).pixels.numpy() for frame, points in enumerate(hands)])
    sigma = generator.uniform(*errors.sigma_px, pixels.shape[1:4])
    pixels = pixels + sigma[..., None] * generator.normal(size=pixels.shape)
    score = generator.uniform(0.5, 0.95, pixels.shape[:4])
    score[generator.random(score.shape) < errors.missing] = 0.0
    for side, view in errors.unseen:
        score[:, view, side] = 0.0
    if not errors.has_roots:
        score[..., 0] = 0.0
    if errors.thrown is not None:
        side, view = errors.thrown
        pixels[:, view, side, HAND21.index("middle_4")] += _THROWN_PX
    keypoints: FloatArray = np.concatenate((pixels, score[..., None]), -1) * (score[..., None] > 0)
    return keypoints


def _write(
    folder: Path,
    capture: SyntheticCapture,
    bodies_and_hands: tuple[Tensor, FloatArray],
    errors: HandErrors,
    generator: np.random.Generator,
) -> None:
    for frame, (body, of_views) in enumerate(zip(*bodies_and_hands, strict=True)):
        pixels = project_all(capture.rig.at(frame), body).pixels.numpy()
        pixels = pixels + _BODY_SIGMA_PX * generator.normal(size=pixels.shape)
        for view, name in enumerate(capture.rig.names):
            rows = np.concatenate((pixels[view], np.full((len(MPII16), 1), 0.9)), 1)
            hands = of_views[view][::-1] if view == errors.exchanged else of_views[view]
            _write_picture(folder / f"{name}_json" / f"{name}_{frame:012d}_keypoints.json", rows, hands)


def _write_picture(path: Path, body: FloatArray, hands: FloatArray) -> None:
    """Write a picture's one person as OpenPose does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lists = {
        f"hand_{side}_keypoints_2d": _flat(hand) if hand[:, 2].any() else []
        for side, hand in zip(SIDES, hands, strict=True)
    }
    path.write_text(json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": _flat(body), **lists}]}))


def _flat(rows: FloatArray) -> list[float]:
    return [round(float(value), 3) for value in rows.reshape(-1)]
