"""Finding whom the user wants followed: everybody is followed from the start, until it is known who that is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from poseharvest.errors import ConfigError
from poseharvest.harvesting.annotate import batched
from poseharvest.harvesting.input_checks import nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.localization.follow.people_tracker import PeopleTracker
from poseharvest.localization.follow.whom_to_follow import FirstSeen, Mark, parse_follow, place_of
from poseharvest.localization.sighting import FrameSightings, Sighting

_PATIENCE_S = 0.5  # how long after a mark's frame the person may be seen there for the first time


def find_followed(job: Job) -> FirstSeen | None:
    """Return where the person whom the options name is seen first; None if they name nobody.

    Raises:
        ConfigError: the options name a view that is not there, or a place where nobody is.
        NobodyFoundError: nobody is seen at all.
    """
    if job.options.follow is None:
        return None
    mark = parse_follow(job.options.follow)
    return _longest(job) if mark is None else _marked(job, mark)


def _longest(job: Job) -> FirstSeen:
    firsts: dict[int, FirstSeen] = {}
    frames = Counter[int]()
    for moment in _everybody(job, job.stop):
        for one in moment.sightings:
            if one.sighting.pose.num_known:
                firsts.setdefault(one.track, place_of(one.sighting))
                frames[one.track] += 1
    if not firsts:
        raise nobody_found_error(job)
    return firsts[max(firsts, key=lambda track: (frames[track], -track))]


def _marked(job: Job, mark: Mark) -> FirstSeen:
    names = job.capture.rig.names
    if mark.view not in names:
        raise ConfigError(f'follow: expected one of the views {", ".join(names)}, got "{mark.view}"')
    view, frame = names.index(mark.view), job.options.start if mark.frame is None else mark.frame
    if not job.options.start <= frame < job.stop:
        raise ConfigError(f"follow: expected a frame from {job.options.start} to {job.stop - 1}, got {frame}")
    firsts: dict[int, FirstSeen] = {}
    others: list[Sighting] = []
    last = min(job.stop, frame + 1 + round(_PATIENCE_S * job.capture.frame_rate))
    for moment in _everybody(job, last):
        fits = {}
        for one in moment.sightings:
            if one.sighting.pose.num_known:
                firsts.setdefault(one.track, place_of(one.sighting))
                fits[one.track] = mark.misfit(one.sighting, view)
        if moment.frame < frame:
            continue
        best = min(fits, key=fits.__getitem__, default=None)
        if best is not None and fits[best] < math.inf:
            return firsts[best]
        others = others or [one.sighting for one in moment.sightings if one.sighting.pose.num_known]
    raise ConfigError(f"follow: {job.options.follow}: {_who_is_there(others, view, frame)}")


def _who_is_there(sightings: list[Sighting], view: int, frame: int) -> str:
    if not sightings:
        return f"nobody is seen in frame {frame} or shortly after it: name another frame (@FRAME)"
    middles = [one.cameras[view].project(one.pose.middle).pixels.tolist() for one in sightings]
    listed = " and ".join(f"{x:.0f},{y:.0f}" for x, y in middles)
    return f"nobody is at this place in frame {frame}: the middles of those who are seen lie at {listed}"


def _everybody(job: Job, stop: int) -> Iterator[FrameSightings]:
    tracker = PeopleTracker(job.detector, job.capture.rig)
    for together in batched(job.frames(job.options.start, stop), job.frames_together):
        yield from tracker.observe(together)
        job.report(job.options.start, f"looking for the person to follow, frame {together[-1].index}")
