"""Findings from a stream of annotations, with a memory that does not grow with the length of the stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.diagnosis.agreement import ViewTally
from poseharvest.diagnosis.body_findings import about_limbs, about_unseen_joints
from poseharvest.diagnosis.camera_findings import (
    about_absence,
    about_depth,
    about_peaks,
    about_people,
    about_places_and_timing,
)
from poseharvest.diagnosis.coverage import Coverage
from poseharvest.diagnosis.cross_check import combine_people, cross_check, cross_check_people
from poseharvest.diagnosis.limbs import LimbTally
from poseharvest.diagnosis.sampled_moments import MomentSamples
from poseharvest.findings import Finding, worst_first
from poseharvest.geometry.rig import Rig
from poseharvest.skeleton.skeleton import Skeleton

_MAX_PEOPLE_MEASURED = 50
_MIN_MOMENTS = 10  # of a person, for findings about the limbs


class Diagnosis:
    """Collects the records of a harvest, in order of (frame, person), and returns findings about them.

    Args:
        rig: the cameras; records hold their views in this order.
        skeleton: records hold its joints in this order.

    Attributes:
        coverage: counts of the frames in which two views show a joint, by person.
    """

    def __init__(self, rig: Rig, skeleton: Skeleton) -> None:
        self._rig, self._skeleton = rig, skeleton
        self.coverage = Coverage(skeleton)
        self._views = ViewTally(rig, len(skeleton))
        self._moments = MomentSamples()
        self._limbs: dict[int, LimbTally] = {}
        self._num_moments: dict[int, int] = {}
        self._num_unseen = np.zeros(len(skeleton), dtype=np.int64)

    def add(self, record: FrameAnnotations) -> None:
        """Add one person in one frame."""
        self._views.add(record)
        self._moments.add(record)
        self.coverage.add(record)
        self._num_unseen += ~record.supported.numpy()
        self._num_moments[record.person] = self._num_moments.get(record.person, 0) + 1
        if record.person not in self._limbs and len(self._limbs) < _MAX_PEOPLE_MEASURED:
            self._limbs[record.person] = LimbTally(self._skeleton)
        if record.person in self._limbs:
            self._limbs[record.person].add(record)

    def completed(self, run: HarvestRun) -> HarvestRun:
        """Return the run with the findings about the records added to its findings."""
        return run.model_copy(update={"findings": worst_first([*self.findings(run), *run.findings]), "diagnosed": True})

    def findings(self, run: HarvestRun) -> tuple[Finding, ...]:
        """Return the findings about the records.

        Args:
            run: the run, with the assumed limb lengths and the frame rate.
        """
        moments = self._moments.moments
        people = cross_check_people(self._rig, moments)
        checks = combine_people(tuple(people.values())) if people else cross_check(self._rig, moments)
        strange = about_people(people, checks)
        findings = about_places_and_timing(checks, run.capture.frame_rate) + strange
        findings += about_depth(self._rig, moments)
        views = self._views.summary()
        named = {finding.topic for finding in findings}
        if not strange:  # then the peaks of that person lie far from the pose, and no camera is the cause
            findings += [finding for finding in about_peaks(views) if finding.topic not in named]
        findings += about_absence(views)
        for person, lengths in assumed_lengths(run).items():
            findings += self._about_limbs_of(person, lengths)
        return tuple(findings + self.coverage.findings() + self._about_unseen_joints())

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
