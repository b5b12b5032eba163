"""Limb lengths against hand-worked poses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.histogram import RELATIVE_ERROR
from poseharvest.diagnosis.limbs import LimbSummary, LimbTally
from poseharvest.diagnosis.spread import side_of_joint, side_of_limb
from poseharvest.skeleton.skeleton import Skeleton, limbs

CHAIN = Skeleton(
    "chain",
    ("hip", "left_knee", "right_knee"),
    limbs("hip-left_knee", "hip-right_knee"),
    (("left_knee", "right_knee"),),
)


def frame(left_mm: float, right_mm: float, *, sees_right: bool = True) -> FrameAnnotations:
    mean = torch.zeros(3, 3, dtype=torch.float64)
    mean[1] = torch.tensor([0.6, 0.8, 0.0]) * left_mm  # a 3-4-5 triangle
    mean[2, 2] = right_mm
    return FrameAnnotations(
        frame=0,
        time_s=0.0,
        person=0,
        mean=mean,
        cov=torch.eye(3, dtype=torch.float64).expand(3, 3, 3),
        supported=torch.tensor([True, True, sees_right]),
        log_evidence=0.0,
        pixels=torch.zeros(1, 3, 2, dtype=torch.float64),
        inside=torch.ones(1, 3, dtype=torch.bool),
        score=torch.zeros(1, 3, dtype=torch.float64),
        peak_pixels=torch.zeros(1, 3, 2, dtype=torch.float64),
        peak_score=torch.zeros(1, 3, dtype=torch.float64),
        crops=(None,),
    )


def summarise(frames: list[FrameAnnotations], estimates: dict[str, float]) -> tuple[LimbSummary, ...]:
    tally = LimbTally(CHAIN)
    for one in frames:
        tally.add(one)
    return tally.summary(estimates)


def test_lengths_of_right_triangles() -> None:
    left, right = summarise([frame(400, 390), frame(410, 395), frame(420, 500)], {"hip-left_knee": 410.0})
    assert left.measured.median == pytest.approx(410, rel=2 * RELATIVE_ERROR)
    assert (left.measured.low, left.measured.high) == pytest.approx((400, 420))
    assert right.measured.high == pytest.approx(500)
    assert math.isnan(right.estimated_mm)
    assert left.mirrored_median_mm == right.measured.median


def test_a_frame_that_lacks_a_joint_is_left_out() -> None:
    _, right = summarise([frame(400, 390), frame(400, 9999, sees_right=False)], {})
    assert right.measured.num == 1
    assert right.measured.high == pytest.approx(390)


def test_a_sound_limb_has_no_flags() -> None:
    left, right = summarise([frame(400, 402)] * 3, {"hip-left_knee": 401.0, "hip-right_knee": 401.0})
    assert left.flags == right.flags == ()


@pytest.mark.parametrize(
    ("frames", "estimate", "words"),
    [
        ([frame(400, 400)], 430.0, "median −30 mm from the estimate"),
        ([frame(400, 350)], 400.0, "+50 mm against the other side"),
        ([frame(x, 400) for x in (340, 380, 400, 420, 460)], 400.0, "length varies by 40 mm"),
    ],
)
def test_flags_say_what_is_wrong(frames: list[FrameAnnotations], estimate: float, words: str) -> None:
    left, _ = summarise(frames, {"hip-left_knee": estimate})
    if "varies" in words:
        assert left.flags == ()  # the middle half, 380 to 420, is exactly ten percent
        left, _ = summarise([replace(f, mean=f.mean * (1 + 0.1 * k)) for k, f in enumerate(frames)], {})
        assert any("length varies" in flag for flag in left.flags)
    else:
        assert words in left.flags


def test_lengths_of_a_harvest_equal_those_of_its_columns(harvest: Harvest) -> None:
    tally = LimbTally(harvest.skeleton)
    means, supported = [], []
    for row in harvest.iter_frames():
        tally.add(row)
        means.append(row.mean.numpy())
        supported.append(row.supported.numpy())
    points, mask = np.stack(means), np.stack(supported)
    for summary in tally.summary(harvest.info.limb_lengths_mm):
        a, b = harvest.skeleton.index(summary.limb.parent), harvest.skeleton.index(summary.limb.child)
        lengths = np.sort(np.linalg.norm(points[:, a] - points[:, b], axis=1)[mask[:, a] & mask[:, b]])
        assert summary.measured.num == len(lengths)
        assert summary.measured.median == pytest.approx(
            lengths[int(np.ceil(0.5 * len(lengths))) - 1], rel=2 * RELATIVE_ERROR
        )


def test_sides_come_from_the_flip_pairs() -> None:
    assert [side_of_joint(CHAIN, name) for name in CHAIN.joints] == ["middle", "left", "right"]
    assert [side_of_limb(CHAIN, limb) for limb in CHAIN.limbs] == ["left", "right"]
