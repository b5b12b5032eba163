"""Whether a person is seen, and how wide to look for them next."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from localization_kit import (
    SIZE,
    STANDING,
    ChangedDetector,
    PaintedDetector,
    empty_frame,
    nobody,
    plain_rig,
    shared_by_chance,
)
from people_kit import candidate
from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import CroppedView
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.geometry.rig import inside_image
from poseharvest.heatmaps.maps import heatmap_peaks
from poseharvest.localization.find.look_again import locate
from poseharvest.localization.find.match_views import group_candidates, triangulate_pose
from poseharvest.localization.find.observation import (
    Observation,
    crops_around,
    detect_views,
    drop_low_peaks,
    observe_people,
    view_candidates,
    window_scale,
    windows_on,
)
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.follow.one_person import Tracker
from poseharvest.localization.limits import CLOSING_SCALES, CROP_SCALE, MIN_JOINTS, MIN_SIDE_PX
from poseharvest.localization.sighting import PartialPose, TriangulatedPose
from poseharvest.simulation import REALISTIC, SimulatedDetector, random_rig, simulate
from poseharvest.simulation.body import make_actor
from poseharvest.simulation.scene import Scene
from poseharvest.skeleton.definitions import MPII16
from poseharvest.skeleton.proportions import whole_over_part
from poseharvest.skeleton.skeleton import Skeleton, limbs

RIG = plain_rig()
CAMERAS = RIG.at(0)


def at_height(view: int, height: float) -> Candidate:
    """What a view sees of somebody standing, all peaks equally high."""
    seen = candidate(RIG, view, STANDING)
    return Candidate(view, seen.pixels, torch.full_like(seen.scores, height), seen.side)


@pytest.mark.parametrize(
    ("heights", "is_seen"),
    [((0.9, 0.9, 0.9), True), ((0.9, 0.11, 0.0), True), ((0.9, 0.09, 0.09), False), ((0.05, 0.05, 0.05), False)],
)
def test_two_views_must_show_enough(heights: tuple[float, ...], is_seen: bool) -> None:
    """They agree on every joint, whatever the heights."""
    members = [at_height(view, height) for view, height in enumerate(heights) if height]
    (seen,) = observe_people([members], [CAMERAS], 16)
    assert bool(seen.pose.known.all())
    assert seen.visibility == pytest.approx(sorted(heights, reverse=True), abs=1e-6)
    assert seen.is_seen == is_seen


def test_peaks_that_rise_without_agreement_are_nobody() -> None:
    assert not Observation(TriangulatedPose.nothing(16), (0.9, 0.9)).is_seen


def test_several_together_are_as_one_by_one() -> None:
    members = [[at_height(0, 0.9), at_height(2, 0.4)], [], [at_height(1, 0.7)]]
    together = observe_people(members, [CAMERAS] * 3, 16)
    for one, got in zip(together, members, strict=True):
        (alone,) = observe_people([got], [CAMERAS], 16)
        assert one.visibility == alone.visibility
        torch.testing.assert_close(one.pose.points, alone.pose.points, equal_nan=True)
    assert together[1].visibility == [0.0] * 3
    assert [one.is_seen for one in together] == [True, False, False]


def test_windows_widen_where_little_is_seen() -> None:
    assert window_scale(()) == CROP_SCALE
    assert window_scale((0.9, 0.8, 0.3)) == CROP_SCALE
    assert window_scale((0.3, 0.2)) == pytest.approx((CROP_SCALE + CLOSING_SCALES[0]) / 2)
    assert window_scale((0.2, 0.1)) == window_scale((0.0, 0.0)) == CLOSING_SCALES[0]


def pose_of(found: Observation | None) -> TriangulatedPose | None:
    return None if found is None else found.pose


@given(place=st.tuples(*[st.floats(-7000, 7000)] * 3), scale=st.floats(0.5, 2.0))
def test_windows_of_all_views_are_those_of_each(place: tuple[float, float, float], scale: float) -> None:
    """Wherever the person is: also behind cameras, at their place and beside their pictures."""
    cameras = plain_rig().at(0)
    points = STANDING + torch.tensor(place, dtype=torch.float64)
    for camera, crop in zip(cameras, crops_around(points, cameras, scale), strict=True):
        projection = camera.project(points)
        pixels = projection.pixels[projection.valid]
        expected = None
        if len(pixels) >= MIN_JOINTS and bool(inside_image(pixels, camera.image_size).any()):
            fitting = crop_around(pixels, scale, MIN_SIDE_PX)
            expected = fitting if fitting.side <= 4 * max(camera.image_size) else None
        assert (crop is None) == (expected is None)
        if crop is not None and expected is not None:
            assert (*crop.center, crop.side) == pytest.approx((*expected.center, expected.side))


def test_windows_hold_the_projection_with_a_margin() -> None:
    rig = plain_rig()
    for camera, crop in zip(rig.at(0), crops_around(STANDING, rig.at(0)), strict=True):
        assert crop is not None
        window = crop.to_window(camera.project(STANDING).pixels, (100, 100))
        # 1.25 times the extent leaves a tenth of the window on either side along the longer extent.
        assert float(window[:, 1].min()) == pytest.approx(9.5)
        assert float(window[:, 1].max()) == pytest.approx(89.5)
        assert float(window[:, 0].min() + window[:, 0].max()) == pytest.approx(99)


def test_a_view_that_cannot_see_the_pose_has_no_window() -> None:
    rig = plain_rig()
    behind_front = STANDING + torch.tensor([0.0, -6000.0, 0.0])
    front, side, back = crops_around(behind_front, rig.at(0))
    assert front is None
    assert side is None  # in front of it, but far outside of its picture
    assert back is not None
    assert crops_around(STANDING[:3], rig.at(0)) == (None, None, None)


def test_a_pose_at_the_camera_s_own_place_has_no_window() -> None:
    """Somebody who stands near is seen in part, through a large window; a ghost that touches the camera is not."""
    rig = plain_rig()
    near, touching = (STANDING - STANDING.mean(0) + torch.tensor([0.0, y, 1000.0]) for y in (-4200.0, -4995.0))
    front = crops_around(near, rig.at(0))[0]
    assert front is not None
    assert front.side > max(SIZE)
    assert crops_around(touching, rig.at(0))[0] is None
    assert crops_around(touching, rig.at(0))[2] is not None


def test_absent_views_are_zero_and_have_no_window() -> None:
    rig = plain_rig()
    detector = PaintedDetector(rig, lambda frame, view: STANDING)
    crops = crops_around(STANDING, rig.at(0))
    maps = detect_views(detector, [empty_frame(0, rig)], rig.at(0), [(crops[0], None, crops[2])])[0]
    assert [crop is None for crop in maps.crops] == [False, True, False]
    assert float(maps.values[1].abs().max()) == 0
    assert float(maps.values[[0, 2]].amax((-1, -2)).min()) > 0.7
    assert [c.view for c in view_candidates(maps, heatmap_peaks(maps.values, maps.crops))] == [0, 2]


def test_a_detector_of_pictures_is_not_asked_without_one() -> None:
    rig = plain_rig()
    asked: list[CroppedView] = []

    class NeedsPictures(ChangedDetector):
        needs_images = True

    def note(view: CroppedView, maps: torch.Tensor) -> torch.Tensor:
        asked.append(view)
        return maps

    picture = torch.zeros((*SIZE, 3), dtype=torch.uint8).numpy()
    frame = MultiViewFrame(7, 0.3, (None, picture, None))
    detector = NeedsPictures(PaintedDetector(rig, lambda frame, view: STANDING), note)
    maps = detect_views(detector, [frame], rig.at(7), [(Crop((500, 400), 300),) * 3])[0]
    assert [(view.view, view.frame) for view in asked] == [("side", 7)]
    assert [crop is None for crop in maps.crops] == [True, False, True]


def test_frames_together_are_the_frames_one_by_one() -> None:
    simulation = simulate(3, 1, errors=REALISTIC, render=False)
    rig = simulation.capture.rig
    frames = list(simulation.capture.frames())
    whole = crops_around(simulation.truth.positions[0], rig.at(0))
    crops = [whole, (None, *whole[1:]), (None,) * 4]
    together = detect_views(simulation.detector, frames, rig.at(0), crops)
    for frame, windows, maps in zip(frames, crops, together, strict=True):
        alone = detect_views(simulation.detector, [frame], rig.at(0), [windows])[0]
        assert torch.equal(alone.values, maps.values)
        assert alone.crops == maps.crops == windows


@pytest.mark.parametrize(("num_views", "seed"), [(2, 4), (4, 0), (4, 1), (4, 2), (8, 5)])
def test_the_person_is_found_without_a_hint(num_views: int, seed: int) -> None:
    """By heatmaps of a network with realistic errors; two views alone place nobody well along their axes."""
    rig = random_rig(num_views, torch.Generator().manual_seed(seed))
    if num_views == 2:
        rig = random_rig(8, torch.Generator().manual_seed(seed)).subset(("cam1", "cam3"))
    simulation = simulate(1, seed, rig=rig, errors=REALISTIC, render=False)
    pose = pose_of(locate(simulation.detector, empty_frame(0, rig), rig.at(0)))
    assert pose is not None
    assert float(pose.known.double().mean()) > 0.8
    error = (pose.points - simulation.truth.positions[0]).norm(dim=-1)[pose.known]
    assert float(error.median()) < (60 if num_views == 2 else 30)


def test_the_order_of_views_does_not_matter() -> None:
    rig = random_rig(4, torch.Generator().manual_seed(11))
    simulation = simulate(1, 6, rig=rig, errors=REALISTIC, render=False)
    turned = rig.subset(("cam3", "cam1", "cam4", "cam2"))
    one = pose_of(locate(simulation.detector, empty_frame(0, rig), rig.at(0)))
    other = pose_of(locate(simulation.detector, empty_frame(0, turned), turned.at(0)))
    assert one is not None
    assert other is not None
    torch.testing.assert_close(one.points, other.points, atol=1e-6, rtol=0)
    assert torch.equal(one.known, other.known)


def test_a_bystander_in_one_view_is_not_the_person() -> None:
    """As in footage where somebody stands at the edge of one picture, nearer and clearer than the subject."""
    rig = random_rig(4, torch.Generator().manual_seed(2))
    simulation = simulate(1, 3, rig=rig, errors=REALISTIC, render=False)
    bystander = SimulatedDetector(
        Scene(rig, make_actor(9, (900.0, -900.0))), dataclasses.replace(REALISTIC, peak=(0.95, 1.0))
    )

    def add(view: CroppedView, maps: torch.Tensor) -> torch.Tensor:
        return torch.maximum(maps, bystander.detect([view])[0]) if view.view == "cam2" else maps

    pose = pose_of(locate(ChangedDetector(simulation.detector, add), empty_frame(0, rig), rig.at(0)))
    assert pose is not None
    error = (pose.points - simulation.truth.positions[0]).norm(dim=-1)[pose.known]
    assert float(error.median()) < 30


def test_a_view_that_missed_the_person_is_looked_at_again() -> None:
    """A view that answers only to a window that fits: the scan's windows do not, the projection's does."""
    rig = plain_rig()
    painted = PaintedDetector(rig, lambda frame, view: STANDING)
    fitting = crops_around(STANDING, rig.at(0))[1]
    assert fitting is not None
    seen: list[float] = []

    def shy(view: CroppedView, maps: torch.Tensor) -> torch.Tensor:
        if view.view != "side":
            return maps
        fits = abs(view.crop.center[0] - fitting.center[0]) < 2 and abs(view.crop.side / fitting.side - 1) < 0.02
        seen.extend([view.crop.side] if fits else [])
        return maps if fits else torch.zeros_like(maps)

    detector = ChangedDetector(painted, shy)
    assert {c.view for c in find_candidates(detector, empty_frame(0, rig), rig.at(0))} == {0, 2}
    pose = pose_of(locate(detector, empty_frame(0, rig), rig.at(0)))
    assert pose is not None
    assert seen
    torch.testing.assert_close(pose.points, STANDING, atol=5.0, rtol=0)


def test_nobody_is_found_where_nobody_is() -> None:
    simulation = simulate(1, render=False)
    rig = simulation.capture.rig
    assert locate(ChangedDetector(simulation.detector, nobody), empty_frame(0, rig), rig.at(0)) is None


def test_a_person_of_one_view_alone_is_not_found() -> None:
    simulation = simulate(1, render=False)
    rig = simulation.capture.rig
    only_one = ChangedDetector(simulation.detector, lambda view, maps: maps * (view.view == "cam2"))
    assert locate(only_one, empty_frame(0, rig), rig.at(0)) is None


def test_what_two_views_share_by_chance_is_not_the_person() -> None:
    """Front and back show something more clearly than the person, whom the side's scan has missed."""
    rig = plain_rig()
    detector = shared_by_chance(rig)
    groups = group_candidates(find_candidates(detector, empty_frame(0, rig), rig.at(0)), rig.at(0))
    assert float(triangulate_pose(groups[0], rig.at(0)).points[:, 0].mean()) == pytest.approx(2500, abs=20)
    found = locate(detector, empty_frame(0, rig), rig.at(0))
    assert found is not None
    assert found.visibility == pytest.approx([0.75] * 3, abs=0.06)
    torch.testing.assert_close(found.pose.points, STANDING, atol=6.0, rtol=0)


