"""A view that stands still while the person moves, or shows nobody, is found with its frames; else nothing is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_camera_kit import RATE, body, cameras
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.disagreement import projected
from poseharvest.diagnosis.view_stretches import SAME_KEYPOINTS, SAME_PICTURE, StretchTally, ViewStretch
from poseharvest.geometry.crop import Crop

NUM, NUM_JOINTS = 70, 16
Change = Callable[[int, np.ndarray], np.ndarray]


def record(frame: int, shown: np.ndarray, *, at: float | None = None, score: float = 0.9, person: int = 0):
    """A record whose pose is right, and what the views show."""
    pixels = np.stack([projected(camera, body(frame if at is None else at)) for camera in cameras()])
    shape = pixels.shape[:2]
    known = np.isfinite(shown).all(-1)
    return FrameAnnotations(
        frame=frame,
        time_s=frame / RATE,
        person=person,
        mean=torch.from_numpy(body(frame)),
        cov=100 * torch.eye(3, dtype=torch.float64).expand(NUM_JOINTS, 3, 3),
        supported=torch.ones(NUM_JOINTS, dtype=torch.bool),
        log_evidence=0.0,
        pixels=torch.from_numpy(pixels),
        inside=torch.ones(shape, dtype=torch.bool),
        score=torch.full(shape, 0.8, dtype=torch.float64),
        peak_pixels=torch.from_numpy(np.where(known[..., None], shown, 0.0)),
        peak_score=torch.from_numpy(np.where(known, score, 0.0)),
        crops=(Crop((240.0, 180.0), 300.0),) * len(pixels),
    )


def seen(noise_px: float = 2.0, num: int = NUM, seed: int = 0) -> np.ndarray:
    """(T, V, J, 2) what the cameras show."""
    generator = np.random.default_rng(seed)
    shown = np.stack([np.stack([projected(camera, body(frame)) for camera in cameras()]) for frame in range(num)])
    return shown + noise_px * generator.normal(size=shown.shape)


def found(records: list[FrameAnnotations], share: float = SAME_KEYPOINTS) -> tuple[ViewStretch, ...]:
    tally = StretchTally(len(cameras()), share)
    for one in records:
        tally.add(one)
    return tally.stretches()


def of(shown: np.ndarray) -> list[FrameAnnotations]:
    return [record(frame, one) for frame, one in enumerate(shown)]


def frozen(shown: np.ndarray, view: int, first: int, stop: int, jitter_px: float = 0.0) -> np.ndarray:
    held = shown.copy()
    noise = jitter_px * np.random.default_rng(7).normal(size=held[first:stop, view].shape)
    held[first:stop, view] = held[first, view] + noise
    return held


@settings(max_examples=8)
@given(view=st.integers(0, 3), first=st.integers(0, 40), length=st.integers(25, 70), by_network=st.booleans())
def test_a_frozen_view_is_found_with_its_frames(view, first, length, by_network):
    stop = min(NUM, first + length)
    records = of(frozen(seen(), view, first, stop, jitter_px=0.3 if by_network else 0.0))
    (stretch,) = found(records, SAME_PICTURE if by_network else SAME_KEYPOINTS)
    assert (stretch.view, stretch.kind) == (view, "still")
    assert stretch.first == pytest.approx(first, abs=4 if by_network else 0)
    assert (stretch.from_frame is None) == (stretch.first == 0)
    assert stretch.before_frame == (None if stop == NUM else pytest.approx(stop, abs=4 if by_network else 0))
    assert stretch.moved_px > 20


@settings(max_examples=6)
@given(noise_px=st.floats(0.1, 9.0), share=st.sampled_from([SAME_KEYPOINTS, SAME_PICTURE]), seed=st.integers(0, 9))
def test_nothing_is_found_where_nothing_is_wrong(noise_px, share, seed):
    assert found(of(seen(noise_px, seed=seed)), share) == ()


@pytest.mark.parametrize("times", [2, 6])
def test_pictures_that_are_stored_several_times_are_no_stretch(times: int):
    shown = seen()
    shown[:, 1] = shown[np.arange(NUM) // times * times, 1]
    assert found(of(shown)) == ()


@pytest.mark.parametrize("share", [SAME_KEYPOINTS, SAME_PICTURE])
def test_a_person_who_stands_still_is_no_stretch(share: float):
    still = np.repeat(seen(0.0, num=1), NUM, axis=0)
    assert found([record(frame, one, at=0) for frame, one in enumerate(still)], share) == ()


def test_a_thing_in_the_room_that_is_taken_for_the_person_is_no_stretch():
    """Its joints were never where the other cameras see the person."""
    shown = seen()
    shown[:, 2] = np.random.default_rng(1).uniform(4000, 4400, (1, NUM_JOINTS, 2))
    assert found(of(shown)) == ()


def test_a_frozen_view_that_has_lost_the_person_stays_frozen():
    """The window follows the person, and leaves the frozen joints behind."""
    shown = frozen(seen(), 3, 20, NUM)
    shown[40:, 3] = np.nan
    (still,) = (one for one in found(of(shown)) if one.kind == "still")
    assert (still.first, still.from_frame, still.before_frame) == (20, 20, None)


@pytest.mark.parametrize(("first", "stop"), [(0, 30), (25, 50), (41, NUM)])
def test_a_view_that_shows_nobody_is_found_with_its_frames(first: int, stop: int):
    shown = seen()
    shown[first:stop, 0] = np.nan
    (stretch,) = found(of(shown))
    assert (stretch.view, stretch.kind, stretch.first, stretch.last) == (0, "blind", first, stop - 1)
    assert stretch.from_frame == (None if first == 0 else first)
    assert stretch.before_frame == (None if stop == NUM else stop)


def test_a_person_beyond_the_picture_is_no_stretch():
    shown = seen()
    shown[30:, 0] = np.nan
    records = of(shown)
    outside = [
        replace(one, inside=one.inside & (torch.arange(4) > 0)[:, None]) if one.frame >= 30 else one for one in records
    ]
    assert found(outside) == ()


def test_the_longest_of_two_people_is_taken():
    one, other = of(frozen(seen(), 1, 30, NUM)), of(frozen(seen(), 1, 45, NUM))
    both = [each for pair in zip(one, (replace(each, person=1) for each in other), strict=True) for each in pair]
    (stretch,) = found(both)
    assert (stretch.view, stretch.first) == (1, 30)
