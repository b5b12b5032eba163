"""Limbs are learned from all over the take where the first frames do not show them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from localization_kit import ChangedDetector
from poseharvest.detectors.protocol import CroppedView
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.harvesting.teachers import is_same_body
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.limb_estimation import Measured
from poseharvest.simulation import CLEAN, Simulation, simulate

NUM_FRAMES, HIDDEN_FRAMES = 16, 7
OPTIONS = HarvestOptions(inference=InferenceOptions(resolution=24), warm_up_frames=6, num_previews=0)
LEG = {("right_hip", "right_knee"), ("right_knee", "right_ankle")}


@pytest.fixture(scope="module")
def take() -> Simulation:
    return simulate(NUM_FRAMES, 3, errors=CLEAN, render=False)


def behind_a_chair(take: Simulation) -> ChangedDetector:
    """Return a detector that sees no leg in the first frames."""
    skeleton = take.detector.skeleton
    legs = [j for j, joint in enumerate(skeleton.joints) if joint.endswith(("knee", "ankle"))]

    def hide(view: CroppedView, maps: Tensor) -> Tensor:
        if view.frame < HIDDEN_FRAMES:
            maps = maps.clone()
            maps[legs] = 0
        return maps

    return ChangedDetector(take.detector, hide)


def true_length(take: Simulation, limb: tuple[str, str]) -> float:
    a, b = (take.detector.skeleton.index(joint) for joint in limb)
    return float(torch.linalg.vector_norm(take.truth.positions[:, a] - take.truth.positions[:, b], dim=-1).median())


def test_legs_behind_a_chair_are_measured_where_they_show(take, tmp_path):
    made = harvest(take.capture, behind_a_chair(take), tmp_path / "h", options=OPTIONS)
    assert not any("never seen whole" in finding.message for finding in made.info.findings)
    for limb in LEG:
        assert made.info.limb_lengths_mm["-".join(limb)] == pytest.approx(true_length(take, limb), rel=0.05)


def test_without_a_later_look_they_are_a_guess_and_it_is_said(take, tmp_path):
    made = harvest(take.capture, behind_a_chair(take), tmp_path / "h", options=replace(OPTIONS, stop=HIDDEN_FRAMES))
    assert any("never seen whole" in finding.message for finding in made.info.findings)


def body(scale: float, count: int = 5) -> dict[tuple[str, str], Measured]:
    lengths = {("a", "b"): 400.0, ("b", "c"): 250.0, ("c", "d"): 180.0, ("a", "e"): 420.0}
    return {limb: Measured(scale * mm, count) for limb, mm in lengths.items()}


def test_somebody_else_teaches_nothing():
    assert is_same_body(body(1.0), body(1.02))
    assert not is_same_body(body(1.0), body(1.15))
    assert not is_same_body(body(1.0), body(1.0, count=1))
    assert not is_same_body(body(1.0), {})
