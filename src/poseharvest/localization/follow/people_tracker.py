"""Following several people through a capture: each found where two views agree, told apart, and given up when gone.

All people of a frame are followed together: what is one person's cannot be another's. Keypoints are shared out among
them by their distances to where each is expected (`assign`); the heatmaps of a network are cut per person and cleared
of the others (`tell_apart`). What is left over may be somebody new, who counts after a few frames.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.heatmaps.peaks import heatmap_peaks
from poseharvest.localization.find.assign import assign
from poseharvest.localization.find.look_again import is_person, look_again, looked_at
from poseharvest.localization.find.match_views import group
from poseharvest.localization.find.observation import Observation, observations, window_scale
from poseharvest.localization.find.person_windows import (
    detect_views,
    drawn_keypoints,
    network_candidates,
    shows_enough,
    windows_on,
)
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.find.tell_apart import share_taken_out, told_apart
from poseharvest.localization.follow.track import Track, related
from poseharvest.localization.limits import MIN_CONFIDENCE, NOT_NEW_MM, PERSON_MM
from poseharvest.localization.partial_pose import PartialPose, distance_from_all
from poseharvest.localization.sighting import FrameSightings, Sighting, TrackedSighting

_logger = logging.getLogger(__name__)

_SEARCH_EVERY_FRAMES = 10
_OVERLAPPED = 0.2  # of the peaks in a person's windows, that are taken out as other people's

Cameras = tuple[StaticCamera, ...]


class PeopleTracker:
    """Follows everybody whom two views agree on.

    Args:
        detector: the 2D network, or a source of keypoints.
        rig: the cameras.
        most: people to follow at once; None follows all.
    """

    def __init__(self, detector: HeatmapDetector, rig: Rig, most: int | None = None) -> None:
        self._detector, self._rig, self._most = detector, rig, most
        self._tracks: list[Track] = []
        self._num_begun = 0
        self._next_search = 0

    def observe(self, frames: Sequence[MultiViewFrame]) -> list[FrameSightings]:
        """Return who is seen in the next frames.

        Frames of which fewer than two views have a picture say nothing: nobody is seen in them, and nobody is lost.

        Args:
            frames: one or more moments that follow each other and those of the last call, within a short time
                (`track.batch_length`): a network looks at all of them through windows that are laid beforehand.
        """
        if isinstance(self._detector, KeypointSource):
            return [self._by_keypoints(self._detector, frame) for frame in frames]
        known = [frame for frame in frames if shows_enough(self._detector, frame)]
        found = {moment.frame: moment for moment in self._by_heatmaps(known)} if known else {}
        return [found.get(frame.index) or self._unknown(frame.index) for frame in frames]

    def _unknown(self, frame: int) -> FrameSightings:
        """Return the moment of a frame that says nothing."""
        numbers = frozenset(track.number for track in self._tracks)
        confirmed = frozenset(track.number for track in self._tracks if track.is_confirmed)
        return FrameSightings(frame, (), numbers, confirmed)

    def _by_keypoints(self, source: KeypointSource, frame: MultiViewFrame) -> FrameSightings:
        cameras = self._rig.at(frame.index)
        found = find_candidates(self._detector, frame, cameras)
        shared = assign(found, cameras, self._expected(frame.index))
        seen = self._observe(shared.members, cameras)
        self._take_in(seen, frame)
        members = {track.number: got for track, got in zip(self._tracks, shared.members, strict=True)}
        left = group(shared.left, cameras)
        for got, one in zip(left, self._observe(left, cameras), strict=True):
            track = self._begin(one, frame)
            if track is not None:
                members[track.number], seen = got, [*seen, one]
        maps = [drawn_keypoints(self._detector, source, t.belief, members[t.number], cameras) for t in self._tracks]
        return self._moment(frame, cameras, maps, seen)

    def _by_heatmaps(self, frames: Sequence[MultiViewFrame]) -> list[FrameSightings]:
        if frames[0].index >= self._next_search and self._has_room:
            self._next_search = frames[0].index + _SEARCH_EVERY_FRAMES
            self._search(frames[0], self._rig.at(frames[0].index))
        asked = [(frame, track) for frame in frames for track in self._tracks]
        cameras = {frame.index: self._rig.at(frame.index) for frame in frames}
        crops = [self._windows(track, frame.index, cameras[frame.index]) for frame, track in asked]
        whole = detect_views(self._detector, [frame for frame, _ in asked], self._rig.at(frames[0].index), crops)
        maps = {(frame.index, track.number): one for (frame, track), one in zip(asked, whole, strict=True)}
        moments = []
        for frame in frames:
            static = cameras[frame.index]
            whole = [maps[frame.index, t.number] for t in self._tracks]
            own = self._told_apart(whole, frame.index, static)
            overlapped = {
                track.number
                for track, before, after in zip(self._tracks, whole, own, strict=True)
                if share_taken_out(before, after) >= _OVERLAPPED
            }
            members = [network_candidates(one) for one in own]
            seen = self._observe(members, static)
            self._take_in(seen, frame)
            moments.append(self._moment(frame, static, own, seen, overlapped))
        return moments

    def _windows(self, track: Track, frame: int, cameras: Cameras) -> tuple[Crop | None, ...]:
        person, scale = track.expected(frame), window_scale(track.shown)
        return windows_on(self._detector.skeleton, person, cameras, scale)

    def _told_apart(self, maps: Sequence[Heatmaps], frame: int, cameras: Cameras) -> list[Heatmaps]:
        expected = self._expected(frame)
        sure = [person for track, person in zip(self._tracks, expected, strict=True) if track.is_confirmed]
        return [
            # Who is not yet somebody takes nothing from those who are.
            told_apart(one, person, [o for o in (sure or expected) if o is not person], cameras)
            for one, person in zip(maps, expected, strict=True)
        ]

    def _search(self, frame: MultiViewFrame, cameras: Cameras) -> None:
        """PictureSearch for people who are not followed yet; of whom most is shown first, so that chance comes last.

        Two views must show as much of somebody new as makes a window worth a closer look, twice of what keeps them.
        """
        known = self._expected(frame.index)
        left = assign(find_candidates(self._detector, frame, cameras), cameras, known).left
        for matched, first_seen in looked_at(self._detector, frame, cameras, group(left, cameras), known):
            now = self._expected(frame.index)
            seen: Observation | None = first_seen
            if len(now) > len(known):
                # From where they were matched, and without the peaks of those who were begun since: a look that knows
                # nothing of somebody near by drifts onto them.
                seen = look_again(self._detector, frame, cameras, matched, now)
            if seen is not None and seen.shown[1] >= MIN_CONFIDENCE:
                self._begin(seen, frame)

    def _expected(self, frame: int) -> list[PartialPose]:
        return [track.expected(frame) for track in self._tracks]

    def _observe(self, members: Sequence[Sequence[Candidate]], cameras: Cameras) -> list[Observation]:
        return observations(members, [cameras] * len(members), len(self._detector.skeleton))

    @property
    def _has_room(self) -> bool:
        return self._most is None or sum(track.is_confirmed for track in self._tracks) < self._most

    def _begin(self, seen: Observation, frame: MultiViewFrame) -> Track | None:
        """Follow somebody new, if that is what this is."""
        if not (is_person(seen.pose) and seen.is_seen and self._has_room):
            return None
        track = Track.begin(self._num_begun, seen, frame.index, frame.time_s)
        low, high = PERSON_MM
        beliefs = [other.belief for other in self._tracks]
        if distance_from_all(track.belief, beliefs) < NOT_NEW_MM or not low < track.belief.extent < high:
            return None
        self._num_begun += 1
        self._tracks.append(track)
        _logger.info("frame %d: somebody new, track %d", frame.index, track.number)
        return track

    def _take_in(self, seen: Sequence[Observation], frame: MultiViewFrame) -> None:
        self._tracks = related([
            track if track.frame == frame.index else track.observed(one, frame.index, frame.time_s)
            for track, one in zip(self._tracks, seen, strict=True)
        ])

    def _moment(
        self,
        frame: MultiViewFrame,
        cameras: Cameras,
        maps: Sequence[Heatmaps],
        observed: Sequence[Observation],
        overlapped: Collection[int] = (),
    ) -> FrameSightings:
        """Return who is seen, and give up those who are gone."""
        seen = []
        for track, one, what in zip(self._tracks, maps, observed, strict=True):
            if what.is_seen and any(crop is not None for crop in one.crops):
                peaks = heatmap_peaks(one.values, one.crops)
                sighting = Sighting(frame.index, frame.time_s, cameras, one, peaks, what.pose, track.belief.middle)
                hidden = track.number in overlapped
                seen.append(TrackedSighting(track.number, sighting, track.confused_with, hidden))
        shown = {one.track for one in seen}
        doubles = frozenset(track.number for track in self._tracks if track.is_double)
        self._tracks = self._within_limit([
            replace(track, confused_with=frozenset()) if track.number in shown else track
            for track in self._tracks
            if not track.is_over(frame.time_s)
        ])
        alive = frozenset(track.number for track in self._tracks)
        confirmed = frozenset(track.number for track in self._tracks if track.is_confirmed)
        return FrameSightings(frame.index, tuple(seen), alive, confirmed, doubles)

    def _within_limit(self, tracks: list[Track]) -> list[Track]:
        """Drop those who were found last where there are more than wanted."""
        if self._most is None or sum(track.is_confirmed for track in tracks) < self._most:
            return tracks
        return [track for track in tracks if track.is_confirmed][: self._most]
