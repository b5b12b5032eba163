"""Draws the pictures of docs/studio.md and times the studio on one thread.

python benchmarks/studio_pictures.py --out docs/images
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from poseharvest.arrays import Image
from poseharvest.studio import GENERIC, TARGET, World, studio_capture, studio_pictures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for world in (GENERIC, TARGET):
        save(arguments.out / f"studio_{world.name}.jpg", sheet(world, arguments.seed))
        print(f"{world.name}: {pictures_per_second(world, arguments.seed):.0f} pictures of 128 x 128 a second")
    capture = studio_capture("target", 4, "Eating", 40, arguments.seed).capture
    next(capture.frames())  # draws the rooms, once a camera
    start = time.process_time()
    frames = list(capture.frames(20, 24))
    print(f"capture, four views of 1000 x 1000: {(time.process_time() - start) / len(frames):.2f} s a frame")
    middle = [image[200:840, 180:820] for image in frames[0].images if image is not None]
    views = [cv2.resize(image, (240, 240), interpolation=cv2.INTER_AREA) for image in middle]
    save(arguments.out / "studio_capture.jpg", np.hstack(views))


def sheet(world: World, seed: int) -> Image:
    """Two rows of six pictures."""
    images = [picture.image for picture in islice(studio_pictures(world, seed, size=160), 12)]
    return np.vstack([np.hstack(images[:6]), np.hstack(images[6:])])


def pictures_per_second(world: World, seed: int, number: int = 100) -> float:
    start = time.process_time()
    for _ in islice(studio_pictures(world, seed), number):
        pass
    return number / (time.process_time() - start)


def save(path: Path, image: Image) -> None:
    cv2.imwrite(str(path), image[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 85))


if __name__ == "__main__":
    main()
