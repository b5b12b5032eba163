"""Frames that do not follow one another: everybody is found from each alone, and that is noticed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from poseharvest.errors import CaptureError
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.localization.find.bodies import is_body
from poseharvest.localization.find.moment_finder import MomentFinder
from poseharvest.localization.sighting import TriangulatedPose
from poseharvest.pictorial.body_prior import body_prior
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.simulation.crowd import CrowdCapture, CrowdKeypoints, CrowdSimulation, simulate_crowd
from poseharvest.skeleton.definitions import MPII16

NUM_FRAMES = 100
QUICK = HarvestOptions(people=None, num_previews=0, estimate="grid", inference=InferenceOptions(resolution=16))
LEGS = [MPII16.index(f"{side}_{joint}") for side in ("left", "right") for joint in ("knee", "ankle")]


@dataclass(frozen=True, eq=False)
class Shuffled(CrowdKeypoints):
    """Keypoints whose frames come in another order, some joints hidden."""

    order: tuple[int, ...] = ()
    hidden: tuple[int, ...] = field(default=())

    def people(self, view: str, frame: int) -> list[Tensor]:
        found = super().people(view, self.order[frame])
        for person in found:
            person[list(self.hidden), 2] = 0
        return found


@pytest.fixture(scope="module")
def crowd() -> CrowdSimulation:
    return simulate_crowd(3, NUM_FRAMES, num_views=3)


def shuffled(crowd: CrowdSimulation, hidden: tuple[int, ...] = ()) -> Shuffled:
    order = tuple(np.random.default_rng(0).permutation(NUM_FRAMES).tolist())
    return Shuffled(crowd.detector, crowd.keypoints.rig, order=order, hidden=hidden)


def found_and_false(crowd: CrowdSimulation, detector: Shuffled, frames: range) -> tuple[int, int]:
    """People who are found within 300 mm, and estimates of nobody or of somebody who is found already."""
    finder, met, false = MomentFinder(detector, crowd.capture.rig), set(), 0
    for frame in (next(crowd.capture.frames(i, i + 1)) for i in frames):
        for one in finder.find_people(frame):
            joints = one.pose.known
            truth = [t.positions[detector.order[frame.index]] for t in crowd.truth]
            away = [float((one.pose.points - places)[joints].norm(dim=-1).mean()) for places in truth]
            key = (frame.index, int(np.argmin(away)))
            if min(away) < 300 and key not in met:
                met.add(key)
            else:
                false += 1
    return len(met), false


def test_everybody_is_found_in_every_moment_and_nobody_else(crowd: CrowdSimulation) -> None:
    frames = range(0, NUM_FRAMES, 8)
    found, false = found_and_false(crowd, shuffled(crowd), frames)
    assert found >= 0.9 * 3 * len(frames)
    assert false <= 0.03 * found


def test_those_who_are_half_hidden_are_people(crowd: CrowdSimulation) -> None:
    """Head, shoulders and one arm: 7 joints of 16."""
    shown = ("upper_neck", "head_top", "thorax", "left_shoulder", "right_shoulder", "left_elbow", "left_wrist")
    hidden = tuple(i for i, joint in enumerate(MPII16.joints) if joint not in shown)
    frames = range(0, NUM_FRAMES, 10)
    found, false = found_and_false(crowd, shuffled(crowd, hidden), frames)
    assert found >= 0.75 * 3 * len(frames)
    assert false <= 0.05 * found


def test_a_body_is_told_by_its_limbs(crowd: CrowdSimulation) -> None:
    points = crowd.truth[0].positions[0]
    doubt = torch.zeros(len(MPII16), dtype=torch.float64)

    def can_be(places: Tensor, seen: list[int] | None = None, *, is_metric: bool = True) -> bool:
        supported = torch.ones(len(MPII16), dtype=torch.bool)
        if seen is not None:
            supported = torch.zeros_like(supported)
            supported[seen] = True
        pose = TriangulatedPose(places, supported, torch.where(supported, doubt, torch.inf))
        return is_body(pose, MPII16, body_prior(MPII16), is_metric=is_metric)

    assert can_be(points)
    assert can_be(points, [6, 7, 8, 9, 12])
    assert not can_be(points, [7, 8, 9])
    assert not can_be(3 * points)
    assert can_be(3 * points, is_metric=False)
    mixed = points.clone()
    mixed[::2] = mixed[::2] + 900
    assert not can_be(mixed)


@pytest.mark.parametrize("moments", [True, None])
def test_moments_are_harvested_asked_for_or_noticed(
    tmp_path: Path, crowd: CrowdSimulation, moments: bool | None
) -> None:
    source = replace(crowd.capture, num_frames=6)
    made = harvest(source, shuffled(crowd), tmp_path / "h", options=replace(QUICK, moments=moments))
    assert made.info.counts.records >= 0.85 * 3 * 6
    (note,) = (finding for finding in made.info.findings if finding.topic == "moments")
    assert "every frame stands alone" in note.message
    assert ("--in-a-row" in note.message) == (moments is None)
    assert made.info.motion is None
    assert made.filled_poses() == []


def test_frames_in_a_row_are_no_moments(tmp_path: Path, crowd: CrowdSimulation) -> None:
    source = CrowdCapture(crowd.capture.rig, 6)
    made = harvest(source, crowd.keypoints, tmp_path / "h", options=QUICK)
    assert not [finding for finding in made.info.findings if finding.topic == "moments"]
    assert made.info.motion is not None
    assert len(made.info.motion.people) == made.info.counts.persons


def test_a_harvest_that_loses_everybody_names_the_option(tmp_path: Path, crowd: CrowdSimulation) -> None:
    nobody = shuffled(crowd, tuple(range(16)))
    with pytest.raises(CaptureError, match="as in time-lapse, say --moments"):
        harvest(CrowdCapture(crowd.capture.rig, 3), nobody, tmp_path / "h", options=QUICK)


def test_one_moment_alone(tmp_path: Path, crowd: CrowdSimulation) -> None:
    source = CrowdCapture(crowd.capture.rig, 1)
    made = harvest(source, crowd.keypoints, tmp_path / "h", options=QUICK)
    assert made.info.counts.records == 3
    assert any("proportions" in finding.message for finding in made.info.findings)


def test_nobody_in_any_moment(tmp_path: Path, crowd: CrowdSimulation) -> None:
    nobody = shuffled(crowd, tuple(range(16)))
    with pytest.raises(CaptureError, match="nobody was found"):
        harvest(CrowdCapture(crowd.capture.rig, 3), nobody, tmp_path / "h", options=replace(QUICK, moments=True))
