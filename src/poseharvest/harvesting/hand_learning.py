"""What is learned of the hands of the one person: as of the body, limb lengths, the detector's errors, rigidity.

Both hands teach one tree: they are as long, and a detector errs alike on them. A hand is learned from the frames that
teach the body, at the wrists on which the views agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from poseharvest.capture.frames import MultiViewFrame
from poseharvest.detectors.protocol import HandNetwork, HandSource
from poseharvest.errors import ConfigError
from poseharvest.harvesting.hand_lengths import measure_hands, with_rigid_fingers
from poseharvest.harvesting.hand_sightings import HandFinder, Wrists
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.subject import Sightings, Subject
from poseharvest.localization.sighting import Sighting
from poseharvest.skeleton.hands import HAND21
from poseharvest.skeleton.human import SIDES
from poseharvest.skeleton.skeleton import Skeleton

_MOST_FRAMES = 48  # that are looked at; each gives up to two hands
_READ_THROUGH = 256  # frames that are passed over rather than begun anew
_LEAST_KNOWN = 11  # joints of a hand that teaches: more than half


def hand_finder(job: Job) -> HandFinder:
    """Return what finds the hands of a harvest.

    Raises:
        ConfigError: the detector knows no hands.
    """
    source = job.detector
    if not isinstance(source, HandSource | HandNetwork) or not source.holds_hands:
        what = f'"{job.detector.name}" gives no hands' if not job.has_keypoints else "the files hold none"
        raise ConfigError(
            f"hands: expected keypoint files that hold hands, such as those of OpenPose with --hand or of a whole-body "
            f"layout (--detector FOLDER), or a whole-body network (133 joints), got a detector without: {what}: leave "
            "--hands out"
        )
    return HandFinder(source, job.capture.rig, job.detector.heatmap_size)


def wrist_numbers(skeleton: Skeleton) -> list[int]:
    """Return where the left and the right wrist stand in a skeleton.

    Raises:
        SkeletonError: it lacks one.
    """
    return [skeleton.index(f"{side}_wrist") for side in SIDES]


def learn_hands(job: Job, teachers: Sightings) -> Subject | None:
    """Return what is known of the person's hands; None where too little is seen of them.

    Args:
        job: the harvest.
        teachers: sightings of the body, one or more.
    """
    hands = list(_teaching_hands(job, teachers))
    job.report(job.options.start, "learning the hands")
    learner = replace(job.learner, skeleton=HAND21, peaks_are_joints=True)
    measured = measure_hands(hands)
    if measured is None:
        return None
    subject = learner.learn(hands, measured.lengths)
    refinement = None if subject.refinement is None else with_rigid_fingers(subject.refinement, hands)
    return replace(subject, guessed=measured.guessed, longer_than_given=0.0, refinement=refinement)


def _teaching_hands(job: Job, teachers: Sightings) -> Iterator[Sighting]:
    finder, numbers = hand_finder(job), wrist_numbers(job.detector.skeleton)
    moments, count = Moments(job), min(_MOST_FRAMES, len(teachers))
    for index in torch.linspace(0, len(teachers) - 1, count).round().long().tolist():
        body = teachers[index]
        wrists = Wrists(body.pose.points[numbers], body.pose.known[numbers])
        for hand in finder.look(moments.at(body.frame), wrists, body.heatmaps.crops).sightings:
            if hand is not None and hand.pose.num_known >= _LEAST_KNOWN:
                yield hand


class Moments:
    """The moments of a harvest, with pictures where the detector looks at them; others need the pictures' numbers."""

    def __init__(self, job: Job) -> None:
        """Take the frames of a harvest; nothing is read yet."""
        self._job = job
        self._stream: Iterator[MultiViewFrame] = iter(())
        self._next = -_READ_THROUGH  # of no stream

    def at(self, frame: int) -> MultiViewFrame:
        """Return the moment of a frame; frames in ascending order cost least."""
        if not self._next <= frame < self._next + _READ_THROUGH:
            self._stream = iter(self._job.frames(frame, self._job.stop))
        self._next = frame + 1
        return next(moment for moment in self._stream if moment.index == frame)