_LEGS_AND_HIPS = {"pelvis", *(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle"))}
_UPPER_BODY = torch.tensor([joint not in _LEGS_AND_HIPS for joint in MPII16.joints])


def test_a_window_on_a_part_of_somebody_is_as_large_as_on_all_of_them() -> None:
    """A network knows whole people: in a window that fits head and arms it takes a hand for the person."""
    rig = plain_rig()
    whole = crops_around(STANDING, rig.at(0))
    for fitting, part in zip(whole, windows_on(MPII16, PartialPose(STANDING, _UPPER_BODY), rig.at(0)), strict=True):
        assert fitting is not None
        assert part is not None
        assert part.side == pytest.approx(fitting.side, rel=0.15)
    everything = windows_on(MPII16, PartialPose(STANDING, torch.ones(len(MPII16), dtype=torch.bool)), rig.at(0))
    assert [crop.side for crop in everything if crop] == [crop.side for crop in whole if crop]


def test_the_joints_of_an_animal_have_no_whole_that_is_known() -> None:
    animal = Skeleton("animal", ("tail", "withers", "nose"), limbs("tail-withers", "withers-nose"))
    assert whole_over_part(animal, (True, True, False)) == 1.0
    assert whole_over_part(MPII16, (False,) * len(MPII16)) == 1.0


@given(st.lists(st.booleans(), min_size=16, max_size=16), st.integers(0, 15))
def test_the_more_of_a_body_is_known_the_less_is_missing(known: list[bool], joint: int) -> None:
    more = [*known[:joint], True, *known[joint + 1 :]]
    if any(known):
        assert 1 <= whole_over_part(MPII16, tuple(more)) <= whole_over_part(MPII16, tuple(known)) <= 3


@given(st.floats(0.0, 0.09), st.floats(0.05, 1.0))
def test_peaks_that_say_nothing_give_no_joint(noise: float, height: float) -> None:
    """Two views agree on the legs, but on peaks far lower than those of the rest."""
    rig = plain_rig()
    legs = torch.tensor([joint in _LEGS_AND_HIPS for joint in MPII16.joints])
    scores = torch.where(legs, noise * height, height)
    members = [Candidate(view, camera.project(STANDING).pixels, scores, 350.0) for view, camera in enumerate(rig.at(0))]
    pose = triangulate_pose(drop_low_peaks(members), rig.at(0))
    assert pose.known.tolist() == (~legs).tolist()
    assert drop_low_peaks([]) == []


def test_somebody_whose_legs_are_hidden_is_not_left_for_a_hand() -> None:
    """In windows much smaller than a person the network sees a doll in the left hand, as real ones do."""
    rig = plain_rig()
    doll = 0.05 * (STANDING - STANDING.mean(0)) + STANDING[MPII16.index("left_wrist")]
    legs = torch.tensor([joint in _LEGS_AND_HIPS for joint in MPII16.joints])
    on_doll = PaintedDetector(rig, lambda frame, view: doll)
    whole = [crop for crop in crops_around(STANDING, rig.at(0)) if crop is not None]
    usual = sum(crop.side for crop in whole) / len(whole)

    def desk(view: CroppedView, maps: Tensor) -> Tensor:
        if view.crop.side < 0.75 * usual:
            return on_doll.detect([view])[0]
        return torch.where(legs[:, None, None], 0.02 * maps, maps)

    tracker = Tracker(ChangedDetector(PaintedDetector(rig, lambda frame, view: STANDING), desk), rig)
    for index in range(12):
        (sighting,) = tracker.observe([empty_frame(index, rig)])
        assert sighting.pose.known.tolist() == (~legs).tolist()
        torch.testing.assert_close(sighting.pose.points[~legs], STANDING[~legs], atol=12.0, rtol=0)
