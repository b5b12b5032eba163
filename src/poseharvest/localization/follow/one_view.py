"""Finding and following the most visible person in the pictures of one view, which needs no calibration.

The search is that of several views, and so is the rule for windows: `CROP_SCALE` times the larger extent of the joints,
wider where little is seen. Instead of what views agree on, what counts is how high the peaks of this view rise. Where
furniture looks like somebody no other view contradicts it: finding a person takes more than keeping to one.
"""

from __future__ import annotations

import torch

from poseharvest.arrays import Image
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.localization.find.assign import MAX_MISFIT, misfits
from poseharvest.localization.find.observation import window_scale
from poseharvest.localization.find.scan import Candidate, PictureSearch
from poseharvest.localization.follow.belief import Belief
from poseharvest.localization.follow.pursuit import Pursuit
from poseharvest.localization.limits import (
    CLOSING_SCALES,
    CONFIDENT_PEAK,
    CROP_SCALE,
    MIN_CONFIDENCE,
    MIN_JOINTS,
    MIN_SEEN,
    MIN_SIDE_PX,
)
from poseharvest.localization.partial_pose import PartialPose

MIN_FOUND = 0.4
"""Mean height of the peaks from which a search has found somebody.

The best window of a room without anybody reaches 0.2 to 0.4, with the shipped hourglass now and then 0.5
(`benchmarks/empty_rooms.py`); one that the person has left shows 0.05, seldom 0.2. People have 0.5 to 0.9.
"""

# A foot that was once found at the other one, and is outside of the window that fits, would never be found again: no
# other view shows it. So the look goes through a wider window than the one that is given out.
_LOOK_SCALE = CLOSING_SCALES[1]


class OneViewTracker:
    """Follows the person of whom one view shows most.

    Args:
        detector: the 2D network, or keypoint files.
        view: the camera's name, by which keypoint files are found.
    """

    def __init__(self, detector: HeatmapDetector, view: str) -> None:
        self._detector, self._view = detector, view
        self._pursuit = Pursuit()

    def observe(self, frame: int, image: Image) -> Crop | None:
        """Return the window around the person in the next picture, or None where nobody is seen.

        Somebody who is not seen is waited for, and somebody new looked for now and then.

        Args:
            frame: the picture's number, higher than that of the last call.
            image: (H, W, 3) RGB uint8.
        """
        height, width = image.shape[:2]
        look = PictureSearch(self._detector, image, (height, width), self._view, frame)
        if self._pursuit.is_search_due(frame):
            self._search(look)
        belief = self._pursuit.belief
        if belief is None:
            return None
        seen = self._see(look, belief)
        is_seen = shows_person(seen)
        self._pursuit.learn(frame, _seen_joints(seen), (seen.confidence,), is_poor=not is_seen)
        return self._window(self._pursuit.belief or belief) if is_seen else None

    def _search(self, look: PictureSearch) -> None:
        # Whoever wrote the keypoint files has decided already who is a person.
        least = MIN_CONFIDENCE if isinstance(self._detector, KeypointSource) else MIN_FOUND
        found = next((person for person in look.people() if shows_person(person, least)), None)
        if found is None:
            self._pursuit.find_nobody(look.frame)
        else:
            self._pursuit.find(look.frame, _seen_joints(found), (found.confidence,))

    def _see(self, look: PictureSearch, belief: Belief) -> Candidate:
        """Return what a picture shows in the window, or, of the people who are known, the one nearest to the person."""
        if not isinstance(self._detector, KeypointSource):
            return look.through([self._window(belief, _LOOK_SCALE)])[0]
        people = look.people()
        misfit = misfits(people, belief.points, belief.known) if people else torch.ones(1)
        if float(misfit.min()) < MAX_MISFIT:
            return people[int(misfit.argmin())]
        return Candidate(look.number, belief.points, torch.zeros(len(belief.known)), MIN_SIDE_PX)

    def _window(self, belief: Belief, least_scale: float = CROP_SCALE) -> Crop:
        scale = max(window_scale(self._pursuit.shown), least_scale)
        return crop_around(belief.points[belief.known], scale, MIN_SIDE_PX)


def shows_person(candidate: Candidate, least: float = MIN_CONFIDENCE) -> bool:
    """Return whether somebody is there: enough joints have a peak, and the peaks are `least` high in the mean."""
    peaks = candidate.scores > CONFIDENT_PEAK
    enough = int(peaks.sum()) >= MIN_JOINTS and float(peaks.double().mean()) >= MIN_SEEN
    return enough and candidate.confidence >= least


def _seen_joints(candidate: Candidate) -> PartialPose:
    """Return the joints of a candidate whose peaks are high enough to be the joint."""
    return PartialPose(candidate.pixels, candidate.scores > CONFIDENT_PEAK)
