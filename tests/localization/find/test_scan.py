"""People are found in a picture with the pose network alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from localization_kit import ChangedDetector, empty_frame, nobody
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.localization.find.scan import find_candidates, scan_windows
from poseharvest.localization.limits import CROP_SCALE
from poseharvest.simulation import CLEAN, SimulatedDetector, random_rig, simulate
from poseharvest.simulation.body import make_actor
from poseharvest.simulation.scene import Scene

_sizes = st.integers(64, 2200)


@given(_sizes, _sizes)
def test_windows_cover_the_picture_and_overlap_by_half(height: int, width: int) -> None:
    """At every size of window: the first starts at the border, neighbours overlap by half, the last ends there."""
    windows = scan_windows((height, width))
    for side in {window.side for window in windows}:
        group = [window for window in windows if window.side == side]
        for axis, extent in ((0, width), (1, height)):
            middles = sorted({window.center[axis] for window in group})
            if side >= extent:
                assert middles == [(extent - 1) / 2]
                continue
            assert middles[0] - side / 2 == pytest.approx(-0.5)
            assert middles[-1] + side / 2 == pytest.approx(extent - 0.5)
            steps = [b - a for a, b in itertools.pairwise(middles)]
            assert max(steps) <= side / 2 + 1e-6


@pytest.mark.parametrize("seed", [0, 1])
def test_everybody_is_found_where_they_are(seed: int) -> None:
    rig = random_rig(3, torch.Generator().manual_seed(seed))
    simulation = simulate(1, seed, rig=rig, errors=CLEAN, render=False)
    candidates = find_candidates(simulation.detector, empty_frame(0, rig), rig.at(0))
    assert [c.confidence for c in candidates] == sorted((c.confidence for c in candidates), reverse=True)
    for view, camera in enumerate(rig.at(0)):
        best = next(c for c in candidates if c.view == view)
        true = camera.project(simulation.truth.positions[0]).pixels
        extent = float((true.amax(0) - true.amin(0)).max())
        assert float((best.pixels - true).norm(dim=-1).max()) < 0.02 * extent
        assert best.side == pytest.approx(CROP_SCALE * extent, rel=0.1)


def test_two_people_in_one_picture_are_two_candidates() -> None:
    rig = random_rig(1, torch.Generator().manual_seed(3), image_size=(700, 1800))
    camera = rig.at(0)[0]
    left, right = (
        Scene(rig, make_actor(seed, place)) for seed, place in ((1, (-1000.0, -1000.0)), (2, (1000.0, 1000.0)))
    )
    other = SimulatedDetector(right, CLEAN)
    both = ChangedDetector(
        SimulatedDetector(left, CLEAN), lambda view, maps: torch.maximum(maps, other.detect([view])[0])
    )
    candidates = find_candidates(both, empty_frame(0, rig), rig.at(0))
    for scene in (left, right):
        true = camera.project(scene.points(0)[:16]).pixels
        nearest = min(float((c.pixels - true).norm(dim=-1).median()) for c in candidates)
        assert nearest < 10


def test_nobody_gives_no_candidates() -> None:
    simulation = simulate(1, render=False)
    rig = simulation.capture.rig
    assert not find_candidates(ChangedDetector(simulation.detector, nobody), empty_frame(0, rig), rig.at(0))


def test_a_view_without_a_picture_is_not_looked_at() -> None:
    simulation = simulate(1, render=False)
    blank = np.zeros((1000, 1000, 3), np.uint8)
    blind = MultiViewFrame(0, 0.0, (None, blank, None, blank))

    class NeedsPictures(ChangedDetector):
        needs_images = True

    detector = NeedsPictures(simulation.detector, lambda view, maps: maps if view.image is not None else 1 / 0)
    views = {c.view for c in find_candidates(detector, blind, simulation.capture.rig.at(0))}
    assert views == {1, 3}
