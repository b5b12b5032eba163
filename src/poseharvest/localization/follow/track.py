"""The track of one of several followed people: where they are, how they move, and when they were last seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import torch
from torch import Tensor

from poseharvest.localization.find.observation import Observation
from poseharvest.localization.follow.one_person import Belief, update_belief
from poseharvest.localization.limits import CONFIRMED_FRAMES, NEW_PERSON_MM
from poseharvest.localization.sighting import PartialPose, distance_from_all, joint_distance

_TENTATIVE_PATIENCE_FRAMES = 2
_PATIENCE_S = 1.0
_VELOCITY_GAIN = 0.4  # share of an observed residual that is taken as a change of velocity
_COASTING = 0.9  # share of the velocity that remains from frame to frame while the person is not seen
_SAME_MM = 120.0  # median joint distance below which two tracks follow one person
_SAME_FRAMES = 8
_CONFUSION_MM = 700.0  # two people so near may be taken for each other where one of them is not seen


@dataclass(frozen=True, eq=False)
class Track:
    """The state of one followed person.

    Attributes:
        number: unique among all tracks.
        belief: where the joints were in `frame`.
        velocity: (3,) of the whole body, mm a frame.
        frame: number of the last frame that was used.
        last_seen_s: when the person was last seen (`Observation.is_seen`), seconds.
        visibility: how much of the person each view showed in `frame`, 0 to 1, the largest first.
        num_seen: number of frames in which the person was seen.
        num_unseen: number of frames since then.
        num_duplicated: number of frames in a row in which the joints were those of older tracks.
        confused_with: tracks that this one may have been exchanged with since its last sighting.
    """

    number: int
    belief: Belief
    velocity: Tensor
    frame: int
    last_seen_s: float
    visibility: Sequence[float] = ()
    num_seen: int = 1
    num_unseen: int = 0
    num_duplicated: int = 0
    confused_with: frozenset[int] = frozenset()

    @classmethod
    def begin(cls, number: int, observation: Observation, frame: int, time_s: float) -> Track:
        """Return the track of a person who was just found."""
        return cls(
            number,
            Belief.of(observation.pose),
            torch.zeros(3, dtype=torch.float64),
            frame,
            time_s,
            observation.visibility,
        )

    @property
    def is_confirmed(self) -> bool:
        """The person was seen in so many frames that there is a person for certain."""
        return self.num_seen >= CONFIRMED_FRAMES

    def predict(self, frame: int) -> PartialPose:
        """Return where the joints are expected in a later frame."""
        moved = self.belief.points + self.velocity * (frame - self.frame)
        return PartialPose(moved, self.belief.known)

    def update(self, observation: Observation, frame: int, time_s: float) -> Track:
        """Return the track after a frame's observation. A person who is not seen moves on with falling velocity."""
        gap = max(1, frame - self.frame)
        expected = replace(self.belief, points=self.predict(frame).points)
        if not observation.is_seen:
            return replace(
                self,
                belief=expected,
                velocity=self.velocity * _COASTING**gap,
                frame=frame,
                visibility=observation.visibility,
                num_unseen=self.num_unseen + 1,
            )
        rough = observation.pose
        both = expected.known & rough.known
        residual = (rough.points - expected.points)[both]
        change = residual.median(0).values / gap if len(residual) else torch.zeros_like(self.velocity)
        return replace(
            self,
            belief=update_belief(expected, rough) or expected,
            velocity=self.velocity + _VELOCITY_GAIN * change,
            frame=frame,
            last_seen_s=time_s,
            visibility=observation.visibility,
            num_seen=self.num_seen + 1,
            num_unseen=0,
        )

    @property
    def is_duplicate(self) -> bool:
        """The track has followed the person of another track for too many frames."""
        return self.num_duplicated >= (_SAME_FRAMES if self.is_confirmed else 1)

    def has_ended(self, time_s: float) -> bool:
        """Return whether the person was not seen for too long, or the track is a duplicate."""
        if self.is_duplicate:
            return True
        if not self.is_confirmed:
            return self.num_unseen > _TENTATIVE_PATIENCE_FRAMES
        return time_s - self.last_seen_s > _PATIENCE_S


def relate_tracks(tracks: Sequence[Track]) -> list[Track]:
    """Return the tracks with their relations in this frame: duplicates, and people who can be confused.

    Two people can be confused if they are near each other and one of them is not seen, or if all their joints are near
    each other. Then motion alone cannot tell who is who.
    """
    ordered = sorted(tracks, key=lambda t: t.number)
    confused = {track.number: set(track.confused_with) for track in tracks}
    for older, younger in combinations(ordered, 2):
        same = joint_distance(older.belief, younger.belief) < _SAME_MM
        apart = float(torch.linalg.vector_norm(older.belief.middle - younger.belief.middle))
        hidden = older.num_unseen > 0 or younger.num_unseen > 0
        if same or (hidden and apart < _CONFUSION_MM):
            confused[older.number].add(younger.number)
            confused[younger.number].add(older.number)
    duplicated = {track.number for i, track in enumerate(ordered) if _is_duplicate(track, ordered[:i])}
    return [
        replace(
            track,
            num_duplicated=track.num_duplicated + 1 if track.number in duplicated else 0,
            confused_with=frozenset(confused[track.number]),
        )
        for track in tracks
    ]


def _is_duplicate(track: Track, older: Sequence[Track]) -> bool:
    """Return whether a track follows the person of an older track, or is new and made of several people's joints."""
    beliefs = [other.belief for other in older if other.num_unseen == 0]
    if track.is_confirmed:
        return any(joint_distance(other, track.belief) < _SAME_MM for other in beliefs)
    return distance_from_all(track.belief, beliefs) < NEW_PERSON_MM
