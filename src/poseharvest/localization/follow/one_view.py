"""Finding and following the most visible person in the pictures of one view, which needs no calibration.

The search and the rule for windows are those of several views: `CROP_SCALE` times the larger extent of the joints,
wider where little is seen. The height of the peaks takes the place of the agreement of views. No other view can
contradict furniture that looks like a person. Therefore finding a person takes higher peaks than following one.
"""

from __future__ import annotations

import torch

from poseharvest.arrays import Image
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.crop import Crop, crop_around
from poseharvest.localization.find.assign import MAX_MISFIT, misfits
from poseharvest.localization.find.observation import window_scale
from poseharvest.localization.find.scan import Candidate, PictureSearch
from poseharvest.localization.follow.one_person import Belief, Pursuit
from poseharvest.localization.limits import (
    CLOSING_SCALES,
    CONFIDENT_PEAK,
    CROP_SCALE,
    MIN_CONFIDENCE,
    MIN_JOINTS,
    MIN_KNOWN,
    MIN_SIDE_PX,
)
from poseharvest.localization.sighting import PartialPose

MIN_FOUND = 0.4
"""Mean height of the peaks from which a search has found a person.

The best window of an empty room reaches 0.2 to 0.4, with the shipped hourglass sometimes 0.5
(`benchmarks/empty_rooms.py`). A window that the person has left shows 0.05, seldom 0.2. People have 0.5 to 0.9.
"""

# If a foot was once found at the other foot, a window that fits may cut it off. It would then never be found again,
# since no other view shows it. So the network looks through a wider window than the one that is returned.
_LOOK_SCALE = CLOSING_SCALES[1]


class OneViewTracker:
    """Follows the person whom one view shows best.

    Args:
        detector: the 2D network, or keypoint files.
        view: the camera's name, by which keypoint files are found.
    """

    def __init__(self, detector: HeatmapDetector, view: str) -> None:
        self._detector, self._view = detector, view
        self._pursuit = Pursuit()

    def observe(self, frame: int, image: Image) -> Crop | None:
        """Return the window around the person in the next picture, or None where the person is not seen.

        While the person is not seen, the tracker waits for them and searches for another one at intervals.

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
        candidate = self._observe_person(look, belief)
        is_seen = shows_person(candidate)
        self._pursuit.learn(frame, _confident_joints(candidate), (candidate.confidence,), is_poor=not is_seen)
        return self._window(self._pursuit.belief or belief) if is_seen else None

    def _search(self, look: PictureSearch) -> None:
        # In keypoint files the decision of what is a person has already been made.
        least = MIN_CONFIDENCE if isinstance(self._detector, KeypointSource) else MIN_FOUND
        candidate = next((person for person in look.people() if shows_person(person, least)), None)
        if candidate is None:
            self._pursuit.record_failed_search(look.frame)
        else:
            self._pursuit.find(look.frame, _confident_joints(candidate), (candidate.confidence,))

    def _observe_person(self, look: PictureSearch, belief: Belief) -> Candidate:
        """Return what the network sees in the person's window, or the listed person nearest to the belief."""
        if not isinstance(self._detector, KeypointSource):
            return look.look_through([self._window(belief, _LOOK_SCALE)])[0]
        people = look.people()
        misfit = misfits(people, belief.points, belief.known) if people else torch.ones(1)
        if float(misfit.min()) < MAX_MISFIT:
            return people[int(misfit.argmin())]
        return Candidate(look.number, belief.points, torch.zeros(len(belief.known)), MIN_SIDE_PX)

    def _window(self, belief: Belief, least_scale: float = CROP_SCALE) -> Crop:
        scale = max(window_scale(self._pursuit.visibility), least_scale)
        return crop_around(belief.points[belief.known], scale, MIN_SIDE_PX)


def shows_person(candidate: Candidate, least: float = MIN_CONFIDENCE) -> bool:
    """Return whether a candidate is a person: enough joints have a peak, and the mean height is at least `least`."""
    peaks = candidate.scores > CONFIDENT_PEAK
    enough = int(peaks.sum()) >= MIN_JOINTS and float(peaks.double().mean()) >= MIN_KNOWN
    return enough and candidate.confidence >= least


def _confident_joints(candidate: Candidate) -> PartialPose:
    """Return the joints of a candidate that have a high peak."""
    return PartialPose(candidate.pixels, candidate.scores > CONFIDENT_PEAK)
