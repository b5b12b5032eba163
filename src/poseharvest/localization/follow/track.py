"""One of several people who are followed: where they are, how they move, and since when they were not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import torch
from torch import Tensor

from poseharvest.localization.find.observation import Observation
from poseharvest.localization.follow.belief import Belief, updated
from poseharvest.localization.limits import CONFIRMED_FRAMES, NOT_NEW_MM
from poseharvest.localization.partial_pose import PartialPose, distance_from_all, joint_distance

_TENTATIVE_PATIENCE_FRAMES = 2
_PATIENCE_S = 1.0
_VELOCITY_GAIN = 0.4  # share of an observed residual that is taken as a change of velocity
_COASTING = 0.9  # of the velocity that is kept from frame to frame while the person is not seen
_SAME_MM = 120.0  # median joint distance below which two tracks follow one person
_SAME_FRAMES = 8
_CONFUSABLE_MM = 700.0  # two people so near may be taken for each other where one of them is not seen


@dataclass(frozen=True, eq=False)
class Track:
    """Somebody who is followed.

    Attributes:
        number: unique among all tracks.
        belief: where the joints were in `frame`.
        velocity: (3,) of the whole body, mm a frame.
        frame: the last frame taken in.
        seen_s: when they were last seen (`Observation.is_seen`), seconds.
        shown: how much of them each view showed in `frame`, the most first.
        num_seen: frames in which they were seen.
        num_unseen: frames since then.
        num_doubled: frames in a row in which the joints were those of older tracks.
        confused_with: tracks that this one may have been exchanged with since it was last shown.
    """

    number: int
    belief: Belief
    velocity: Tensor
    frame: int
    seen_s: float
    shown: Sequence[float] = ()
    num_seen: int = 1
    num_unseen: int = 0
    num_doubled: int = 0
    confused_with: frozenset[int] = frozenset()

    @classmethod
    def begin(cls, number: int, seen: Observation, frame: int, time_s: float) -> Track:
        """Return the track of somebody who was just found."""
        return cls(number, Belief.of(seen.pose), torch.zeros(3, dtype=torch.float64), frame, time_s, seen.shown)

    @property
    def is_confirmed(self) -> bool:
        """The person was seen often enough to be one."""
        return self.num_seen >= CONFIRMED_FRAMES

    def expected(self, frame: int) -> PartialPose:
        """Return where the joints are expected in a later frame."""
        moved = self.belief.points + self.velocity * (frame - self.frame)
        return PartialPose(moved, self.belief.known)

    def observed(self, seen: Observation, frame: int, time_s: float) -> Track:
        """Return the track after what the views showed of the person in a frame; not seen, they move on more slowly."""
        gap = max(1, frame - self.frame)
        expected = replace(self.belief, points=self.expected(frame).points)
        if not seen.is_seen:
            return replace(
                self,
                belief=expected,
                velocity=self.velocity * _COASTING**gap,
                frame=frame,
                shown=seen.shown,
                num_unseen=self.num_unseen + 1,
            )
        rough = seen.pose
        both = expected.known & rough.known
        residual = (rough.points - expected.points)[both]
        change = residual.median(0).values / gap if len(residual) else torch.zeros_like(self.velocity)
        return replace(
            self,
            belief=updated(expected, rough) or expected,
            velocity=self.velocity + _VELOCITY_GAIN * change,
            frame=frame,
            seen_s=time_s,
            shown=seen.shown,
            num_seen=self.num_seen + 1,
            num_unseen=0,
        )

    @property
    def is_double(self) -> bool:
        """The person is another track's."""
        return self.num_doubled >= (_SAME_FRAMES if self.is_confirmed else 1)

    def is_over(self, time_s: float) -> bool:
        """Nobody has seen the person for too long, or it is another track's."""
        if self.is_double:
            return True
        if not self.is_confirmed:
            return self.num_unseen > _TENTATIVE_PATIENCE_FRAMES
        return time_s - self.seen_s > _PATIENCE_S


def related(tracks: Sequence[Track]) -> list[Track]:
    """Return the tracks with what they know of each other in this frame: who follows whose person, who is mistakable.

    Two people are mistakable where one is not seen beside the other, or where all their joints are near each other:
    then motion alone cannot say who is who.
    """
    ordered = sorted(tracks, key=lambda t: t.number)
    confused = {track.number: set(track.confused_with) for track in tracks}
    for older, younger in combinations(ordered, 2):
        same = joint_distance(older.belief, younger.belief) < _SAME_MM
        apart = float(torch.linalg.vector_norm(older.belief.middle - younger.belief.middle))
        hidden = older.num_unseen > 0 or younger.num_unseen > 0
        if same or (hidden and apart < _CONFUSABLE_MM):
            confused[older.number].add(younger.number)
            confused[younger.number].add(older.number)
    doubled = {track.number for i, track in enumerate(ordered) if _is_of_others(track, ordered[:i])}
    return [
        replace(
            track,
            num_doubled=track.num_doubled + 1 if track.number in doubled else 0,
            confused_with=frozenset(confused[track.number]),
        )
        for track in tracks
    ]


def _is_of_others(track: Track, older: Sequence[Track]) -> bool:
    """The track follows another's person, or is new and made of joints of several."""
    seen = [other.belief for other in older if other.num_unseen == 0]
    if track.is_confirmed:
        return any(joint_distance(other, track.belief) < _SAME_MM for other in seen)
    return distance_from_all(track.belief, seen) < NOT_NEW_MM
