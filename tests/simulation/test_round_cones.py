from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from poseharvest.simulation.body import POINTS, make_actor
from poseharvest.simulation.round_cones import COLORS, PARTS, RoundCones, body_cones, contains, first_hits

NUM_BALLS = 4001
coordinate = st.floats(-300, 300)
point = st.tuples(coordinate, coordinate, coordinate)
radius = st.floats(20, 120)


def balls(cones: RoundCones) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The balls that a single cone is swept by: s, centres, radii."""
    s = np.linspace(0, 1, NUM_BALLS)
    centers = cones.start + s[:, None] * (cones.end - cones.start)
    return s, centers, cones.radii[0] + s * (cones.radii[1] - cones.radii[0])


def first_hit_of_balls(direction: np.ndarray, cones: RoundCones) -> float:
    """The slow way: the nearest of thousands of balls that the ray meets."""
    _, centers, radii = balls(cones)
    along = centers @ direction
    reach = along**2 - (centers**2).sum(-1) + radii**2
    t = along - np.sqrt(np.maximum(reach, 0))
    t = t[(reach > 0) & (t > 0)]
    return float(t.min()) if t.size else np.inf


@st.composite
def cones_far_away(draw: st.DrawFn) -> RoundCones:
    start, end = np.array(draw(point)), np.array(draw(point))
    radii = np.array((draw(radius), draw(radius)))
    assume(abs(radii[1] - radii[0]) < 0.9 * np.linalg.norm(end - start))
    shift = np.array((0.0, 0.0, 1500.0))
    return RoundCones(start + shift, end + shift, radii)


@given(cones_far_away(), point)
@settings(max_examples=300, deadline=None)
def test_first_hits_are_those_of_many_balls(cones, aim):
    direction = np.array(aim) + np.array((0.0, 0.0, 1500.0))
    direction /= np.linalg.norm(direction)
    expected = first_hit_of_balls(direction, cones)
    hits = first_hits(direction, cones)
    if np.isfinite(expected):
        assert float(hits.distance) == pytest.approx(expected, abs=2.0) or grazes(direction, cones)
    else:
        assert not np.isfinite(hits.distance) or grazes(direction, cones)


def grazes(direction: np.ndarray, cones: RoundCones) -> bool:
    """The ray comes within 0.1 mm of the outline, where the few balls and the cone may differ."""
    _, centers, radii = balls(cones)
    across = np.sqrt(np.maximum((centers**2).sum(-1) - (centers @ direction) ** 2, 0))
    return bool(abs((across - radii).min()) < 0.1)


@given(cones_far_away(), point)
@settings(max_examples=100, deadline=None)
def test_a_hit_lies_on_the_ball_that_it_names(cones, aim):
    direction = np.array(aim) + np.array((0.0, 0.0, 1500.0))
    direction /= np.linalg.norm(direction)
    hits = first_hits(direction, cones)
    assume(np.isfinite(hits.distance))
    center = cones.start + hits.along * (cones.end - cones.start)
    ball = cones.radii[0] + hits.along * (cones.radii[1] - cones.radii[0])
    surface = hits.distance * direction - center
    assert np.linalg.norm(surface) == pytest.approx(ball, abs=1e-3)
    assert surface @ direction < 1e-3  # the near side


@given(cones_far_away(), point)
@settings(max_examples=200, deadline=None)
def test_contains_is_being_in_one_of_the_balls(cones, where):
    probe = np.array(where) + np.array((0.0, 0.0, 1500.0))
    _, centers, radii = balls(cones)
    gap = float((np.linalg.norm(probe - centers, axis=-1) - radii).min())
    assume(abs(gap) > 0.05)
    assert bool(contains(probe, cones)) == (gap < 0)


def test_what_lies_behind_is_missed():
    cones = RoundCones(np.array((0.0, 0.0, -500.0)), np.array((100.0, 0.0, -600.0)), np.array((50.0, 60.0)))
    assert not np.isfinite(first_hits(np.array((0.0, 0.0, 1.0)), cones).distance)


def test_a_ray_along_the_axis_meets_the_near_end():
    cones = RoundCones(np.array((0.0, 0.0, 1000.0)), np.array((0.0, 0.0, 1400.0)), np.array((30.0, 90.0)))
    hits = first_hits(np.array((0.0, 0.0, 1.0)), cones)
    assert float(hits.distance) == pytest.approx(970.0)
    assert float(hits.along) == 0.0
    back = RoundCones(cones.end, cones.start, cones.radii[::-1])
    assert float(first_hits(np.array((0.0, 0.0, 1.0)), back).distance) == pytest.approx(970.0)


def test_a_body_is_where_its_points_are():
    actor = make_actor(1)
    points = actor.points(torch.tensor([0.0, 3.0], dtype=torch.float64)).numpy()
    cones = body_cones(points, actor.body.stature_mm)
    assert cones.start.shape == (2, len(PARTS), 3)
    assert cones.radii.shape == (2, len(PARTS), 2)
    assert COLORS.shape == (len(PARTS), 3)
    inside = contains(points[:, :, None], cones.each())
    assert inside.any(-1)[:, [i for i, name in enumerate(POINTS) if name != "head_top"]].all()
    length = np.linalg.norm(cones.end - cones.start, axis=-1)
    top = POINTS.index("head_top")
    assert contains(points[:, top, None], cones.grown(10.0)).any(-1).all()
    assert not contains(points[:, top, None] + np.array((0.0, 0.0, 400.0)), cones.grown(10.0)).any()
    assert (np.abs(cones.radii[..., 1] - cones.radii[..., 0]) < length).all()


def test_bigger_people_have_thicker_limbs():
    points = np.zeros((len(POINTS), 3))
    ratio = body_cones(points, 1900.0).radii / body_cones(points, 1600.0).radii
    assert ratio == pytest.approx(1900 / 1600)


def test_cones_seen_from_elsewhere_are_moved():
    cones = RoundCones(np.array((1.0, 2.0, 3.0)), np.array((4.0, 5.0, 6.0)), np.array((1.0, 1.0)))
    moved = cones.seen_from(np.array((1.0, 1.0, 1.0)))
    assert moved.start.tolist() == [0.0, 1.0, 2.0]
    assert moved.end.tolist() == [3.0, 4.0, 5.0]
