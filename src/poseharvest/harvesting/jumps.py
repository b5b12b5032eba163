"""Whether frames follow one another: people stay about where they were a moment ago, or everybody jumps.

Asked before a harvest where the detector knows its people, so that it costs little; a network would have to search
whole pictures for them. There the same shows afterwards: nobody is found, or in few frames.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from poseharvest.harvesting.job import Job
from poseharvest.localization.find.moment_finder import MomentFinder
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.limits import MIN_JOINTS

_PLACES, _IN_A_ROW = 5, 5
_FASTEST_MM_S = 4000.0  # a person who runs
_SLACK_MM = 250.0  # by which the middle of the joints that are seen may differ
_LEAST_PEOPLE = 8  # of whom it must be known whether they stayed
_NEAR = 0.1  # of somebody's size in the picture
_NEARLY_ALL = 0.8  # of all people in all pictures
_STAYED = 0.4  # share of people below which the frames do not follow one another


def jumps(job: Job) -> bool:
    """Return whether everybody jumps from frame to frame, in a few rows of frames spread over the footage."""
    if not job.has_keypoints or job.stop - job.options.start < 2:
        return False
    if _stay_in_the_pictures(job):
        return False
    finder = MomentFinder(job.detector, job.capture.rig, is_metric=not job.options.ignore_audit)
    reach = _SLACK_MM + _FASTEST_MM_S / job.capture.frame_rate
    stayed: list[bool] = []
    for start in _starts(job.options.start, job.stop):
        frames = job.capture.frames(start, min(start + _IN_A_ROW, job.stop))
        places = [[one.center for one in finder.find_people(frame)] for frame in frames]
        for before, after in pairwise(places):
            stayed += [_nearest(one, after) < reach for one in before]
    return len(stayed) >= _LEAST_PEOPLE and sum(stayed) < _STAYED * len(stayed)


def _stay_in_the_pictures(job: Job) -> bool:
    """Return whether next to everybody is where they were a frame ago in the pictures, which needs no space to say."""
    stayed: list[bool] = []
    for start in _starts(job.options.start, job.stop):
        frames = job.capture.frames(start, min(start + _IN_A_ROW, job.stop))
        seen = [find_candidates(job.detector, frame, job.capture.rig.at(frame.index)) for frame in frames]
        for before, after in pairwise(seen):
            stayed += [any(_is_near(one, other) for other in after) for one in before]
    return len(stayed) >= _LEAST_PEOPLE and sum(stayed) >= _NEARLY_ALL * len(stayed)


def _is_near(one: Candidate, other: Candidate) -> bool:
    both = (one.scores > 0) & (other.scores > 0)
    if one.view != other.view or int(both.sum()) < MIN_JOINTS:
        return False
    distance = torch.linalg.vector_norm(one.pixels - other.pixels, dim=-1)[both].median()
    return float(distance) < _NEAR * max(one.side, other.side)


def _starts(start: int, stop: int) -> list[int]:
    """Return where rows of frames begin; one row where the footage is short."""
    rows = max(1, min(_PLACES, (stop - start) // _IN_A_ROW))
    return [start + i * (stop - start) // rows for i in range(rows)]


def _nearest(place: Tensor, others: list[Tensor]) -> float:
    """Return how far the nearest of the others is, mm; infinite without any."""
    return min((float(torch.linalg.vector_norm(place - other)) for other in others), default=float("inf"))
