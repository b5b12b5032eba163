"""Who else is in the pictures, where one person is harvested and nobody has said whom.

The harvest takes the person whom the views see best. Beside somebody who is seen nearly as well that is a guess, and
the user must hear of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from poseharvest.findings import Finding
from poseharvest.harvesting.job import Job
from poseharvest.localization.find.moment_finder import MomentFinder
from poseharvest.localization.follow.whom_to_follow import mark_of
from poseharvest.localization.sighting import Sighting

_FRAMES_BY_KEYPOINTS, _FRAMES_BY_NETWORK = 12, 3
_WORTH_A_SEARCH = 1000  # frames: a network searches whole pictures, which takes it as long as 50 frames
_NEARLY_AS_WELL = 0.6  # of what the views show of the person whom they see best
_OFTEN = 0.5  # share of the frames


def people_beside(job: Job) -> list[Finding]:
    """Return a warning if somebody else is seen nearly as well as the person, in half of a few frames.

    With a network only long footage is looked at, since the search costs time.

    Args:
        job: a harvest of one person, in frames that follow one another.
    """
    numbers = _frames(job)
    if not numbers or job.options.follow is not None or job.boxes is not None or job.options.ignore_audit:
        return []
    finder = MomentFinder(job.detector, job.capture.rig, max_people=2)
    crowded: list[Sequence[Sighting]] = []
    for number in numbers:
        for frame in job.frames(number, number + 1):
            people = finder.find_people(frame)
            if len(people) > 1 and people[1].peak_sum >= _NEARLY_AS_WELL * people[0].peak_sum:
                crowded.append(people)
    if not crowded or len(crowded) < _OFTEN * len(numbers):
        return []
    return [Finding("warning", "another person", _message(crowded[0]))]


def _frames(job: Job) -> list[int]:
    start, length = job.options.start, job.stop - job.options.start
    if not job.has_keypoints and length < _FRAMES_BY_NETWORK * _WORTH_A_SEARCH:
        return []
    wanted = min(_FRAMES_BY_KEYPOINTS if job.has_keypoints else _FRAMES_BY_NETWORK, length)
    return [start + (2 * i + 1) * length // (2 * wanted) for i in range(wanted)]


def _message(people: Sequence[Sighting]) -> str:
    return (
        f"two people are seen nearly equally well{_marks(people)}: look in the report whether it is the right one; "
        "name the person (--follow), or harvest both (--people all)"
    )


def _marks(people: Sequence[Sighting]) -> str:
    """Return where the two are, in the view in which they are farthest apart."""
    apart: dict[str, float] = {}
    for view, camera in enumerate(people[0].cameras):
        marks = [mark_of(one, view) for one in people]
        if all(marks):
            first, second = (camera.project(one.pose.middle).pixels for one in people)
            apart[f", {marks[0]} and {marks[1]}"] = float((first - second).norm())
    return max(apart, key=apart.__getitem__, default=f" in frame {people[0].frame}")
