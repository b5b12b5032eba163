"""Whether frames follow one another: then people stay near their place from frame to frame, else they jump.

The check runs before a harvest from keypoint files, where it costs little. A network would have to search whole
pictures. There the same problem shows after the harvest: people are found in no frame, or in few.
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
_SLACK_MM = 250.0  # allowed change of the middle of the visible joints
_LEAST_PEOPLE = 8  # observations of people needed for an answer
_NEAR = 0.1  # of a person's size in the picture
_NEARLY_ALL = 0.8  # of all people in all pictures
_STAYED = 0.4  # share of people below which the frames do not follow one another


def has_jumps(job: Job) -> bool:
    """Return whether most people jump from frame to frame, in a few rows of frames spread over the footage."""
    if not job.has_keypoints or job.stop - job.options.start < 2:
        return False
    if _people_stay_in_pictures(job):
        return False
    finder = MomentFinder(job.detector, job.capture.rig, is_metric=not job.options.ignore_audit)
    reach = _SLACK_MM + _FASTEST_MM_S / job.capture.frame_rate
    stayed: list[bool] = []
    for start in _starts(job.options.start, job.stop):
        frames = job.frames(start, min(start + _IN_A_ROW, job.stop))
        places = [[one.center for one in finder.find_people(frame)] for frame in frames]
        for before, after in pairwise(places):
            stayed += [_nearest(one, after) < reach for one in before]
    return len(stayed) >= _LEAST_PEOPLE and sum(stayed) < _STAYED * len(stayed)


def _people_stay_in_pictures(job: Job) -> bool:
    """Return whether nearly all people stay at their places in the pictures, which needs no calibration."""
    stayed: list[bool] = []
    for start in _starts(job.options.start, job.stop):
        frames = job.frames(start, min(start + _IN_A_ROW, job.stop))
        candidates = [find_candidates(job.detector, frame, job.capture.rig.at(frame.index)) for frame in frames]
        for before, after in pairwise(candidates):
            stayed += [any(_is_near(one, other) for other in after) for one in before]
    return len(stayed) >= _LEAST_PEOPLE and sum(stayed) >= _NEARLY_ALL * len(stayed)


def _is_near(one: Candidate, other: Candidate) -> bool:
    both = (one.scores > 0) & (other.scores > 0)
    if one.view != other.view or int(both.sum()) < MIN_JOINTS:
        return False
    distance = torch.linalg.vector_norm(one.pixels - other.pixels, dim=-1)[both].median()
    return float(distance) < _NEAR * max(one.side, other.side)


def _starts(start: int, stop: int) -> list[int]:
    """Return the first frame of each row of frames; only one if the footage is short."""
    rows = max(1, min(_PLACES, (stop - start) // _IN_A_ROW))
    return [start + i * (stop - start) // rows for i in range(rows)]


def _nearest(place: Tensor, others: list[Tensor]) -> float:
    """Return the distance of the nearest other place, mm; infinite without any."""
    return min((float(torch.linalg.vector_norm(place - other)) for other in others), default=float("inf"))
