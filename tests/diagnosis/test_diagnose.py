"""Findings name a camera that was moved, turned, exchanged or is late; noise and hidden joints give none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harvest_kit import make_records, make_rig, make_run
from poseharvest.annotations.info import CaptureInfo, DetectorInfo, HarvestRun, PersonInfo
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.diagnosis.cross_check import combine_people, cross_check, cross_check_people
from poseharvest.diagnosis.diagnose import Coverage, Diagnosis
from poseharvest.diagnosis.sampled_moments import MAX_MOMENTS, STRETCH, MomentSamples
from poseharvest.geometry.camera import Camera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig, inside_image, project_all
from poseharvest.skeleton.definitions import MPII16
from walker_kit import look_at, walker_rig, walking_pose

RATE = 25.0
NUM = 30
RUN = HarvestRun(
    capture=CaptureInfo(name="walk", path=None, frame_rate=RATE, num_frames=NUM),
    detector=DetectorInfo(name="drawn", heatmap_size=(64, 64)),
    limb_lengths_mm={},
)


def pose_at(frame: float) -> torch.Tensor:
    """A person who walks in a circle of 0.6 m, at about 1 m/s."""
    angle = 0.06 * frame
    place = torch.tensor([600 * math.cos(angle), 600 * math.sin(angle), 0.0], dtype=torch.float64)
    return torch.from_numpy(walking_pose(0.22 * frame)).double() + place


def record(rig: Rig, frame: int, *, filmed: Rig | None = None, delays: tuple[float, ...] = (), noise_px: float = 2.0):
    """One frame, with the true cameras in `filmed`, and the delay of each view in frames in `delays`."""
    generator = torch.Generator().manual_seed(frame)
    mean = pose_at(frame)
    projection = project_all(rig.at(frame), mean)
    late = delays or (0.0,) * len(rig)
    peaks = torch.stack([
        camera.project(pose_at(frame - delay)).pixels
        for camera, delay in zip((filmed or rig).at(frame), late, strict=True)
    ])
    peaks = peaks + noise_px * torch.randn(peaks.shape, generator=generator, dtype=torch.float64)
    shape = peaks.shape[:2]
    return FrameAnnotations(
        frame=frame,
        time_s=frame / RATE,
        person=0,
        mean=mean,
        cov=100 * torch.eye(3, dtype=torch.float64).expand(16, 3, 3),
        supported=torch.ones(16, dtype=torch.bool),
        log_evidence=0.0,
        pixels=projection.pixels,
        inside=torch.stack([
            inside_image(px, c.image_size) for px, c in zip(projection.pixels, rig.at(frame), strict=True)
        ]),
        score=torch.full(shape, 0.8, dtype=torch.float64),
        peak_pixels=peaks,
        peak_score=torch.full(shape, 0.9, dtype=torch.float64),
        crops=(Crop((240.0, 180.0), 300.0),) * len(rig),
    )


def walk(rig: Rig, **how: object) -> list[FrameAnnotations]:
    return [record(rig, frame, **how) for frame in range(NUM)]  # type: ignore[arg-type]


def diagnosed(rig: Rig, records: list[FrameAnnotations], run: HarvestRun = RUN, **how: bool) -> list[str]:
    diagnosis = Diagnosis(rig, MPII16, **how)
    for one in records:
        diagnosis.add(one)
    return [f"{finding.severity}: {finding.message}" for finding in diagnosis.completed(run).findings]


def checks(rig: Rig, records: list[FrameAnnotations]):
    samples = MomentSamples()
    for one in records:
        samples.add(one)
    return cross_check(rig, samples.moments)


def turned(camera: Camera, degrees: float) -> Camera:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], dtype=torch.float64) @ camera.rotation
    return replace(camera, rotation=turn, translation=-(turn @ camera.center))


def with_camera(rig: Rig, view: int, camera: Camera) -> Rig:
    return Rig(tuple(camera if v == view else old for v, old in enumerate(rig)))  # type: ignore[misc]


@settings(deadline=None, max_examples=3)
@given(st.sampled_from([2, 3, 4]), st.floats(0, 6))
def test_noise_alone_says_nothing_about_a_camera(num_views: int, noise_px: float) -> None:
    rig = Rig(tuple(walker_rig())[:num_views])
    assert not [line for line in diagnosed(rig, walk(rig, noise_px=noise_px)) if "other cameras" in line]


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 3), st.floats(3, 10), st.sampled_from([-1, 1]))
def test_a_turned_camera_is_named(view: int, degrees: float, sign: int) -> None:
    rig = walker_rig()
    filmed = with_camera(rig, view, turned(tuple(rig)[view], sign * degrees))  # type: ignore[arg-type]
    lines = diagnosed(rig, walk(rig, filmed=filmed))
    (line,) = [line for line in lines if "other cameras" in line]
    assert line.startswith(f'error: camera "{rig.names[view]}": it was moved or turned after its calibration')


@pytest.mark.parametrize("judges_cameras", [True, False])
@pytest.mark.parametrize("num_people", [1, 2])
def test_a_camera_that_is_pushed_during_the_take_is_named(judges_cameras: bool, num_people: int) -> None:
    """Also where the cameras were judged before, by the first frames, and in everybody."""
    rig, num_frames = walker_rig(), 2 * NUM
    pushed = with_camera(rig, 1, turned(tuple(rig)[1], 5))  # type: ignore[arg-type]
    records = [
        replace(record(rig, frame, filmed=pushed if frame >= NUM else rig), person=person)
        for frame in range(num_frames)
        for person in range(num_people)
    ]
    lines = diagnosed(rig, records, judges_cameras=judges_cameras)
    (line,) = [line for line in lines if "other cameras" in line]
    assert line.startswith(f'error: camera "{rig.names[1]}": from about frame {NUM} on, it was moved or turned')
    assert not [line for line in lines if "heatmap peaks" in line]


@pytest.mark.parametrize("same", [True, False])
def test_a_moved_camera_explains_what_everybody_shows(same: bool) -> None:
    """By one person the camera was turned to one side, by the other one to the other side: then it was not turned."""
    rig = walker_rig()
    first, second = (with_camera(rig, 2, turned(tuple(rig)[2], degrees)) for degrees in (6, 6 if same else -6))  # type: ignore[arg-type]
    one = walk(rig, filmed=first)
    other = [replace(record, person=1) for record in walk(rig, filmed=second)]
    lines = diagnosed(rig, [record for pair in zip(one, other, strict=True) for record in pair])
    named = [line for line in lines if line.startswith(f'error: camera "{rig.names[2]}": it was moved or turned')]
    assert len(named) == same
    assert same or not [line for line in lines if line.startswith("error")]


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 3), st.sampled_from([-8, -4, -2, 2, 4, 8]))
def test_a_late_camera_is_named(view: int, frames: int) -> None:
    rig = walker_rig()
    records = walk(rig, delays=tuple(float(frames * (v == view)) for v in range(4)), noise_px=1.0)
    (line,) = [line for line in diagnosed(rig, records) if "other cameras" in line]
    way = "behind" if frames > 0 else "ahead of"
    assert line.startswith(f'error: camera "{rig.names[view]}": its pictures are ')
    assert f"{way} those of the others" in line
    assert float(line.split("are ")[1].split(" frames")[0]) == pytest.approx(abs(frames), abs=1)


def test_the_delay_is_measured_in_seconds() -> None:
    rig = walker_rig()
    actual = checks(rig, walk(rig, delays=(0.0, 3.0, 0.0, 0.0), noise_px=0.5))
    assert actual[1].delay_s == pytest.approx(3 / RATE, rel=0.6)
    assert all(check.delay_s < 0.02 for check in (actual[0], actual[2], actual[3]))


def test_two_exchanged_cameras_are_named() -> None:
    rig = walker_rig()
    one, two, *rest = rig
    filmed = Rig((replace(two, name="cam01"), replace(one, name="cam02"), *rest))  # type: ignore[type-var]
    (line,) = [line for line in diagnosed(rig, walk(rig, filmed=filmed)) if "other cameras" in line]
    assert line.startswith('error: cameras "cam01" and "cam02": their calibrations, or their footage, are exchanged')


def test_joints_that_nobody_can_find_blame_no_camera() -> None:
    """A person at a desk: the peaks of the legs lie anywhere."""
    rig = walker_rig()
    generator = torch.Generator().manual_seed(1)
    legs = [MPII16.index(f"{side}_{part}") for side in ("left", "right") for part in ("hip", "knee", "ankle")]
    records = []
    for one in walk(rig):
        peaks = one.peak_pixels.clone()
        peaks[:, legs] += 60 * torch.randn(4, len(legs), 2, generator=generator, dtype=torch.float64)
        records.append(replace(one, peak_pixels=peaks))
    assert not [line for line in diagnosed(rig, records) if "camera" in line.split(":")[1]]


def test_one_strange_person_among_others_is_the_person_and_not_the_camera() -> None:
    rig = walker_rig()
    real, other = walk(rig), []
    for one in walk(rig):
        peaks = one.peak_pixels.clone()
        peaks[2, :, 0] += 14  # 130 mm
        other.append(replace(one, person=1, peak_pixels=peaks))
    both = [one for pair in zip(real, other, strict=True) for one in pair]
    people = tuple(
        PersonInfo(person=p, frames=NUM, first_frame=0, last_frame=NUM - 1, limb_lengths_mm={}, shells_mm={})
        for p in (0, 1)
    )
    lines = diagnosed(rig, both, RUN.model_copy(update={"people": people}))
    (line,) = [line for line in lines if "camera" in line and "limb" not in line]
    assert line.startswith("warning: person 1: camera ")


def test_a_fault_shows_in_everybody_and_the_smallest_counts() -> None:
    rig = walker_rig()
    samples = MomentSamples()
    for one in walk(rig):
        samples.add(one)
        samples.add(replace(one, person=1, peak_pixels=one.peak_pixels + 20))
    people = cross_check_people(rig, samples.moments)
    together = combine_people(tuple(people.values()))
    assert sorted(people) == [0, 1]
    assert [view.offset_mm for view in together] == [
        min(people[0][v].offset_mm, people[1][v].offset_mm) for v in range(4)
    ]


@pytest.mark.parametrize("num", [10, MAX_MOMENTS + 1, 5 * MAX_MOMENTS])
def test_a_long_take_is_thinned_over_its_whole_length(num: int) -> None:
    samples, one = MomentSamples(), record(walker_rig(), 0)
    for frame in range(num):
        samples.add(replace(one, frame=frame, time_s=frame / RATE))
    frames = [moment.frame for moment in samples.moments]
    assert len(frames) <= MAX_MOMENTS
    gaps = np.diff([*frames, num])
    assert frames[0] == 0
    assert gaps.max() <= STRETCH * (2 * num / MAX_MOMENTS + 1)
    assert len(frames) > min(num, MAX_MOMENTS) / 2 - 2


def test_moments_that_do_not_follow_one_another_have_no_motion() -> None:
    samples, rig = MomentSamples(), walker_rig()
    for frame in range(0, NUM, 3):
        samples.add(record(rig, frame))
    assert all(bool(torch.isnan(moment.velocity).all()) for moment in samples.moments)
    assert all(math.isnan(check.delay_s) for check in cross_check(rig, samples.moments))


def test_cameras_side_by_side_are_too_close() -> None:
    rig = Rig(tuple(look_at(f"cam{i}", (5000, side * 250, 1400), (0, 0, 900)) for i, side in enumerate((-1, 1))))
    (line,) = [line for line in diagnosed(rig, walk(rig)) if "in depth" in line]
    assert line.startswith("warning: where the person is, one pixel of error in every view means")
    assert "at most 6 degrees apart" in line


LEGS = ("knee", "ankle")
ARMS_AND_HEAD = ("wrist", "elbow", "shoulder", "head", "neck")
NUM_FRAMES = 40


def counted(words: tuple[str, ...], *, shown_in: int, persons: tuple[int, ...] = (0,)) -> Coverage:
    """Return the coverage of records in which person 0 has the named joints only in some frames."""
    coverage = Coverage(MPII16)
    for record in records(words, shown_in=shown_in, persons=persons):
        coverage.add(record)
    return coverage


def records(words, *, shown_in, persons=(0,)):
    hidden = torch.tensor([any(word in joint for word in words) for joint in MPII16.joints])
    return [
        replace(one, supported=~hidden | (one.frame < shown_in) | (one.person > 0))
        for one in make_records(range(NUM_FRAMES), persons)
    ]


@pytest.mark.parametrize(
    ("words", "part"),
    [(LEGS, "upper body only"), (ARMS_AND_HEAD, "lower body only"), (("wrist",), "not the whole body")],
)
def test_findings_say_which_part_of_the_body_is_in_view(words, part):
    (finding,) = counted(words, shown_in=1).findings()
    assert part in finding.message
    assert all(joint in finding.message for joint in MPII16.joints if any(word in joint for word in words))


def test_joints_that_some_frames_show_are_nothing_to_speak_of():
    assert counted(LEGS, shown_in=4).findings() == []
    assert counted(LEGS, shown_in=4).hardly_shown() == {}


def test_what_is_shown_by_chance_is_withdrawn_of_this_person_alone(tmp_path):
    people = (0, 1)
    coverage = counted(LEGS, shown_in=1, persons=people)
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, records_per_part=7) as writer:
        for record in records(LEGS, shown_in=1, persons=people):
            writer.add(record)
        harvest = writer.finish(make_run(NUM_FRAMES), None, coverage.hardly_shown())
    legs = [i for i, joint in enumerate(MPII16.joints) if any(word in joint for word in LEGS)]
    for row in harvest.iter_selected():
        supported = row.annotations.supported
        assert bool(supported[legs].any()) == (row.annotations.person == 1)
        assert not (torch.as_tensor(row.selected) & ~supported).any()
        assert int(supported.sum()) == len(MPII16) - (0 if row.annotations.person else len(legs))
