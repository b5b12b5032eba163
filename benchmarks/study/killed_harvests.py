"""Harvests of simulated keypoints that are killed, stopped and gone on with, compared with an undisturbed one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from poseharvest.calibration.native import write_rig
from poseharvest.geometry.rig import Rig
from poseharvest.simulation import random_rig, simulate
from poseharvest.skeleton.definitions import COCO17, MPII16

NOISE_PX, LOST_SHARE = 1.5, 0.05
_HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")


@dataclass(frozen=True)
class Bench:
    """A capture of keypoints without footage, and the harvest of it.

    Attributes:
        folder: of everything.
        seconds: an undisturbed harvest took.
        seen: how often each thing happened.
    """

    folder: Path
    seconds: float
    seen: Counter[str] = field(default_factory=Counter)

    @classmethod
    def prepare(cls, folder: Path, num_frames: int) -> Bench:
        """Write the capture and harvest it undisturbed."""
        rig = random_rig(4, torch.Generator().manual_seed(8), image_size=(720, 1280))
        write_keypoints(folder, rig, simulate(num_frames, 1, rig=rig, render=False).truth.positions)
        start = time.monotonic()
        subprocess.run(command(folder, folder / "undisturbed"), check=True, stdout=subprocess.DEVNULL)
        return cls(folder, time.monotonic() - start)

    def resumed_to_the_end(self, out: Path) -> None:
        """Go on with a harvest until it is finished, and compare it with the undisturbed one."""
        subprocess.run(command(self.folder, out, "--resume"), check=True, capture_output=True)
        is_same = contents(out) == contents(self.folder / "undisturbed")
        self.seen["byte-identical harvests" if is_same else "other harvests"] += 1
        self.seen["files left behind"] += sum(path.name.startswith(f".{out.name}") for path in out.parent.iterdir())
        shutil.rmtree(out)


def kills(bench: Bench, num_kills: int, seed: int) -> None:
    """Kill harvests at random moments; each is killed up to four times and then gone on with to its end."""
    rng, out = random.Random(seed), bench.folder / "out"
    while bench.seen["kills"] < num_kills:
        for _ in range(rng.randint(1, 4)):
            process = subprocess.Popen(
                command(bench.folder, out, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(rng.uniform(0, bench.seconds))
                bench.seen["finished before the kill"] += 1
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                bench.seen["kills"] += 1
        bench.resumed_to_the_end(out)


def signals(bench: Bench, moments: int) -> None:
    """Send a signal at moments from the first millisecond on, and look at how the harvest ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets processes in the background ignore it
    numbers, out = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP), bench.folder / "out"
    for index in range(moments):
        number, delay_s = numbers[index % 3], 0.001 + bench.seconds * (index / moments) ** 2
        process = subprocess.Popen(
            command(bench.folder, out, "--resume"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(delay_s)
        process.send_signal(number)
        lines = process.communicate(timeout=300)[1].splitlines()
        bench.seen["moments"] += 1
        if process.returncode in {128 + number, 0}:
            bench.seen["right exit codes"] += 1
        elif process.returncode == -number:  # nothing of ours could hear it
            bench.seen["ended before Python had started"] += 1
        else:
            bench.seen[f"exit {process.returncode} after {delay_s:.3f} s by {number.name}: {lines[-1:]}"] += 1
        bench.seen["one line"] += len(lines) == (process.returncode == 128 + number)
        bench.seen["tracebacks"] += any("Traceback" in line for line in lines)
    bench.resumed_to_the_end(out)


def command(folder: Path, out: Path, *more: str) -> list[str]:
    """Return the command that harvests the capture."""
    program = [sys.executable, "-m", "poseharvest", "harvest", str(folder / "capture")]
    keypoints = ["--detector", str(folder / "keypoints"), "--frame-rate", "25"]
    return [*program, *keypoints, "--out", str(out), "--resolution", "24", *more]


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a harvest that hold no time of their making."""
    paths = [path for kind in ("annotations", "frames", "filled") for path in (folder / kind).iterdir()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_keypoints(folder: Path, rig: Rig, positions: Tensor) -> None:
    """Write the keypoints of a person in every view as COCO results, with errors, and the cameras.

    Args:
        folder: takes `capture` and `keypoints`.
        rig: the cameras.
        positions: (F, J, 3) of MPII16, mm.
    """
    generator = torch.Generator().manual_seed(3)
    (folder / "capture").mkdir(parents=True)
    (folder / "keypoints").mkdir()
    write_rig(rig, folder / "capture" / "studio.rig.json")
    channels = [MPII16.index("head_top" if joint in _HEAD else joint) for joint in COCO17.joints]
    for camera in rig.at(0):
        records = []
        for frame, pose in enumerate(positions):
            pixels = camera.project(pose).pixels[channels]
            pixels = pixels + NOISE_PX * torch.randn(pixels.shape, generator=generator, dtype=pixels.dtype)
            scores = 0.9 * (torch.rand(len(channels), generator=generator) > LOST_SHARE)
            rows = torch.cat((pixels, scores[:, None].to(pixels)), 1)
            records.append({"image_id": frame, "category_id": 1, "score": 0.9, "keypoints": rows.flatten().tolist()})
        (folder / "keypoints" / f"{camera.name}.json").write_text(json.dumps(records))


def one_thread() -> None:
    """Let the harvests run on one thread each: sums in another order differ in their last bits."""
    os.environ["OMP_NUM_THREADS"] = "1"
