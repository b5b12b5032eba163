"""Following several people through a capture: found where two views agree, kept apart, and dropped when they are gone.

All people of a frame are followed together, so that no detection belongs to two people. Keypoints are assigned to them
by their distances to the expected places (`assign`). A network has windows for each person, and the peaks of other
people are removed from its heatmaps (`tell_apart`). Unassigned detections may be a new person, who is confirmed after a
few frames.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HeatmapDetector, KeypointSource
from poseharvest.geometry.camera import StaticCamera
from poseharvest.geometry.crop import Crop
from poseharvest.geometry.rig import Rig
from poseharvest.heatmaps.maps import Heatmaps, heatmap_peaks
from poseharvest.localization.find.assign import assign
from poseharvest.localization.find.likely_people import likely_people
from poseharvest.localization.find.look_again import confirm_people, is_person, look_again
from poseharvest.localization.find.match_views import group_candidates
from poseharvest.localization.find.observation import (
    Observation,
    detect_views,
    draw_keypoints,
    network_candidates,
    observe_people,
    observe_remembered,
    shows_enough,
    window_scale,
    windows_on,
)
from poseharvest.localization.find.pose_memory import PoseMemory
from poseharvest.localization.find.scan import Candidate, find_candidates
from poseharvest.localization.find.tell_apart import remove_others, removed_share
from poseharvest.localization.follow.track import Track, relate_tracks
from poseharvest.localization.limits import MIN_CONFIDENCE, NEW_PERSON_MM, PERSON_MM
from poseharvest.localization.sighting import FrameSightings, PartialPose, Sighting, TrackedSighting, distance_from_all

_logger = logging.getLogger(__name__)

_SEARCH_EVERY_FRAMES = 10
_OVERLAPPED = 0.2  # share of the peaks in a person's windows that are removed as other people's

Cameras = tuple[StaticCamera, ...]


@dataclass(frozen=True, eq=False)
class PeopleState:
    """All that a tracker of people remembers from frame to frame.

    Attributes:
        tracks: the people who are followed.
        last_members: of each track, the newest keypoints of every view.
        num_started: number of tracks so far.
        next_search: frame from which a network searches for new people.
    """

    tracks: tuple[Track, ...]
    last_members: tuple[tuple[Candidate, ...], ...]
    num_started: int
    next_search: int


class PeopleTracker:
    """Follows all people on whom two views agree.

    Args:
        detector: the 2D network, or a source of keypoints.
        rig: the cameras.
        max_people: how many people to follow at once; None follows all.
    """

    def __init__(self, detector: HeatmapDetector, rig: Rig, max_people: int | None = None) -> None:
        self._detector, self._rig, self._max_people = detector, rig, max_people
        self._tracks: list[Track] = []
        self._last_members: dict[int, dict[int, Candidate]] = {}  # by track and view, the newest keypoints
        self._num_started = 0
        self._next_search = 0

    @property
    def state(self) -> PeopleState:
        """All that is remembered from frame to frame, to go on from it later."""
        members = tuple(tuple(self._last_members.get(track.number, {}).values()) for track in self._tracks)
        return PeopleState(tuple(self._tracks), members, self._num_started, self._next_search)

    @state.setter
    def state(self, state: PeopleState) -> None:
        """Go on from what an earlier tracker remembered."""
        self._tracks = list(state.tracks)
        members = zip(state.tracks, state.last_members, strict=False)
        self._last_members = {track.number: {member.view: member for member in own} for track, own in members}
        self._num_started, self._next_search = state.num_started, state.next_search

    def observe(self, frames: Sequence[MultiViewFrame]) -> list[FrameSightings]:
        """Return the people who are seen in the next frames.

        A frame with fewer than two pictures says nothing: no person is seen in it, and no person is lost.

        Args:
            frames: one or more moments that follow each other and those of the last call. For a network they must span
                a short time (`one_person.batch_length`), since it uses the windows of the first for all of them. Of
                keypoints, more frames together are quicker, with the same result.
        """
        if isinstance(self._detector, KeypointSource):
            return self._observe_keypoints(self._detector, frames)
        known = [frame for frame in frames if shows_enough(self._detector, frame)]
        moments = {moment.frame: moment for moment in self._observe_heatmaps(known)} if known else {}
        return [moments.get(frame.index) or self._skip_frame(frame.index) for frame in frames]

    def _skip_frame(self, frame: int) -> FrameSightings:
        """Return the sightings of a frame with too few pictures: none, and all tracks stay alive."""
        numbers = frozenset(track.number for track in self._tracks)
        confirmed = frozenset(track.number for track in self._tracks if track.is_confirmed)
        return FrameSightings(frame, (), numbers, confirmed)

    def _observe_keypoints(self, source: KeypointSource, frames: Sequence[MultiViewFrame]) -> list[FrameSightings]:
        cameras = [self._rig.at(frame.index) for frame in frames]
        candidates = [
            find_candidates(self._detector, frame, static) for frame, static in zip(frames, cameras, strict=True)
        ]
        memory = PoseMemory(len(self._detector.skeleton))
        followed = [tuple(own.values()) for own in self._last_members.values() if own]
        memory.prepare(likely_people(followed, candidates), cameras)
        return [
            self._follow_keypoints(source, frame, found, memory)
            for frame, found in zip(frames, candidates, strict=True)
        ]

    def _follow_keypoints(
        self, source: KeypointSource, frame: MultiViewFrame, candidates: Sequence[Candidate], memory: PoseMemory
    ) -> FrameSightings:
        cameras = self._rig.at(frame.index)
        assignment = assign(candidates, cameras, self._expected_poses(frame.index), memory)
        observations = observe_remembered(assignment.members, cameras, memory)
        self._update_tracks(observations, frame)
        members = {track.number: own for track, own in zip(self._tracks, assignment.members, strict=True)}
        new_groups = group_candidates(assignment.unassigned, cameras)
        for group, one in zip(new_groups, observe_remembered(new_groups, cameras, memory), strict=True):
            track = self._start_track(one, frame)
            if track is not None:
                members[track.number], observations = group, [*observations, one]
        self._last_members = {
            track: self._last_members.get(track, {}) | {member.view: member for member in own}
            for track, own in members.items()
        }
        maps = [draw_keypoints(self._detector, source, t.belief, members[t.number], cameras) for t in self._tracks]
        return self._finish_frame(frame, cameras, maps, observations)

    def _observe_heatmaps(self, frames: Sequence[MultiViewFrame]) -> list[FrameSightings]:
        if frames[0].index >= self._next_search and self._has_room:
            self._next_search = frames[0].index + _SEARCH_EVERY_FRAMES
            self._search(frames[0], self._rig.at(frames[0].index))
        pairs = [(frame, track) for frame in frames for track in self._tracks]
        cameras = {frame.index: self._rig.at(frame.index) for frame in frames}
        crops = [self._windows(track, frame.index, cameras[frame.index]) for frame, track in pairs]
        whole = detect_views(self._detector, [frame for frame, _ in pairs], self._rig.at(frames[0].index), crops)
        maps = {(frame.index, track.number): one for (frame, track), one in zip(pairs, whole, strict=True)}
        moments = []
        for frame in frames:
            static = cameras[frame.index]
            whole = [maps[frame.index, t.number] for t in self._tracks]
            own = self._remove_others(whole, frame.index, static)
            overlapped = {
                track.number
                for track, before, after in zip(self._tracks, whole, own, strict=True)
                if removed_share(before, after) >= _OVERLAPPED
            }
            members = [network_candidates(one) for one in own]
            observations = self._observe(members, static)
            self._update_tracks(observations, frame)
            moments.append(self._finish_frame(frame, static, own, observations, overlapped))
        return moments

    def _windows(self, track: Track, frame: int, cameras: Cameras) -> tuple[Crop | None, ...]:
        person, scale = track.predict(frame), window_scale(track.visibility)
        return windows_on(self._detector.skeleton, person, cameras, scale)

    def _remove_others(self, maps: Sequence[Heatmaps], frame: int, cameras: Cameras) -> list[Heatmaps]:
        expected = self._expected_poses(frame)
        sure = [person for track, person in zip(self._tracks, expected, strict=True) if track.is_confirmed]
        return [
            # A track that is not confirmed removes no peaks from a confirmed one.
            remove_others(one, person, [o for o in (sure or expected) if o is not person], cameras)
            for one, person in zip(maps, expected, strict=True)
        ]

    def _search(self, frame: MultiViewFrame, cameras: Cameras) -> None:
        """Search for people who are not followed yet, those of whom the views show most first.

        Two views must show `MIN_CONFIDENCE` of a new person, twice as much as of a person who is already followed.
        """
        known = self._expected_poses(frame.index)
        remaining = assign(find_candidates(self._detector, frame, cameras), cameras, known).unassigned
        for pose, first_observation in confirm_people(
            self._detector, frame, cameras, group_candidates(remaining, cameras), known
        ):
            people = self._expected_poses(frame.index)
            observation: Observation | None = first_observation
            if len(people) > len(known):
                # Look again from the matched pose, without the peaks of the people found in between: otherwise the
                # pose may drift onto a new person near by.
                observation = look_again(self._detector, frame, cameras, pose, people)
            if observation is not None and observation.visibility[1] >= MIN_CONFIDENCE:
                self._start_track(observation, frame)

    def _expected_poses(self, frame: int) -> list[PartialPose]:
        return [track.predict(frame) for track in self._tracks]

    def _observe(self, members: Sequence[Sequence[Candidate]], cameras: Cameras) -> list[Observation]:
        return observe_people(members, [cameras] * len(members), len(self._detector.skeleton))

    @property
    def _has_room(self) -> bool:
        return self._max_people is None or sum(track.is_confirmed for track in self._tracks) < self._max_people

    def _start_track(self, observation: Observation, frame: MultiViewFrame) -> Track | None:
        """Start and return the track of a new person, or return None if the observation is no new person."""
        if not (is_person(observation.pose) and observation.is_seen and self._has_room):
            return None
        track = Track.begin(self._num_started, observation, frame.index, frame.time_s)
        low, high = PERSON_MM
        beliefs = [other.belief for other in self._tracks]
        if distance_from_all(track.belief, beliefs) < NEW_PERSON_MM or not low < track.belief.extent < high:
            return None
        self._num_started += 1
        self._tracks.append(track)
        _logger.info("frame %d: new person, track %d", frame.index, track.number)
        return track

    def _update_tracks(self, observations: Sequence[Observation], frame: MultiViewFrame) -> None:
        self._tracks = relate_tracks([
            track if track.frame == frame.index else track.update(one, frame.index, frame.time_s)
            for track, one in zip(self._tracks, observations, strict=True)
        ])

    def _finish_frame(
        self,
        frame: MultiViewFrame,
        cameras: Cameras,
        maps: Sequence[Heatmaps],
        observations: Sequence[Observation],
        overlapped: Collection[int] = (),
    ) -> FrameSightings:
        """Return the people who are seen, and drop the tracks that have ended."""
        sightings = []
        for track, one, observation in zip(self._tracks, maps, observations, strict=True):
            if observation.is_seen and any(crop is not None for crop in one.crops):
                peaks = heatmap_peaks(one.values, one.crops)
                sighting = Sighting(
                    frame.index, frame.time_s, cameras, one, peaks, observation.pose, track.belief.middle
                )
                hidden = track.number in overlapped
                sightings.append(TrackedSighting(track.number, sighting, track.confused_with, hidden))
        visible = {one.track for one in sightings}
        duplicates = frozenset(track.number for track in self._tracks if track.is_duplicate)
        self._tracks = self._within_limit([
            replace(track, confused_with=frozenset()) if track.number in visible else track
            for track in self._tracks
            if not track.has_ended(frame.time_s)
        ])
        alive = frozenset(track.number for track in self._tracks)
        confirmed = frozenset(track.number for track in self._tracks if track.is_confirmed)
        return FrameSightings(frame.index, tuple(sightings), alive, confirmed, duplicates)

    def _within_limit(self, tracks: list[Track]) -> list[Track]:
        """Return at most `max_people` confirmed tracks, the oldest first; all tracks while there is room."""
        if self._max_people is None or sum(track.is_confirmed for track in tracks) < self._max_people:
            return tracks
        return [track for track in tracks if track.is_confirmed][: self._max_people]
