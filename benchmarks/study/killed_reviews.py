"""Reviews that are killed while decisions are sent to them; what was confirmed is compared with what the file holds."""

from __future__ import annotations

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.reviews import REVIEWS_FORMAT, reviews_path
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.geometry.crop import crop_around
from poseharvest.geometry.rig import Rig, project_all
from poseharvest.simulation import random_rig, simulate
from poseharvest.skeleton.definitions import MPII16
from poseharvest.storage.append_log import read_log

_SIGMA_MM = 12.0
_WAIT_S = 120.0


@dataclass(frozen=True)
class Outcome:
    """What became of the decisions.

    Attributes:
        confirmed: decisions that the server confirmed.
        kills: processes that were killed.
        unanswered: of these, those that were killed before the decision was answered.
        torn: kills after which the file ended within a line.
        lost: confirmed decisions that the file does not hold in their order.
        unconfirmed: decisions in the file that were not confirmed.
    """

    confirmed: int = 0
    kills: int = 0
    unanswered: int = 0
    torn: int = 0
    lost: int = 0
    unconfirmed: int = 0


@dataclass(eq=False)
class ReviewBench:
    """A harvest that is reviewed.

    Attributes:
        harvest: the harvest.
        rng: chooses decisions and moments.
        usual_s: about how long a decision takes.
        confirmed: what the server confirmed.
    """

    harvest: Harvest
    rng: random.Random
    usual_s: float = 0.01
    confirmed: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def prepare(cls, folder: Path, *, seed: int, num_frames: int = 30) -> ReviewBench:
        """Write a harvest of simulated poses with noise."""
        generator = torch.Generator().manual_seed(seed)
        rig = random_rig(4, generator, image_size=(720, 1280))
        positions = simulate(num_frames, 1, rig=rig, render=False).truth.positions
        run = HarvestRun(
            capture=CaptureInfo(name="simulated", path=None, frame_rate=25, num_frames=num_frames),
            detector=DetectorInfo(name="simulated", heatmap_size=(64, 64)),
            limb_lengths_mm={},
        )
        with HarvestWriter(folder / "harvest", rig=rig, skeleton=MPII16) as writer:
            for frame, true in enumerate(positions):
                noise = _SIGMA_MM * torch.randn(true.shape, generator=generator, dtype=torch.float64)
                writer.add(_record(rig, frame, true.double() + noise))
            return cls(writer.finish(run), random.Random(seed))

    def run(self, num_decisions: int, num_kills: int) -> Outcome:
        """Send decisions until so many are confirmed, and kill the process now and then."""
        outcome = Outcome()
        before = set(self.rng.sample(range(num_decisions), num_kills))  # a kill during the decision after these
        process, server = self._begin()
        while len(self.confirmed) < num_decisions:
            count = len(self.confirmed)
            if count not in before:
                self._send(server)
                continue
            before.remove(count)
            answered = self._killed(process, server)
            outcome = replace(outcome, kills=outcome.kills + 1, unanswered=outcome.unanswered + (not answered))
            outcome = replace(outcome, torn=outcome.torn + self._is_torn())
            process, server = self._begin()
        process.kill()
        process.wait()
        return self._compared(replace(outcome, confirmed=len(self.confirmed)))

    def _begin(self) -> tuple[subprocess.Popen[str], str]:
        """Begin the review, and return its process and address."""
        command = [sys.executable, "-u", "-m", "poseharvest", "review", str(self.harvest.path), "--no-browser"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ})
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("review at "):
                return process, line.split()[2]
        raise RuntimeError(f"the review ended with exit code {process.wait()}")

    def _send(self, server: str) -> None:
        """Send a decision, and note it when it is confirmed."""
        address, decision = urlsplit(server), self._decision()
        start = time.monotonic()
        connection = http.client.HTTPConnection(address.netloc, timeout=_WAIT_S)
        connection.request("POST", f"{address.path}decide", json.dumps(decision), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        if answer.status != http.client.OK:
            raise RuntimeError(f"the review refused a decision: {content}")
        self.confirmed.append(decision)
        self.usual_s += 0.1 * (time.monotonic() - start - self.usual_s)

    def _killed(self, process: subprocess.Popen[str], server: str) -> bool:
        """Kill the process while it gets a decision; return whether it was confirmed all the same."""
        count = len(self.confirmed)

        def send() -> None:
            try:
                self._send(server)
            except (OSError, http.client.HTTPException, ValueError):
                return  # not confirmed

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(self.rng.uniform(0, 1.3 * self.usual_s))
        process.kill()
        process.wait()
        sender.join()
        return len(self.confirmed) > count

    def _decision(self) -> dict[str, Any]:
        """Return a decision of any kind on any joint."""
        record = self.rng.choice(self._records)
        joint = self.rng.randrange(len(MPII16))
        made: dict[str, Any] = {"frame": record.frame, "person": 0, "joint": MPII16.joints[joint]}
        kind = self.rng.choice(("accept", "reject", "move"))
        if kind != "move":
            return {**made, "decision": kind}
        views = self.rng.sample(range(len(self.harvest.view_names)), self.rng.choice((1, 2)))
        pixels = {
            self.harvest.view_names[view]: [x + self.rng.gauss(0, 9) for x in record.pixels[view, joint].tolist()]
            for view in views
        }
        return {**made, "decision": kind, "pixels": pixels}

    @property
    def _records(self) -> list[FrameAnnotations]:
        if not hasattr(self, "_read"):
            self._read = list(self.harvest.iter_frames())
        return self._read

    def _is_torn(self) -> bool:
        return not reviews_path(self.harvest.path).read_bytes().endswith(b"\n")

    def _compared(self, outcome: Outcome) -> Outcome:
        """Return how many confirmed decisions the file lacks, and how many others it holds."""
        content = read_log(reviews_path(self.harvest.path), REVIEWS_FORMAT)
        assert content is not None
        kept = [{key: one[key] for key in one if key in _SENT} for one in content.records]
        position = 0
        lost = 0
        for decision in self.confirmed:
            if decision in kept[position:]:
                position += kept[position:].index(decision) + 1
            else:
                lost += 1
        unconfirmed = len(kept) - (len(self.confirmed) - lost)
        return replace(outcome, lost=lost, unconfirmed=unconfirmed)


_SENT = ("frame", "person", "joint", "decision", "pixels")


def _record(rig: Rig, frame: int, mean: torch.Tensor) -> FrameAnnotations:
    """Return a record without noise in its heatmaps."""
    seen = project_all(rig.at(frame), mean)
    views, joints = len(rig), len(mean)
    ones = torch.ones(views, joints, dtype=torch.float64)
    return FrameAnnotations(
        frame=frame,
        time_s=frame / 25,
        person=0,
        mean=mean,
        cov=(_SIGMA_MM**2 * torch.eye(3, dtype=torch.float64)).expand(joints, 3, 3).contiguous(),
        supported=torch.ones(joints, dtype=torch.bool),
        log_evidence=0.0,
        pixels=torch.where(seen.valid[..., None], seen.pixels, torch.nan),
        inside=seen.valid,
        score=ones * seen.valid,
        peak_pixels=seen.pixels,
        peak_score=ones * seen.valid,
        crops=tuple(crop_around(view, 1.3) for view in seen.pixels),
    )
