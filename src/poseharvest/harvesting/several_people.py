"""Harvesting several people: one body, one volume and one number each, in one folder.

Everybody is followed together, but each person's limbs are learned from that person's first frames, and until then
their frames wait. Records are written in order of frame and person, so a newcomer's first look holds back the others'
records, which are small, and never their heatmaps.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from poseharvest.annotations.info import HarvestRun, PersonInfo
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.prefetch import prefetch
from poseharvest.errors import CalibrationError, CaptureError
from poseharvest.findings import Finding
from poseharvest.harvesting.annotate import annotate
from poseharvest.harvesting.body_check import check_statures, fit_subject
from poseharvest.harvesting.inference_batches import infer_each
from poseharvest.harvesting.input_checks import audit_subject, missing_people, nobody_found
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.provenance import provenance
from poseharvest.harvesting.sighting_streams import sightings_of_all
from poseharvest.harvesting.subject import Subject, by_name
from poseharvest.localization.sighting import FrameSightings, Sighting, TrackedSighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.skeleton.proportions import BodyFit

_INFERRED_TOGETHER = 8
_MAX_WAITING_BYTES = 256 * 2**20  # heatmaps that may wait until a subject is known
_JOINED = 2  # runs of uncertain frames that are no further apart are one


def harvest_people(job: Job, writer: HarvestWriter, findings: list[Finding]) -> HarvestRun:
    """Write the annotations of everybody, or of as many people as the options say, and return what ran.

    Raises:
        CaptureError: nobody is found.
        CalibrationError: nobody who is found can be a person, and `ignore_audit` is not set.
    """
    people = _People(job, writer)
    with closing(prefetch([sightings_of_all(job, writer)], depth=job.frames_ahead)) as ahead:
        for (moment,) in ahead:
            people.take(moment)
            job.report(moment.frame + 1, f"harvesting, people: {len(people.harvested)}")
    people.finish()
    found = [person for person in people.harvested if person.num_frames]
    if not found:
        raise people.refused or nobody_found(job)
    only = found[0].subject if len(found) == 1 else None
    tracks = {person.track: person.number for person in found}
    infos = tuple(person.info(set(tracks)) for person in found)
    said = [finding for person in found for finding in [*person.confusions(tracks), *person.overlaps()]]
    said += check_statures({person.number: fit.stature_mm for person in found if (fit := person.fit) is not None})
    return provenance(job, [*findings, *people.findings, *missing_people(job, people.num_frames), *said], only, infos)


@dataclass(eq=False)
class _Person:
    """Somebody on the way from being seen to being written.

    Attributes:
        track: of the tracker.
        waiting: sightings without a posterior yet.
        number: in the harvest, once the body is known.
        subject: the body.
        model: its model.
        frames: first, last and number of the frames harvested.
        uncertain: frames by the tracks with which this one may have been exchanged in them.
        overlapped: frames in which many of the peaks around this person were taken out as others'.
    """

    track: int
    waiting: list[Sighting] = field(default_factory=list)
    number: int = -1
    subject: Subject | None = None
    model: PictorialStructures | None = None
    first_frame: int = -1
    last_frame: int = -1
    num_frames: int = 0
    uncertain: dict[int, set[int]] = field(default_factory=dict)
    overlapped: set[int] = field(default_factory=set)

    def see(self, seen: TrackedSighting) -> None:
        self.waiting.append(seen.sighting)
        if seen.is_overlapped:
            self.overlapped.add(seen.sighting.frame)
        for other in seen.confused_with:
            self.uncertain.setdefault(other, set()).add(seen.sighting.frame)

    def infer(self) -> Iterator[FrameAnnotations]:
        """Yield the records of all that waits."""
        if self.model is None or self.subject is None:
            return
        support = self.subject.support
        for sighting, posterior in infer_each(self.model, self.waiting, support):
            record = annotate(sighting, posterior, self.number, support)
            if not support.is_somebody(record.supported):
                continue
            yield record
            self.first_frame = sighting.frame if self.num_frames == 0 else self.first_frame
            self.last_frame, self.num_frames = sighting.frame, self.num_frames + 1
        self.waiting = []

    @property
    def fit(self) -> BodyFit | None:
        """How the limbs fit those of a person, once the body is known."""
        return None if self.subject is None else fit_subject(self.subject)

    def info(self, tracks: set[int]) -> PersonInfo:
        """Return what `harvest.json` says of the person; tracks that became nobody do not count."""
        subject = self.subject
        frames = set().union(*(frames for other, frames in self.uncertain.items() if other in tracks))
        return PersonInfo(
            person=self.number,
            frames=self.num_frames,
            first_frame=self.first_frame,
            last_frame=self.last_frame,
            limb_lengths_mm={} if subject is None else by_name(subject.lengths),
            shells_mm={} if subject is None else by_name(subject.shells),
            uncertain_frames=tuple(_runs(frames)),
        )

    def overlaps(self) -> list[Finding]:
        """Return a finding if others hid this person, or stood so near that their peaks were cut from one another."""
        if not self.overlapped:
            return []
        message = (
            f"person {self.number}: others are in the way in frames {_listed(self.overlapped)}: many peaks around this "
            "person were taken for theirs and left out, so that joints may be wrong there without a large sigma: look "
            "at these frames in the report, or harvest this person alone with boxes (--boxes)"
        )
        return [Finding(severity="warning", topic="overlap", message=message)]

    def confusions(self, numbers: dict[int, int]) -> list[Finding]:
        """Return a finding for everybody else with whom this person may have been exchanged; each pair once."""
        return [
            Finding(
                severity="warning",
                topic="identity",
                message=f"persons {self.number} and {numbers[other]} may have been exchanged in frames "
                + _listed(frames)
                + ": they were too near each other to tell, or one was hidden beside the other",
            )
            for other, frames in sorted(self.uncertain.items())
            if numbers.get(other, -1) > self.number
        ]


class _People:
    """Everybody, and the records that wait for their turn."""

    def __init__(self, job: Job, writer: HarvestWriter) -> None:
        self._job, self._writer = job, writer
        self._present: dict[int, _Person] = {}
        self._confirmed: set[int] = set()
        self._done: list[tuple[int, int, FrameAnnotations]] = []
        self._last_written = -1
        self._frame = job.options.start
        self.harvested: list[_Person] = []
        self.findings: list[Finding] = []
        self.refused: CalibrationError | CaptureError | None = None
        self.num_frames = 0

    def take(self, moment: FrameSightings) -> None:
        """Take in everybody of one frame, and write what is complete."""
        self._frame = moment.frame
        for seen in moment.sightings:
            self._present.setdefault(seen.track, _Person(seen.track)).see(seen)
        self._confirmed = (self._confirmed | moment.confirmed) - moment.duplicates
        self._learn_who_is_due()
        for person in list(self._present.values()):
            gone = person.track not in moment.alive
            if gone and person.model is None and person.track in self._confirmed:
                self._learn(person)
            if gone or len(person.waiting) >= _INFERRED_TOGETHER:
                self._infer(person)
            if gone:
                self._present.pop(person.track, None)
        self._write(moment.frame + 1)

    def finish(self) -> None:
        """Write the rest. A capture too short to confirm anybody is taken at its word."""
        short = not self.harvested and not self._confirmed
        for person in list(self._present.values()):
            if person.model is None and (short or person.track in self._confirmed):
                self._learn(person)
            self._infer(person)
        self._present.clear()
        self._write(self._job.stop)

    def _learn_who_is_due(self) -> None:
        """Learn those of whom enough was seen; while memory is short, whoever was seen longest."""
        waiting = [p for p in self._present.values() if p.model is None and p.track in self._confirmed]
        for person in sorted(waiting, key=lambda p: -len(p.waiting)):
            held = sum(_bytes(p.waiting) for p in self._present.values() if p.model is None)
            if len(person.waiting) >= self._job.options.warm_up_frames or held > _MAX_WAITING_BYTES:
                self._learn(person)

    def _learn(self, person: _Person) -> None:
        """Give the person a body and a number, or refuse a track that no person can have."""
        try:
            subject = self._job.learn(person.waiting, self._frame)
            self.findings += audit_subject(self._job, subject, f"person {len(self.harvested)}")
        except (CaptureError, CalibrationError) as error:
            first, last = person.waiting[0].frame, person.waiting[-1].frame
            message = f"somebody seen in frames {first} to {last} was left out: {error}"
            self.findings.append(Finding(severity="warning", topic="person", message=message))
            self.refused = error
            self._present.pop(person.track, None)
            return
        person.subject, person.number = subject, len(self.harvested)
        person.model = self._job.learner.model(subject.shells)
        self.harvested.append(person)

    def _infer(self, person: _Person) -> None:
        for record in person.infer():
            heapq.heappush(self._done, (record.frame, record.person, record))

    def _write(self, stop: int) -> None:
        """Write the records of all frames before `stop` of which nobody still waits."""
        ready = min([stop, *(p.waiting[0].frame for p in self._present.values() if p.waiting)])
        while self._done and self._done[0][0] < ready:
            frame, _, record = heapq.heappop(self._done)
            self._writer.add(record)
            self.num_frames += frame != self._last_written
            self._last_written = frame


def _bytes(sightings: list[Sighting]) -> int:
    return sum(s.heatmaps.values.numel() * s.heatmaps.values.element_size() for s in sightings)


def _listed(frames: set[int]) -> str:
    return ", ".join(f"{first} to {last}" for first, last in _runs(frames))


def _runs(frames: set[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of frames.

    >>> _runs({7, 1, 2, 8, 3})
    [(1, 3), (7, 8)]
    """
    runs: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if runs and frame - runs[-1][1] <= _JOINED:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs
