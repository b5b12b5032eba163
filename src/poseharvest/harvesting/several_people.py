"""Harvesting several people: one body, one volume and one number each, in one folder.

All people are followed together. Each person's limbs are learned from that person's first frames, and until then their
sightings wait. Records are written in order of frame and person. So a new person delays the records of the others,
which are small, but never their heatmaps.

After each finished part it is stored where all people stand (`people_stage`), so that an interrupted harvest goes on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from poseharvest.annotations.info import HarvestRun, PersonInfo
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import prefetch
from poseharvest.errors import CalibrationError, CaptureError
from poseharvest.findings import Finding
from poseharvest.harvesting.annotate import TOGETHER, annotate, infer_each
from poseharvest.harvesting.body_check import check_statures, fit_subject
from poseharvest.harvesting.input_checks import audit_subject, missing_people, nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.known_people import Newcomer, PersonName, measured_lengths, name_person
from poseharvest.harvesting.people_stage import STORED, PeopleStage, PersonStage
from poseharvest.harvesting.provenance import described_refinement, provenance
from poseharvest.harvesting.sighting_streams import PlacedMoment, Position, sightings_of_all
from poseharvest.harvesting.subject import Subject, by_name
from poseharvest.localization.sighting import FrameSightings, Sighting, TrackedSighting
from poseharvest.pictorial.infer import PictorialStructures
from poseharvest.skeleton.limb_lengths import LimbLengths
from poseharvest.skeleton.proportions import BodyFit
from poseharvest.storage.plain_state import from_plain, to_plain

_INFERRED_TOGETHER = TOGETHER
_MAX_WAITING_BYTES = 256 * 2**20  # heatmaps that may wait until a subject is known
_MAX_GAP = 2  # frames between two runs of uncertain frames that are joined


def harvest_people(job: Job, writer: HarvestWriter, findings: list[Finding]) -> HarvestRun:
    """Write the annotations of all people, or of as many as the options say, and return the record of the run.

    Raises:
        CaptureError: no person is found.
        CalibrationError: none of the bodies found can be a person's, and `ignore_audit` is not set.
    """
    people = _People(job, writer)
    stage = None if writer.state is None else from_plain(writer.state, STORED)
    if stage is not None:
        people.go_on(stage)
    position = None if stage is None else stage.position
    with closing(prefetch([sightings_of_all(job, writer, position)], depth=job.frames_ahead)) as ahead:
        for (placed,) in ahead:
            if people.add_frame(placed):
                writer.keep(to_plain(people.stage()))
            job.report(placed.moment.frame + 1, f"harvesting, people: {len(people.known)}")
    job.report(job.stop, f"harvesting the last frames, people: {len(people.known)}")
    people.finish()
    written = [person for person in people.known if person.num_frames]
    if not written:
        raise people.last_error or nobody_found_error(job)
    only = written[0].subject if len(written) == 1 else None
    tracks = {person.track: person.number for person in written}
    written.sort(key=lambda person: person.number)
    infos = tuple(person.info(job, set(tracks)) for person in written)
    findings = [*findings, *people.findings, *missing_people(job, people.num_frames)]
    for person in written:
        findings += [*person.identity_findings(tracks), *person.overlap_findings()]
    findings += check_statures({person.number: fit.stature_mm for person in written if (fit := person.fit) is not None})
    return provenance(job, findings, only, infos)


@dataclass(eq=False)
class _Person:
    """The state of one person during the harvest.

    Attributes:
        track: number of the track.
        waiting: sightings without a posterior yet.
        number: number in the harvest, from 0; -1 until the body is known.
        subject: the body.
        model: the model of the body, while the person is present.
        first_frame: number of the first harvested frame.
        last_frame: number of the last harvested frame.
        num_frames: number of harvested frames.
        uncertain: by track, the frames in which this person may have been exchanged with that track's.
        overlapped: frames in which many peaks around this person were removed as other people's.
        name: the number, and how sure it is among the people of other captures; None until the body is known.
        measured: limbs that this capture shows well, as it alone shows them.
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
    name: PersonName | None = None
    measured: LimbLengths = field(default_factory=lambda: LimbLengths({}))

    def add_sighting(self, tracked: TrackedSighting) -> None:
        self.waiting.append(tracked.sighting)
        if tracked.is_overlapped:
            self.overlapped.add(tracked.sighting.frame)
        for other in tracked.confused_with:
            self.uncertain.setdefault(other, set()).add(tracked.sighting.frame)

    def infer(self) -> Iterator[FrameAnnotations]:
        """Yield the records of all waiting sightings."""
        if self.model is None or self.subject is None:
            return
        support = self.subject.support
        for sighting, posterior in infer_each(self.model, self.waiting, support, self.subject.refinement):
            record = annotate(sighting, posterior, self.number, support)
            if not support.holds_person(record.supported):
                continue
            yield record
            self.first_frame = sighting.frame if self.num_frames == 0 else self.first_frame
            self.last_frame, self.num_frames = sighting.frame, self.num_frames + 1
        self.waiting = []

    def stage(self) -> PersonStage:
        """Return what is known of the person."""
        return PersonStage(
            self.track,
            self.waiting[0].frame if self.waiting else None,
            self.number,
            self.subject,
            self.first_frame,
            self.last_frame,
            self.num_frames,
            {track: frozenset(frames) for track, frames in self.uncertain.items()},
            frozenset(self.overlapped),
            self.name,
            self.measured,
        )

    @classmethod
    def of(cls, stage: PersonStage, job: Job, *, is_present: bool) -> _Person:
        """Return the person of a stage, without the sightings that waited; those who are not present need no model."""
        return cls(
            stage.track,
            [],
            stage.number,
            stage.subject,
            job.learner.model(stage.subject.shells) if is_present and stage.subject is not None else None,
            stage.first_frame,
            stage.last_frame,
            stage.num_frames,
            {track: set(frames) for track, frames in stage.uncertain.items()},
            set(stage.overlapped),
            stage.name,
            stage.measured,
        )

    @property
    def fit(self) -> BodyFit | None:
        """How well the limbs fit those of a person, once the body is known."""
        return None if self.subject is None else fit_subject(self.subject)

    def info(self, job: Job, tracks: set[int]) -> PersonInfo:
        """Return the person's entry in `harvest.json`; tracks that were not harvested do not count as confused."""
        subject = self.subject
        frames = set().union(*(frames for other, frames in self.uncertain.items() if other in tracks))
        return PersonInfo(
            person=self.number,
            frames=self.num_frames,
            first_frame=self.first_frame,
            last_frame=self.last_frame,
            limb_lengths_mm={} if subject is None else by_name(subject.lengths),
            shells_mm={} if subject is None else by_name(subject.shells),
            refinement=None if subject is None else described_refinement(job, subject),
            uncertain_frames=tuple(_runs(frames)),
            measured_mm=by_name(self.measured),
            name_state="new" if self.name is None else self.name.state,
            likely={} if self.name is None else self.name.likely,
        )

    def overlap_findings(self) -> list[Finding]:
        """Return a finding if other people hid this person, or were so near that peaks were removed as theirs."""
        if not self.overlapped:
            return []
        message = (
            f"person {self.number}: others are in the way in frames {_format_runs(self.overlapped)}: many peaks around "
            "this person counted as theirs and were left out, so that joints may be wrong there without a large sigma: "
            "look at these frames in the report, or harvest this person alone with boxes (--boxes)"
        )
        return [Finding(severity="warning", topic="overlap", message=message)]

    def identity_findings(self, numbers: dict[int, int]) -> list[Finding]:
        """Return a finding for each other person with whom this one may have been exchanged; each pair once."""
        return [
            Finding(
                severity="warning",
                topic="identity",
                message=f"persons {self.number} and {numbers[other]} may have been exchanged in frames "
                + _format_runs(frames)
                + ": they were too near each other to tell them apart, or one was hidden beside the other",
            )
            for other, frames in sorted(self.uncertain.items())
            if numbers.get(other, -1) > self.number
        ]


