"""What each view of a capture shows of people, looked at without the others: nothing is known yet of a common clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from poseharvest.capture.capture import Capture
from poseharvest.capture.frames import FrameSource, MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.localization.find.scan import Candidate, PictureSearch
from poseharvest.localization.follow.one_view import OneViewTracker, shows_person
from poseharvest.localization.limits import CONFIDENT_PEAK
from poseharvest.synchronisation.view_joints import Floats, ViewJoints, link_people

_MAX_PEOPLE = 6  # in a picture, the most prominent first


def people_in_views(
    detector: HeatmapDetector,
    source: FrameSource,
    start: int,
    stop: int,
    *,
    on_frame: Callable[[int], None] = lambda frame: None,
) -> tuple[ViewJoints, ...]:
    """Return the joints of the people whom each view shows.

    Keypoint files list everybody. A network follows the person whom a view shows best.

    Args:
        detector: the 2D network, or keypoint files.
        source: the footage; the frames pair pictures by the time stamps alone.
        start: the first frame.
        stop: frame before which to stop.
        on_frame: called with the number of each frame that is done.
    """
    names = source.rig.names
    lookers = [_ViewLooker(detector, name, number) for number, name in enumerate(names)]
    times_s: list[list[float]] = [[] for _ in names]
    people: list[list[list[Floats]]] = [[] for _ in names]
    for frame in source.frames(start, stop):
        for view, looker in enumerate(lookers):
            if frame.number(view) >= 0:
                times_s[view].append(_own_time_s(source, frame, view))
                people[view].append(looker.look(frame))
        on_frame(frame.index)
    num_joints = len(detector.skeleton)
    linked = [link_people(shown, num_joints, 3) for shown in people]
    return tuple(
        ViewJoints(name, np.asarray(times), joints[..., :2], joints[..., 2])
        for name, times, joints in zip(names, times_s, linked, strict=True)
    )


def _own_time_s(source: FrameSource, frame: MultiViewFrame, view: int) -> float:
    """Return the time of a view's picture from the start of the capture, as its own time stamp says, seconds."""
    if isinstance(source, Capture):
        return float(source.views[view].times_s[frame.number(view)]) - source.timeline.start_s
    return frame.time_s


class _ViewLooker:
    """Looks at the pictures of one view, one after the other."""

    def __init__(self, detector: HeatmapDetector, view: str, number: int) -> None:
        self._detector, self._view, self._number = detector, view, number
        self._tracker = None if isinstance(detector, KeypointSource) else OneViewTracker(detector, view)

    def look(self, frame: MultiViewFrame) -> list[Floats]:
        """Return the people (J, 3), pixels and scores, in the view's picture; NaN for joints that it does not show."""
        image, picture = frame.images[self._number], frame.number(self._number)
        size = (1, 1) if image is None else image.shape[:2]
        search = PictureSearch(self._detector, image, size, self._view, frame.index, self._number, picture)
        if self._tracker is None:
            people = sorted(search.people(), key=lambda person: -person.side * person.confidence)
            return [_confident_joints(person) for person in people[:_MAX_PEOPLE]]
        crop = None if image is None else self._tracker.observe(frame.index, image)
        people_near = [] if crop is None else search.look_through([crop])
        return [_confident_joints(person) for person in people_near if shows_person(person)]


def confident_pixels(person: Candidate) -> Floats:
    """Return the (J, 2) pixels of a person's joints; NaN for those of which the detector is not sure."""
    known = (person.scores > CONFIDENT_PEAK).unsqueeze(-1)
    pixels: Floats = torch.where(known, person.pixels.double(), torch.nan).numpy()
    return pixels


def _confident_joints(person: Candidate) -> Floats:
    """Return (J, 3) pixels and scores of a person's joints; NaN for those of which the detector is not sure."""
    pixels = confident_pixels(person)
    scores = np.where(np.isfinite(pixels[:, :1]), person.scores.double().numpy()[:, None], np.nan)
    return np.concatenate((pixels, scores), 1)
