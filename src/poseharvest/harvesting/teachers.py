"""The frames from which the one person's limbs are learned: the first ones, and stretches spread over the capture.

A person who first sits behind a chair shows their legs later. Keypoint files can be read quickly at any place. A
network must search for the person in every stretch, which takes as long as harvesting a hundred frames. So it searches
further only if the first frames leave limbs unknown. The person found in a stretch may be another one. Therefore a
stretch counts only if its limbs are as long as those of the first frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from poseharvest.harvesting.annotate import batched
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import person_tracker
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import LEAST_LIMBS, SAME_BODY, Sightings
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.limb_estimation import Measured

_PLACES = (0.25, 0.5, 0.75)  # of the frames after the first ones
_SHARE = 8  # number of first frames over that of a stretch
_LEAST_FRAMES = 3

Limbs = Mapping[tuple[str, str], Measured]


@dataclass(frozen=True, eq=False)
class _JoinedSightings:
    """The sightings of several stretches, one after the other."""

    parts: tuple[Sightings, ...]

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int, /) -> Sighting:
        if not 0 <= index < len(self):
            raise IndexError(index)
        for part in self.parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        raise IndexError(index)


def collect_teachers(job: Job, first: Sightings, more: SightingSpool) -> Sightings:
    """Return the sightings from which to learn the limbs.

    Args:
        job: the harvest.
        first: sightings of its first frames, one or more.
        more: empty; the sightings of the other stretches are added to it.
    """
    stretches = _stretches(first[len(first) - 1].frame + 1, job.stop, job.options.warm_up_frames)
    if not stretches or job.limb_lengths is not None:
        return first
    known = job.learner.measure_rough_limbs(first)
    if not _is_worth_it(job, known):
        return first
    for stretch in stretches:
        job.report(job.options.start, f"looking at the subject, frame {stretch.start}")
        sightings = _follow_person(job, stretch)
        if len(sightings) >= _LEAST_FRAMES and is_same_body(known, job.learner.measure_rough_limbs(sightings)):
            for sighting in sightings:
                more.append(sighting)
    return _JoinedSightings((first, more))


def is_same_body(known: Limbs, others: Limbs) -> bool:
    """Return whether limbs measured in two places can be the same person's: the median difference is small."""
    common = [limb for limb, one in known.items() if one.is_certain and limb in others and others[limb].is_certain]
    if len(common) < LEAST_LIMBS:
        return False
    return median(abs(math.log(others[limb].mm / known[limb].mm)) for limb in common) < SAME_BODY


def _is_worth_it(job: Job, known: Limbs) -> bool:
    if job.has_keypoints:
        return True
    limbs = {(limb.parent, limb.child) for limb in job.detector.skeleton.limbs}
    return any(limb not in known or not known[limb].is_certain for limb in limbs)


def _stretches(start: int, stop: int, first_look: int) -> Sequence[range]:
    """Return stretches of frames spread over the rest of a capture; none if few frames remain.

    >>> _stretches(64, 1000, 128)
    [range(298, 314), range(532, 548), range(766, 782)]
    >>> _stretches(64, 100, 128)
    []
    """
    length = max(_LEAST_FRAMES, first_look // _SHARE)
    if stop - start < len(_PLACES) * length:
        return []
    begins = [start + int(place * (stop - start)) for place in _PLACES]
    return [range(begin, min(begin + length, stop)) for begin in begins]


def _follow_person(job: Job, stretch: range) -> list[Sighting]:
    """Return the sightings of the person in a stretch of the capture, found anew."""
    tracker, sightings = person_tracker(job), list[Sighting]()
    frames = job.frames(stretch.start, stretch.stop)
    for together in batched(frames, job.frames_together):
        sightings += tracker.observe(together)
    return sightings
