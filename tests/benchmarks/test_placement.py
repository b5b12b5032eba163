"""What docs/cameras_and_where.md says of places: the rule in closed form, and faults that are as large as named."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import all_pixels_per_mm, pixel_error, project_all
from poseharvest.geometry.triangulation import triangulate
from poseharvest.simulation import simulate
from study.placement import (
    FIELD_MM,
    IMAGE_SIZE,
    TARGET_HEIGHT_MM,
    BelievedRig,
    LateView,
    arc,
    cameras_at,
    misplaced,
    ring,
    sigma_of_ring,
    sigma_of_two,
)

MIDDLE = torch.tensor((0.0, 0.0, TARGET_HEIGHT_MM), dtype=torch.float64)


def pixel_mm(rig):
    """What an error of one pixel is across the line of sight at the middle, mm; the same of all cameras."""
    every = (1 / all_pixels_per_mm(rig.at(0), MIDDLE)).tolist()
    assert every == pytest.approx([FIELD_MM / IMAGE_SIZE[0]] * len(rig))  # distance / focal length in pixels
    return every[0]


@given(angle=st.floats(5, 175), distance=st.floats(1500, 20000))
def test_two_level_cameras_follow_the_rule(angle, distance):
    rig = cameras_at([0, angle], distance_mm=distance, height_mm=TARGET_HEIGHT_MM)
    found, rule = pixel_error(rig.at(0), MIDDLE), sigma_of_two(pixel_mm(rig), angle)
    assert found is not None
    axes = (rule.depth_mm, rule.across_mm, rule.vertical_mm)
    assert found.worst_mm == pytest.approx(max(axes), rel=1e-6)
    assert found.best_mm == pytest.approx(min(axes), rel=1e-6)


@pytest.mark.parametrize("number", [3, 4, 5, 6, 8])
def test_a_level_ring_follows_the_rule(number):
    rig = ring(number, height_mm=TARGET_HEIGHT_MM)
    found, rule = pixel_error(rig.at(0), MIDDLE), sigma_of_ring(pixel_mm(rig), number)
    assert found is not None
    assert (found.worst_mm, found.best_mm) == pytest.approx((rule.depth_mm, rule.vertical_mm), rel=1e-6)


@pytest.mark.parametrize("angle", [20, 60, 130])
def test_points_scatter_as_the_rule_says(angle):
    """The rule is first order; points that are triangulated from noisy pixels are the second way to the same number."""
    rig, pixel_error_px, draws = cameras_at([-angle / 2, angle / 2], height_mm=TARGET_HEIGHT_MM), 2.0, 4000
    exact = project_all(rig.at(0), MIDDLE.expand(draws, 3)).pixels
    noise = pixel_error_px * torch.randn(exact.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    points = triangulate(rig.at(0), exact + noise, torch.ones(exact.shape[:2], dtype=torch.float64)).points
    rule = sigma_of_two(pixel_error_px * pixel_mm(rig), angle)
    scatter = points.std(0)  # x towards the middle of both cameras, y across, z up
    assert scatter.tolist() == pytest.approx((rule.depth_mm, rule.across_mm, rule.vertical_mm), rel=0.05)


def test_rigs_look_at_the_person_from_where_they_are_named():
    rig = arc(3, 40)
    azimuths = [math.degrees(math.atan2(float(c.center[1]), float(c.center[0]))) for c in rig.at(0)]
    assert azimuths == pytest.approx([-40, 0, 40])
    pixels = project_all(rig.at(0), MIDDLE[None]).pixels[:, 0]
    assert pixels.flatten().tolist() == pytest.approx([959.5, 539.5] * 3)


def test_misplaced_cameras_are_off_by_what_is_named():
    rig = ring(200)
    moved = misplaced(rig, turn_deg=0.4, shift_mm=25, seed=1)
    shifts = torch.stack([a.center - b.center for a, b in zip(moved, rig, strict=True)])
    assert float(shifts.std()) == pytest.approx(25, rel=0.08)
    turns = torch.stack([a.rotation @ b.rotation.T for a, b in zip(moved, rig, strict=True)])
    cosines = (turns.diagonal(dim1=1, dim2=2).sum(1) - 1) / 2
    angles = torch.rad2deg(torch.acos(cosines.clamp(max=1)))
    assert float(angles.square().mean().sqrt()) == pytest.approx(0.4 * math.sqrt(3), rel=0.08)
    same = misplaced(rig, turn_deg=0, shift_mm=0, seed=1)
    assert all(torch.allclose(a.center, b.center) for a, b in zip(same, rig, strict=True))


def test_a_late_view_shows_what_was_earlier():
    simulation = simulate(12, 3, rig=ring(2), render=False)
    late = LateView(simulation.detector, "cam2", 4)
    assert BelievedRig(simulation.capture, simulation.capture.rig).num_frames == 12
    windows = [window(simulation, view, frame) for view in ("cam1", "cam2") for frame in (9, 5)]
    shown, true = late.detect(windows), simulation.detector.detect(windows)
    assert torch.equal(shown[:2], true[:2])
    assert torch.equal(shown[2], true[3])
    assert not torch.equal(shown[3], true[3])


def window(simulation, view, frame):
    """The middle of a picture, as a detector gets it."""
    return CroppedView(view, frame, Crop((959.5, 539.5), 1000.0), None)
