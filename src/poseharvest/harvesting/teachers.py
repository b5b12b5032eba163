"""The frames from which the one person's limbs are learned: the first, and stretches from all over the take.

Somebody who sits behind a chair at first shows their legs later. Keypoint files are quickly read anywhere; a network
must search for the person in every stretch, which takes as long as harvesting a hundred frames, so it looks further
only where the first frames leave limbs unknown. Who is found elsewhere in the take may be somebody else: a stretch
counts if its limbs are as long as those of the first frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from poseharvest.harvesting.inference_batches import batched
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import person_tracker
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import Sightings
from poseharvest.localization.follow.one_person import batch_length
from poseharvest.localization.sighting import Sighting
from poseharvest.pictorial.limb_estimation import Measured

_PLACES = (0.25, 0.5, 0.75)  # of what the first frames leave of the take
_SHARE = 4  # a stretch has so many times fewer frames than the first look
_LEAST_FRAMES = 3
_LEAST_LIMBS = 3  # in common with the first frames
_SAME_BODY = 0.06  # of the logarithm of a length

Limbs = Mapping[tuple[str, str], Measured]


@dataclass(frozen=True, eq=False)
class _Together:
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


def teachers(job: Job, first: Sightings, more: SightingSpool) -> Sightings:
    """Return the sightings from which the limbs are to be learned.

    Args:
        job: the harvest.
        first: of its first frames, one or more.
        more: takes the sightings of the other stretches.
    """
    stretches = _stretches(first[len(first) - 1].frame + 1, job.stop, job.options.warm_up_frames)
    if not stretches or job.limb_lengths is not None:
        return first
    known = job.learner.rough_limbs(first)
    if not _is_worth_it(job, known):
        return first
    for stretch in stretches:
        job.report(job.options.start, f"looking at the subject, frame {stretch.start}")
        seen = _followed(job, stretch)
        if len(seen) >= _LEAST_FRAMES and is_same_body(known, job.learner.rough_limbs(seen)):
            for sighting in seen:
                more.append(sighting)
    return _Together((first, more))


def is_same_body(known: Limbs, others: Limbs) -> bool:
    """Return whether limbs that were measured in two places can be one person's: alike in most that both show."""
    common = [limb for limb, one in known.items() if one.is_certain and limb in others and others[limb].is_certain]
    if len(common) < _LEAST_LIMBS:
        return False
    return median(abs(math.log(others[limb].mm / known[limb].mm)) for limb in common) < _SAME_BODY


def _is_worth_it(job: Job, known: Limbs) -> bool:
    if job.has_keypoints:
        return True
    limbs = {(limb.parent, limb.child) for limb in job.detector.skeleton.limbs}
    return any(limb not in known or not known[limb].is_certain for limb in limbs)


def _stretches(start: int, stop: int, first_look: int) -> Sequence[range]:
    """Return frames from all over a take after its first look; none where little is left.

    >>> _stretches(64, 1000, 64)
    [range(298, 314), range(532, 548), range(766, 782)]
    >>> _stretches(64, 100, 64)
    []
    """
    length = max(_LEAST_FRAMES, first_look // _SHARE)
    if stop - start < len(_PLACES) * length:
        return []
    begins = [start + int(place * (stop - start)) for place in _PLACES]
    return [range(begin, min(begin + length, stop)) for begin in begins]


def _followed(job: Job, stretch: range) -> list[Sighting]:
    """Return what the views show of the person in a stretch of the take, found anew."""
    tracker, seen = person_tracker(job), list[Sighting]()
    frames = job.capture.frames(stretch.start, stretch.stop)
    for together in batched(frames, batch_length(job.capture.frame_rate)):
        seen += tracker.observe(together)
    return seen
