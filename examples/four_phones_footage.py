"""Footage as four phones on tripods would film it, for the tutorial: a board, then a person who walks; truth apart.

Run: `python examples/four_phones_footage.py footage`. The phones were not started together. What is below
`footage/truth` is for a comparison at the end; no command of the tutorial reads it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.boards.board import Board
from poseharvest.calibration.native import write_rig
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.distortion import Distortion
from poseharvest.geometry.rig import Rig
from poseharvest.simulation.board_pictures import film_plan, stages
from poseharvest.simulation.camera_rigs import look_at
from poseharvest.studio import CaptureOptions, studio_capture, write_capture

BOARD = Board("charuco", 7, 5, 160.0)
FRAME_RATE = 30.0
STARTS_S = (0.0, 0.283, -0.117, 0.150)  # how much later each phone was started
SIDE_PX = 720


@dataclass(frozen=True)
class BoardFootage:
    """The board at many places, as a source of frames."""

    rig: Rig
    poses: NDArray[np.float64]
    seed: int
    name: str = "board"
    frame_rate: float = 5.0

    @property
    def num_frames(self) -> int:
        """Return how many moments there are."""
        return len(self.poses)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[MultiViewFrame]:
        """Draw the frames."""
        before = stages(BOARD, self.rig)
        generator = np.random.default_rng(self.seed)
        for number, pose in enumerate(self.poses[start:stop], start):
            pictures = tuple(stage.draw(pose, generator) for stage in before)
            yield MultiViewFrame(number, number / self.frame_rate, pictures)


def four_phones(generator: np.random.Generator) -> Rig:
    """Return four cameras about 3.9 m from the person, each with a lens of its own, 70 degrees wide."""
    cameras = []
    for number in range(4):
        u = generator.uniform(-1, 1, 6)
        azimuth = np.radians(52 * number + 8 * u[0])
        flat, height = 3300 + 150 * u[1], 2100 + 200 * u[2]
        center = torch.tensor((flat * np.cos(azimuth), flat * np.sin(azimuth), height), dtype=torch.float64)
        rotation = look_at(center, torch.tensor((60 * u[3], 60 * u[4], 850.0), dtype=torch.float64))
        focal, middle = 0.7 * SIDE_PX * (1 + 0.05 * u[5]), SIDE_PX / 2 - 0.5 + 5 * u[3]
        matrix = torch.tensor(((focal, 0, middle), (0, focal, middle), (0, 0, 1)), dtype=torch.float64)
        lens = Distortion("brown_conrady", (-0.1 + 0.04 * u[4], 0.04 + 0.02 * u[0], 0.0005 * u[1], 0.0005 * u[2]))
        cameras.append(Camera(f"cam{number + 1}", (SIDE_PX, SIDE_PX), matrix, rotation, -rotation @ center, lens))
    return Rig(tuple(cameras))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frames", type=int, default=90, help="of the walk")
    parser.add_argument("--boards", type=int, help="places of the board; about ninety if not given")
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    rig = four_phones(generator)
    poses = film_plan(BOARD, rig, generator, num_near=12, num_common=40)[: arguments.boards]
    write_capture(BoardFootage(rig, poses, arguments.seed), arguments.out / "board", footage="images")
    print(f"{arguments.out / 'board'}: {len(poses)} pictures of each phone")
    options = CaptureOptions(rig, FRAME_RATE, starts_s=STARTS_S)
    walk = studio_capture("target", 1, "Walking", arguments.frames, arguments.seed, options)
    write_capture(walk.capture, arguments.out / "walk")
    print(f"{arguments.out / 'walk'}: {arguments.frames} pictures of each phone")
    for capture in ("board", "walk"):
        (arguments.out / capture / "rig.json").unlink()  # what the commands are to find
    (arguments.out / "truth").mkdir()
    write_rig(rig, arguments.out / "truth" / "rig.json")
    (arguments.out / "truth" / "starts_s.json").write_text(json.dumps(dict(zip(rig.names, STARTS_S, strict=True))))
    np.save(arguments.out / "truth" / "positions_mm.npy", walk.truth.positions.numpy())


if __name__ == "__main__":
    main()
