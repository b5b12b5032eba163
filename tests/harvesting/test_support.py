"""Joints that no view shows, or one alone, are no annotations; who has left leaves nothing behind."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from localization_kit import ChangedDetector
from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.protocol import CroppedView
from poseharvest.harvesting.harvest import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.pictorial.infer import InferenceOptions
from poseharvest.simulation import CLEAN, Simulation, simulate
from poseharvest.skeleton.definitions import MPII16

NUM_FRAMES = 8
QUICK = HarvestOptions(inference=InferenceOptions(resolution=32), warm_up_frames=NUM_FRAMES, num_previews=0)
LEGS = tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle"))


@dataclass(frozen=True)
class Background:
    """Hides joints, and gives them what a network gives to joints that it does not see: a low peak anywhere."""

    hidden: Callable[[CroppedView], Sequence[str]]
    height: float = 0.03
    level: float = 0.0

    def __call__(self, view: CroppedView, maps: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(zlib.crc32(f"{view.view} {view.frame}".encode()))
        changed = maps.clone()
        for joint in self.hidden(view):
            x, y = torch.randint(8, 56, (2, 1), generator=generator)
            grid = torch.arange(64)
            blob = torch.exp(-((grid - x) ** 2) / 8) * torch.exp(-((grid - y) ** 2) / 8)[:, None]
            changed[MPII16.index(joint)] = self.height * blob
        return changed + self.level


@pytest.fixture(scope="module")
def person() -> Simulation:
    return simulate(NUM_FRAMES, 0, errors=CLEAN, render=False)


def harvested(person: Simulation, background: Background, tmp_path, *, people: int | None = 1) -> Harvest:
    options = HarvestOptions(inference=QUICK.inference, warm_up_frames=NUM_FRAMES, num_previews=0, people=people)
    detector = ChangedDetector(person.detector, background)
    return harvest(person.capture, detector, tmp_path / "h", options=options)


def marks(harvest: Harvest, joints: Sequence[str]) -> Tensor:
    """Return (2, F, J): supported, selected."""
    index = [MPII16.index(joint) for joint in joints]
    rows = list(harvest.iter_selected())
    return torch.stack([
        torch.stack([row.annotations.supported[index] for row in rows]),
        torch.stack([torch.as_tensor(row.selected)[index] for row in rows]),
    ])


@pytest.mark.parametrize(("height", "level", "people"), [(0.03, 0.0, None), (0.1, 0.0, 1), (0.05, 0.02, 1)])
def test_legs_that_no_view_shows_are_no_annotations(person, tmp_path, height, level, people):
    result = harvested(person, Background(lambda view: LEGS, height, level), tmp_path, people=people)
    assert not marks(result, LEGS).any()
    rest = [joint for joint in MPII16.joints if joint not in LEGS]
    assert float(marks(result, rest)[0].double().mean()) > 0.9
    said = [finding.message for finding in result.info.findings if finding.topic == "joints out of view"]
    assert len(said) == 1
    assert "upper body only" in said[0]


@pytest.mark.parametrize("joints", [("left_wrist",), ("head_top", "upper_neck"), ("right_ankle", "right_knee")])
def test_joints_that_one_view_alone_shows_are_no_annotations(person, tmp_path, joints):
    first = person.capture.rig.names[0]
    result = harvested(person, Background(lambda view: () if view.view == first else joints), tmp_path)
    assert not marks(result, joints).any()
    rest = [joint for joint in MPII16.joints if joint not in joints]
    assert float(marks(result, rest)[0].double().mean()) > 0.9


def test_joints_that_two_views_show_are_annotations(person, tmp_path):
    both, wrist = person.capture.rig.names[:2], ("left_wrist",)
    result = harvested(person, Background(lambda view: () if view.view in both else wrist), tmp_path)
    supported, selected = marks(result, wrist)
    assert supported.all()
    assert int(selected.sum()) == round(0.7 * NUM_FRAMES)


@pytest.mark.parametrize("people", [1, None])
def test_who_has_left_leaves_no_ghost(person, tmp_path, people):
    gone = Background(lambda view: MPII16.joints if view.frame >= 5 else (), height=0.15)
    result = harvested(person, gone, tmp_path, people=people)
    assert [record.frame for record in result.iter_frames()] == list(range(5))
    assert any("nobody was found in 3 of 8 frames" in finding.message for finding in result.info.findings)
