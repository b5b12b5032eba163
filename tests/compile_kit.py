"""Compiles the loops of the package once for all test processes: half of them each, kept on the disk for the other."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

PATIENCE_S = 120.0


def compile_a_share(folder: Path, number: int, count: int) -> None:
    """Compile a share of the loops, then wait until the other shares are compiled.

    Args:
        folder: exists, and is the same for all processes of a test run.
        number: number of this process.
        count: number of processes.
    """
    shares = (_smooth, _infer)
    for index in range(number, len(shares), count):
        shares[index]()
        (folder / f"compiled-{index}").touch()
    end = time.monotonic() + PATIENCE_S
    while len(list(folder.glob("compiled-*"))) < len(shares) and time.monotonic() < end:
        time.sleep(0.1)


def _smooth() -> None:
    from harvest_kit import make_records, write_harvest
    from poseharvest.motion import MotionOptions

    with tempfile.TemporaryDirectory() as folder:
        write_harvest(Path(folder) / "h", make_records([0, 1, 3, 4, 5]), motion=MotionOptions())


def _infer() -> None:
    from pictorial_kit import STICK, STICK_LENGTHS, STICK_POINTS, ring, seen_by
    from poseharvest.pictorial.infer import PictorialStructures
    from poseharvest.pictorial.inference_options import InferenceOptions

    model = PictorialStructures(STICK, STICK_LENGTHS, InferenceOptions(resolution=40))
    model.infer(seen_by(ring(4), STICK_POINTS), ring(4), STICK_POINTS.mean(0))