class _People:
    """All people, and the records that wait for their turn."""

    def __init__(self, job: Job, writer: HarvestWriter) -> None:
        self._job, self._writer = job, writer
        self._present: dict[int, _Person] = {}
        self._confirmed: set[int] = set()
        self._records: list[tuple[int, int, FrameAnnotations]] = []
        self._last_written = -1
        self._frame = self._done = job.options.start
        self._positions: list[tuple[int, Position]] = []  # of the frames that a stage may have to go back to
        self._waited_from: dict[int, int] = {}  # by track, while frames are seen again
        self._seen_before = -1  # the last frame that is seen again
        self.known: list[_Person] = []
        self.findings: list[Finding] = []
        self.last_error: CalibrationError | CaptureError | None = None
        self.num_frames = 0

    def stage(self) -> PeopleStage:
        """Return where everybody stands after the last frame."""
        people = list(dict.fromkeys([*self._present.values(), *self.known]))
        return PeopleStage(
            self._positions[0][1],
            self._frame,
            tuple(person.stage() for person in people),
            tuple(people.index(person) for person in self._present.values()),
            tuple(people.index(person) for person in self.known),
            frozenset(self._confirmed),
            tuple(record for _, _, record in sorted(self._records, key=lambda one: one[:2])),
            self._writer.unwritten,
            self._last_written,
            self.num_frames,
            tuple(self.findings),
        )

    def go_on(self, stage: PeopleStage) -> None:
        """Go on from a stage: the frames from its position on, up to its own, are seen again."""
        present = set(stage.present)
        people = [_Person.of(one, self._job, is_present=place in present) for place, one in enumerate(stage.people)]
        self._present = {people[place].track: people[place] for place in stage.present}
        self.known = [people[place] for place in stage.known]
        waited = ((one.track, one.waiting_from) for one in stage.people)
        self._waited_from = {track: frame for track, frame in waited if frame is not None}
        self._confirmed, self._frame, self._seen_before = set(stage.confirmed), stage.frame, stage.frame
        self._records = [(record.frame, record.person, record) for record in stage.records]  # sorted, so a heap
        self._last_written, self.num_frames, self.findings = stage.last_written, stage.num_frames, list(stage.findings)
        for record in stage.unwritten:
            self._writer.add(record)

    def _see_again(self, moment: FrameSightings) -> None:
        """Let the sightings wait that waited when the stage was stored."""
        for tracked in moment.sightings:
            if moment.frame >= self._waited_from.get(tracked.track, moment.frame + 1):
                self._present[tracked.track].waiting.append(tracked.sighting)

    def add_frame(self, placed: PlacedMoment) -> bool:
        """Add the sightings of one frame, write the records of all finished frames, and return if a part is finished.

        Frames that were used before an interruption only give back the sightings that waited.
        """
        moment = placed.moment
        self._positions.append((moment.frame, placed.position))
        if moment.frame <= self._seen_before:
            self._see_again(moment)
            return False
        self._frame = self._done = moment.frame
        for tracked in moment.sightings:
            self._present.setdefault(tracked.track, _Person(tracked.track)).add_sighting(tracked)
        self._confirmed = (self._confirmed | moment.confirmed) - moment.duplicates
        self._learn_due_people()
        for person in list(self._present.values()):
            has_left = person.track not in moment.alive
            if has_left and person.model is None and person.track in self._confirmed:
                self._learn(person)
            if has_left or len(person.waiting) >= _INFERRED_TOGETHER:
                self._infer(person)
            if has_left:
                self._present.pop(person.track, None)
                person.model = None  # its tables take 20 MB, and its work is done
        finishes_part = self._write(moment.frame + 1)
        first = min([moment.frame, *(person.waiting[0].frame for person in self._present.values() if person.waiting)])
        self._positions = [one for one in self._positions if one[0] >= first]
        return finishes_part

    def finish(self) -> None:
        """Write the rest. In a capture too short to confirm a track, all tracks count as people."""
        self._done = self._job.stop
        short = not self.known and not self._confirmed
        for person in list(self._present.values()):
            if person.model is None and (short or person.track in self._confirmed):
                self._learn(person)
            self._infer(person)
        self._present.clear()
        self._write(self._job.stop)

    def _learn_due_people(self) -> None:
        """Learn the people with enough sightings; if memory is short, first the one with most sightings."""
        waiting = [p for p in self._present.values() if p.model is None and p.track in self._confirmed]
        for person in sorted(waiting, key=lambda p: -len(p.waiting)):
            num_bytes = sum(_bytes(p.waiting) for p in self._present.values() if p.model is None)
            if len(person.waiting) >= self._job.options.warm_up_frames or num_bytes > _MAX_WAITING_BYTES:
                self._learn(person)

    def _learn(self, person: _Person) -> None:
        """Give the person a body and a number, or drop a track whose limbs cannot be a person's."""
        try:
            alone = self._job.learn(person.waiting, self._done, f"person {self._next_number}")
            name, subject = self._recognise(alone, person)
            findings = audit_subject(self._job, subject, f"person {name.person}")
        except (CaptureError, CalibrationError) as error:
            first, last = person.waiting[0].frame, person.waiting[-1].frame
            message = f"a person seen in frames {first} to {last} was left out: {error}"
            self.findings.append(Finding(severity="warning", topic="person", message=message))
            self.last_error = error
            self._present.pop(person.track, None)
            return
        self.findings += [*findings, *([name.finding] if name.finding is not None else [])]
        person.subject, person.number, person.name = subject, name.person, name
        person.measured = LimbLengths(measured_lengths(alone))
        person.model = self._job.learner.model(subject.shells)
        self.known.append(person)

    @property
    def _next_number(self) -> int:
        """The number of the next new person: behind those of this capture and of the others."""
        numbers = [one.person for one in self._job.known_people] + [person.number for person in self.known]
        return max(numbers, default=-1) + 1

    def _recognise(self, alone: Subject, person: _Person) -> tuple[PersonName, Subject]:
        """Return the person's number, and the body: for a known person that of the other captures."""
        taken = {other.number for other in self.known}
        known = self._job.known_people
        newcomer = Newcomer(self._job.detector.skeleton, measured_lengths(alone), len(person.waiting))
        name = name_person(newcomer, known, taken=taken, next_number=self._next_number)
        if name.state != "known":
            return name, alone
        lengths = next(one.lengths_mm for one in known if one.person == name.person)
        job = replace(self._job, limb_lengths=LimbLengths({**alone.lengths.mm, **lengths}))
        shared = job.learn(person.waiting, self._done, f"person {name.person}")
        names = {"-".join(limb) for limb in lengths}
        guessed, few = (tuple(limb for limb in of if limb not in names) for of in (alone.guessed, alone.few))
        return name, replace(shared, guessed=guessed, few=few)

    def _infer(self, person: _Person) -> None:
        report = self._job.part_reporter(self._done)
        for record in person.infer():
            report(f"harvesting, person {person.number} in frame {record.frame}")
            heapq.heappush(self._records, (record.frame, record.person, record))

    def _write(self, stop: int) -> bool:
        """Write the records of frames before `stop` for which no sighting still waits; return if a part is finished."""
        finishes_part = False
        ready = min([stop, *(p.waiting[0].frame for p in self._present.values() if p.waiting)])
        while self._records and self._records[0][0] < ready:
            frame, _, record = heapq.heappop(self._records)
            finishes_part |= self._writer.add(record)
            self.num_frames += frame != self._last_written
            self._last_written = frame
        return finishes_part


def _bytes(sightings: list[Sighting]) -> int:
    return sum(s.heatmaps.values.numel() * s.heatmaps.values.element_size() for s in sightings)


def _format_runs(frames: set[int]) -> str:
    return ", ".join(f"{first} to {last}" for first, last in _runs(frames))


def _runs(frames: set[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of frames.

    >>> _runs({7, 1, 2, 8, 3})
    [(1, 3), (7, 8)]
    """
    runs: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if runs and frame - runs[-1][1] <= _MAX_GAP:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs
