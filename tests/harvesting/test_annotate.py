"""What an annotation says of every view, by a second route: point by point, with plain numbers."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from localization_kit import SIZE, STANDING, ChangedDetector, PaintedDetector, empty_frame, plain_rig
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.detectors.protocol import CroppedView
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.harvest_capture import harvest
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.follow.one_person import Tracker
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.inference_options import InferenceOptions
from poseharvest.pictorial.posterior import JointPosterior, cube
from poseharvest.simulation import CLEAN, Simulation, simulate
from poseharvest.skeleton.definitions import MPII16

RIG = plain_rig()
SHIFT = torch.tensor([40.0, -25.0, 15.0], dtype=torch.float64)


@pytest.fixture(scope="module")
def sighting() -> Sighting:
    tracker = Tracker(PaintedDetector(RIG, lambda frame, view: STANDING, heatmap_size=(48, 64)), RIG)
    return tracker.observe([empty_frame(0, RIG)])[0]


def posterior(mean: torch.Tensor) -> JointPosterior:
    cov = torch.eye(3).expand(16, 3, 3) * torch.arange(1.0, 17.0)[:, None, None]
    return JointPosterior(mean, cov, torch.arange(16) != 4, -12.5, cube(torch.zeros(3), 2000.0, 8))


def bilinear(values: np.ndarray, x: float, y: float) -> float:
    """The value of a map (H, W) between its pixels, zero outside."""
    left, top = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for row, share_y in ((top, top + 1 - y), (top + 1, y - top)):
        for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
            if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                total += share_y * share_x * float(values[row, column])
    return total


def test_what_is_copied(sighting: Sighting) -> None:
    found = annotate(sighting, posterior(STANDING.float()), person=2)
    assert (found.frame, found.time_s, found.person, found.log_evidence) == (0, 0.0, 2, -12.5)
    assert found.mean.dtype == found.cov.dtype == torch.float64
    torch.testing.assert_close(found.det, torch.arange(1.0, 17.0, dtype=torch.float64) ** 3)
    assert found.supported.tolist() == [joint != 4 for joint in range(16)]
    assert found.crops == sighting.heatmaps.crops


def test_projections_and_scores_by_hand(sighting: Sighting) -> None:
    """A camera 5 m away with a focal length of 1000 px; the heatmap read where the joint falls, off the peak."""
    found = annotate(sighting, posterior(STANDING + SHIFT))
    for joint, (x, y, z) in enumerate((STANDING + SHIFT).tolist()):
        seen = (499.5 + 1000 * x / (5000 + y), 399.5 - 1000 * (z - 1000) / (5000 + y))
        assert found.pixels[0, joint].tolist() == pytest.approx(seen)
        crop = sighting.heatmaps.crops[0]
        assert crop is not None
        column = (seen[0] - crop.center[0] + crop.side / 2) * 64 / crop.side - 0.5
        row = (seen[1] - crop.center[1] + crop.side / 2) * 48 / crop.side - 0.5
        value = bilinear(sighting.heatmaps.values[0, joint].numpy(), column, row)
        assert float(found.score[0, joint]) == pytest.approx(value, abs=1e-5)
    assert 0.01 < float(found.score[0].mean()) < 0.95


def test_peaks_are_the_heatmaps_own(sighting: Sighting) -> None:
    """Wherever the mean is, the peaks stay where the joints were painted."""
    found = annotate(sighting, posterior(STANDING + 10 * SHIFT))
    for view, camera in enumerate(RIG.at(0)):
        torch.testing.assert_close(found.peak_pixels[view], camera.project(STANDING).pixels, atol=0.3, rtol=0)
    torch.testing.assert_close(found.peak_score, sighting.heatmaps.values.amax((-1, -2)).double())


def annotated(sighting: Sighting, mean: torch.Tensor) -> FrameAnnotations:
    return annotate(sighting, posterior(mean))


def test_inside_is_the_picture_not_the_window(sighting: Sighting) -> None:
    """2 m to the side: beyond the window, within the picture; 3 m: beyond both; behind the camera: nowhere."""
    mean = STANDING.clone()
    mean[0] = torch.tensor([2000.0, 0.0, 1000.0])
    mean[1] = torch.tensor([3000.0, 0.0, 1000.0])
    mean[2] = torch.tensor([0.0, -7000.0, 1000.0])
    found = annotated(sighting, mean)
    assert found.inside[0].tolist() == [True, False, False] + [True] * 13
    assert found.score[0, :3].tolist() == [0, 0, 0]
    assert found.inside[2, 2]  # but in front of the camera that looks at it from the other side
    height, width = SIZE
    corner = torch.tensor([(width - 0.5 - 499.5) * 5, 0.0, 1000 - (height - 0.5 - 399.5) * 5], dtype=torch.float64)
    mean[:2] = torch.stack((corner * torch.tensor([0.999, 1, 1]), corner * torch.tensor([1.001, 1, 1])))
    mean[:2, 2] = 1000
    assert annotated(sighting, mean).inside[0, :2].tolist() == [True, False]


def test_an_absent_view_has_projections_but_nothing_seen(sighting: Sighting) -> None:
    values = sighting.heatmaps.values.clone()
    values[1] = 0
    crops = (sighting.heatmaps.crops[0], None, sighting.heatmaps.crops[2])
    peaks = replace(sighting.peaks, pixels=sighting.peaks.pixels.clone(), score=sighting.peaks.score.clone())
    peaks.pixels[1], peaks.score[1] = torch.nan, 0
    found = annotate(replace(sighting, heatmaps=Heatmaps(values, crops), peaks=peaks), posterior(STANDING))
    assert bool(torch.isfinite(found.pixels).all())
    assert not bool(found.inside[1].any())
    assert float(found.score[1].abs().max()) == 0
    assert bool(found.inside[[0, 2]].all())


def test_a_projection_that_means_nothing_is_no_number(sighting: Sighting) -> None:
    """Behind the camera, and so near its plane that the pixel lies ten pictures away; just outside stays a number."""
    mean = STANDING.clone()
    mean[0] = torch.tensor([0.0, -6000.0, 1000.0])  # a metre behind the first camera
    mean[1] = torch.tensor([300.0, -4990.0, 1000.0])  # 1 cm before it, 30,000 px aside
    mean[2] = torch.tensor([3000.0, 0.0, 1000.0])  # beside the picture
    found = annotate(sighting, posterior(mean))
    assert bool(torch.isnan(found.pixels[0, :2]).all())
    assert bool(torch.isfinite(found.pixels[0, 2:]).all())
    assert not bool(found.inside[0, :3].any())
    assert bool(torch.isfinite(found.score).all())


NUM_FRAMES = 8
QUICK = HarvestOptions(inference=InferenceOptions(resolution=24), warm_up_frames=4, num_previews=0)
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
    options = replace(QUICK, people=people)
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
    messages = [finding.message for finding in result.info.findings if finding.topic == "joints out of view"]
    assert len(messages) == 1
    assert "upper body only" in messages[0]


@pytest.mark.parametrize("joints", [("head_top", "upper_neck"), ("right_ankle", "right_knee")])
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
