"""Findings from a stream of annotations, with a memory that does not grow with the length of the stream.

`Coverage` counts in how many frames two views show a joint: joints that they hardly ever show are out of view.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from torch import Tensor

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.agreement import ViewTally
from poseharvest.diagnosis.body_findings import about_limbs, about_unseen_joints
from poseharvest.diagnosis.camera_faults import find_fault, still_cameras
from poseharvest.diagnosis.camera_findings import (
    about_absence,
    about_depth,
    about_peaks,
    about_people,
    about_places_and_timing,
)
from poseharvest.diagnosis.cross_check import combine_people, cross_check, cross_check_people
from poseharvest.diagnosis.later_faults import find_later_fault
from poseharvest.diagnosis.limbs import LimbTally
from poseharvest.diagnosis.sampled_moments import MomentSamples, shown_in
from poseharvest.diagnosis.shown_joints import ShownJoints
from poseharvest.diagnosis.view_stretches import SAME_KEYPOINTS, StretchTally, ViewStretch
from poseharvest.findings import CameraFault, Finding, worst_first
from poseharvest.geometry.rig import Rig
from poseharvest.skeleton.skeleton import Skeleton

HARDLY_EVER = 0.05
"""Share of the frames of a person. A joint supported in fewer frames is out of view, and its support is chance."""

_FEW_FRAMES = 3
_LEGS = ("knee", "ankle", "heel", "toe", "foot")
_ARMS_AND_HEAD = ("wrist", "elbow", "shoulder", "head", "nose", "neck")
_MAX_PEOPLE_MEASURED = 50
_PERHAPS_ANOTHER_PERSON = ("unlike", "frozen")  # a view that was taken in by somebody else looks like this
_MAX_PEOPLE_ASKED = 2  # a fault of a camera shows in everybody
_MIN_MOMENTS = 10  # of a person, for findings about the limbs


def _confirms(fault: CameraFault | None, earlier: CameraFault | None) -> bool:
    """Return whether a fault is one of a camera, and of the same cameras as an earlier one, if there is one."""
    if fault is None or fault.kind in _PERHAPS_ANOTHER_PERSON:
        return False
    return earlier is None or set(fault.views) == set(earlier.views)


def _tell_nobody(step: str) -> None:
    """Take no notice of a step."""


def _say_suspect(on_step: Callable[[str], None], person: int, camera: str) -> None:
    """Say which camera is being judged by which person."""
    on_step(f"judging camera {camera} by person {person}")


@dataclass(eq=False)
class Coverage:
    """Counts, for each person, the frames in which two views show a joint.

    Attributes:
        skeleton: the joints.
        frames: number of frames by person.
        supported: by person, (J,) number of frames in which two views show the joint.
    """

    skeleton: Skeleton
    frames: dict[int, int] = field(default_factory=dict)
    supported: dict[int, Tensor] = field(default_factory=dict)

    def add(self, record: FrameAnnotations) -> None:
        """Count one person in one frame."""
        self.frames[record.person] = self.frames.get(record.person, 0) + 1
        self.supported[record.person] = record.supported.long() + self.supported.get(record.person, 0)

    def hardly_shown(self) -> dict[int, list[int]]:
        """Return the indices of the joints that two views hardly ever show, by person."""
        shares = {person: self.supported[person].double() / frames for person, frames in sorted(self.frames.items())}
        missing = {person: (share < HARDLY_EVER).nonzero().flatten().tolist() for person, share in shares.items()}
        return {person: joints for person, joints in missing.items() if joints}

    def findings(self) -> list[Finding]:
        """Return a note for each person with joints that two views hardly ever show."""
        findings = []
        for person, joints in self.hardly_shown().items():
            if len(self.frames) > 1 and self.frames[person] < _FEW_FRAMES:
                continue  # one of many people, visible only for a moment
            missing = [self.skeleton.joints[joint] for joint in joints]
            who = f"person {person}: " if len(self.frames) > 1 else ""
            message = (
                f"{who}{_part_shown(self.skeleton, missing)}: hardly any frame has two views that show "
                f"{', '.join(missing)}. Their positions are guesses, and they are not selected"
            )
            findings.append(Finding("note", "joints out of view", message))
        return findings


def _part_shown(skeleton: Skeleton, missing: list[str]) -> str:
    """Return a short text on the visible part of the person."""
    legs, rest = (
        [joint for joint in skeleton.joints if any(word in joint for word in words)]
        for words in (_LEGS, _ARMS_AND_HEAD)
    )
    if legs and set(legs) <= set(missing) and not set(rest) <= set(missing):
        return "upper body only"
    if rest and set(rest) <= set(missing) and not set(legs) <= set(missing):
        return "lower body only"
    return "not the whole body"


class Diagnosis:
    """Collects the records of a harvest, in order of (frame, person), and returns findings about them.

    Args:
        rig: the cameras; records hold their views in this order.
        skeleton: records hold its joints in this order.
        judges_cameras: look for a fault of a camera throughout; False where it was done with the footage. One that
            begins or ends within the take is looked for in any case.
        still_share: by what share of the person's extent joints move in a view that stands still.

    Attributes:
        coverage: counts of the frames in which two views show a joint, by person.
    """

    def __init__(
        self, rig: Rig, skeleton: Skeleton, *, judges_cameras: bool = True, still_share: float = SAME_KEYPOINTS
    ) -> None:
        self._rig, self._skeleton, self._judges_cameras = rig, skeleton, judges_cameras
        self.coverage = Coverage(skeleton)
        self._views = ViewTally(rig, len(skeleton))
        self._moments = MomentSamples()
        self._stretches = StretchTally(len(rig), still_share)
        self._limbs: dict[int, LimbTally] = {}
        self._num_moments: dict[int, int] = {}
        self._num_unseen = np.zeros(len(skeleton), dtype=np.int64)

    def add(self, record: FrameAnnotations) -> None:
        """Add one person in one frame."""
        self._views.add(record)
        self._moments.add(record)
        self._stretches.add(record)
        self.coverage.add(record)
        self._num_unseen += ~record.supported.numpy()
        self._num_moments[record.person] = self._num_moments.get(record.person, 0) + 1
        if record.person not in self._limbs and len(self._limbs) < _MAX_PEOPLE_MEASURED:
            self._limbs[record.person] = LimbTally(self._skeleton)
        if record.person in self._limbs:
            self._limbs[record.person].add(record)

    def stretches(self) -> tuple[ViewStretch, ...]:
        """Return the parts of the take in which a view seems to stand still or to show nothing."""
        return self._stretches.stretches()

    def completed(self, run: HarvestRun, on_step: Callable[[str], None] = _tell_nobody) -> HarvestRun:
        """Return the run with the findings about the records added to its findings, faults of cameras first.

        Args:
            run: the run.
            on_step: is called with what is being done.
        """
        faults = run.camera_faults or self._faults(run.capture.frame_rate, on_step)
        on_step("comparing the views")
        run = run.model_copy(update={"camera_faults": faults})
        known = [fault.finding for fault in faults]
        findings = worst_first([*known, *self.findings(run), *run.findings])
        return run.model_copy(update={"findings": findings, "diagnosed": True})

    def findings(self, run: HarvestRun) -> tuple[Finding, ...]:
        """Return the findings about the records, but for faults of cameras.

        Args:
            run: the run, with the assumed limb lengths, the frame rate and the faults of cameras.
        """
        moments = self._moments.moments
        people = cross_check_people(self._rig, moments)
        checks = combine_people(tuple(people.values())) if people else cross_check(self._rig, moments)
        strange = about_people(people, checks)
        kept = [fault for fault in run.camera_faults if not fault.is_left_out]  # it explains the others' deviations
        findings = strange + ([] if self._is_judged else about_places_and_timing(checks, run.capture.frame_rate))
        findings += about_depth(self._rig, moments)
        views = self._views.summary()
        at_fault = {f"{what} {name}" for fault in kept for name in fault.views for what in ("camera", "view")}
        named = {finding.topic for finding in findings} | at_fault
        if not strange:  # then the peaks of that person lie far from the pose, and no camera is the cause
            about = about_peaks(views, cameras_are_judged=self._is_judged)
            findings += [finding for finding in about if finding.topic not in named]
        findings += about_absence(views)
        for person, lengths in assumed_lengths(run).items():
            findings += self._about_limbs_of(person, lengths)
        return tuple(findings + self.coverage.findings() + self._about_unseen_joints())

    @property
    def _is_judged(self) -> bool:
        """There are enough cameras, and they stand still, so that `camera_faults` says which one is at fault."""
        return bool(still_cameras(self._rig))

    def _faults(self, frame_rate: float, on_step: Callable[[str], None]) -> tuple[CameraFault, ...]:
        """Return the fault of a camera that shows in those who are seen most."""
        cameras = still_cameras(self._rig)
        if not cameras:
            return ()
        moments = self._moments.moments
        counts = Counter(moment.person for moment in moments)
        shown = {
            person: shown_in([moment for moment in moments if moment.person == person])
            for person, _ in counts.most_common(_MAX_PEOPLE_ASKED)
        }
        for judge in (find_fault, find_later_fault) if self._judges_cameras else (find_later_fault,):
            fault = self._fault_of_all(partial(judge, cameras), shown, frame_rate, on_step)
            if fault is not None:
                return (fault,)
        return ()

    def _fault_of_all(
        self,
        judge: Callable[..., CameraFault | None],
        shown: Mapping[int, ShownJoints],
        frame_rate: float,
        on_step: Callable[[str], None],
    ) -> CameraFault | None:
        """Return the fault that a function finds in what the views show of each person, and of both together."""
        flip = tuple(self._skeleton.flip_permutation)
        found: CameraFault | None = None
        for person, of_person in shown.items():
            on_step(f"judging the cameras by person {person}")
            fault = judge(of_person, frame_rate, flip, partial(_say_suspect, on_step, person))
            if not _confirms(fault, found):
                return None
            found = fault
        if len(shown) < _MAX_PEOPLE_ASKED:
            return found
        # Each alone may fit another change of the camera. What is wrong with it explains both at once.
        on_step("judging the cameras by both")
        first, second = shown.values()
        both = first.beside(second)
        pooled = judge(both, frame_rate, (*flip, *(len(flip) + joint for joint in flip)))
        return pooled if _confirms(pooled, found) else None

    def _about_unseen_joints(self) -> list[Finding]:
        """Return a warning for joints that are sometimes out of view; `coverage` has a note on the others."""
        never = set.intersection(*map(set, hidden.values())) if (hidden := self.coverage.hardly_shown()) else set()
        unseen = {
            name: int(count)
            for joint, (name, count) in enumerate(zip(self._skeleton.joints, self._num_unseen, strict=True))
            if joint not in never
        }
        return about_unseen_joints(unseen, sum(self._num_moments.values()))

    def _about_limbs_of(self, person: int | None, assumed_mm: Mapping[str, float]) -> list[Finding]:
        """Return findings about the limbs of one person; None stands for the only person."""
        number = min(self._limbs, default=0) if person is None else person
        if number not in self._limbs or self._num_moments[number] < _MIN_MOMENTS:
            return []
        return about_limbs(self._limbs[number].summary(assumed_mm), person)


def assumed_lengths(run: HarvestRun) -> dict[int | None, dict[str, float]]:
    """Return the limb lengths assumed by inference, by person; the key of an only person is None."""
    if len(run.people) < 2:
        only = run.people[0].limb_lengths_mm if run.people and not run.limb_lengths_mm else run.limb_lengths_mm
        return {None: only}
    return {person.person: person.limb_lengths_mm for person in run.people}
