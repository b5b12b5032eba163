"""Harvesting the one person on whom most views agree, so that an interrupted harvest can be gone on with.

After each finished part it is stored where the harvest stands: the learned body, and the tracker as it was before the
frames from which inference goes on. Frames go to the tracker and sightings to inference in the same groups as without
an interruption. So the annotations are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from poseharvest.annotations.info import HarvestRun
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.capture.frames import prefetch
from poseharvest.errors import StoreError
from poseharvest.findings import CameraFault, Finding
from poseharvest.harvesting.camera_check import LeaveOut, check_cameras
from poseharvest.harvesting.hand_findings import with_hands_described
from poseharvest.harvesting.hand_learning import learn_hands
from poseharvest.harvesting.hand_records import with_hands_of
from poseharvest.harvesting.hand_sightings import HandTally
from poseharvest.harvesting.input_checks import audit_subject, missing_people, nobody_found_error
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.over_workers import Workers, spread_records
from poseharvest.harvesting.people_beside import people_beside
from poseharvest.harvesting.provenance import provenance
from poseharvest.harvesting.sighting_streams import (
    PlacedRecord,
    PlacedSighting,
    Position,
    records_of_one,
    sightings_of_one,
    warm_up,
)
from poseharvest.harvesting.spool import SightingSpool
from poseharvest.harvesting.subject import STORED_WITH_SUBJECT, Subject
from poseharvest.harvesting.teachers import collect_teachers
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.follow.one_of_many import OneOfManyState
from poseharvest.localization.follow.one_person import Belief, PursuitState
from poseharvest.localization.follow.people_tracker import PeopleState
from poseharvest.localization.follow.track import Track
from poseharvest.storage.plain_state import from_plain, to_plain


@dataclass(frozen=True, eq=False)
class Stage:
    """Where a harvest of one person stands.

    Attributes:
        subject: the person.
        position: of the first sighting that is not inferred yet; it begins a batch of inference.
        num_sightings: sightings before it.
        num_records: records before it.
        fault: of a camera, if there is one.
        hands: what is known of the person's hands, if they are harvested and seen.
        tally: what was seen of hands before it.
    """

    subject: Subject
    position: Position
    fault: CameraFault | None = None
    num_sightings: int = 0
    num_records: int = 0
    hands: Subject | None = None
    tally: HandTally = field(default_factory=HandTally)


_STORED = (
    Stage,
    Position,
    OneOfManyState,
    PeopleState,
    PursuitState,
    Track,
    Belief,
    Candidate,
    CameraFault,
    HandTally,
    *STORED_WITH_SUBJECT,
)


def harvest_one(job: Job, writer: HarvestWriter, findings: list[Finding], workers: Workers | None = None) -> HarvestRun:
    """Write the annotations of the one person on whom most views agree, from where an interrupted harvest stands.

    The person is learned in this process.

    Args:
        job: the harvest.
        writer: takes the records, and keeps where the harvest stands.
        findings: those of the inputs.
        workers: harvest the frames, in chunks; None harvests them here.

    Raises:
        LeaveOut: a camera is plainly at fault: begin again without it.
        CaptureError: no person is found.
        CalibrationError: the limbs show that the calibration is wrong, and `ignore_audit` is not set.
    """
    stage = _stored_stage(writer)
    if stage is not None:
        job = replace(job, fault=stage.fault)
    position = None if stage is None else stage.position
    with (
        writer.scratch_file() as scratch,
        writer.scratch_file() as more,
        closing(prefetch([sightings_of_one(job, writer, position)], depth=job.frames_ahead)) as ahead,
    ):
        placed: Iterator[PlacedSighting] = (one for (one,) in ahead)
        if stage is None:
            first = SightingSpool(scratch, writer.target)
            positions = warm_up(job, placed, first)
            job = _with_fault(job, first, writer)
            teachers = collect_teachers(job, first, SightingSpool(more, writer.target))
            subject = job.learn(teachers)
            hands = learn_hands(job, teachers) if job.options.hands else None
            stage = Stage(subject, positions[0], job.fault, hands=hands)
            placed = chain(map(PlacedSighting, first, positions), placed)
        findings = findings + audit_subject(job, stage.subject)
        if writer.state is None:
            writer.keep(to_plain(stage))
        if workers is None:
            records = records_of_one(job, stage.subject, placed)
        else:
            ahead.close()
            records = spread_records(job, writer, workers, subject=stage.subject, position=position)
        if job.options.hands:
            records = with_hands_of(job, stage.hands, records, stage.tally)
        written = _write_records(job, writer, stage, records)
    if written.num_records == 0:
        writer.forget()
        raise nobody_found_error(job)
    findings = findings + missing_people(job, written.num_records) + people_beside(job)
    run = provenance(job, findings, stage.subject)
    return with_hands_described(run, job, stage.hands, written.tally) if job.options.hands else run


def _stored_stage(writer: HarvestWriter) -> Stage | None:
    if writer.state is None:
        return None
    stage = from_plain(writer.state, _STORED)
    if not isinstance(stage, Stage):
        raise StoreError(f"{writer.target}: the unfinished harvest is damaged: begin again (--overwrite)")
    return stage


def stored_fault(writer: HarvestWriter) -> CameraFault | None:
    """Return the fault because of which an interrupted harvest left cameras out, or None."""
    stage = _stored_stage(writer)
    return None if stage is None or stage.fault is None or not stage.fault.is_left_out else stage.fault


def _with_fault(job: Job, first: SightingSpool, writer: HarvestWriter) -> Job:
    """Return the harvest with the fault of a camera, if there is one that is kept all the same.

    Raises:
        LeaveOut: it is not kept.
    """
    fault = job.fault or check_cameras(job, first)
    if fault is not None and fault.is_left_out and job.fault is None:
        writer.forget()
        raise LeaveOut(fault)
    return replace(job, fault=fault)


class _Written(NamedTuple):
    """What was written.

    Attributes:
        num_records: the number of all records.
        tally: what was seen of hands in them.
    """

    num_records: int
    tally: HandTally


def _write_records(job: Job, writer: HarvestWriter, stage: Stage, placed: Iterable[PlacedRecord]) -> _Written:
    """Write the records from a stage on, and return what all of them are.

    Records that lie in finished parts already are inferred again with their batch; the writer passes over them.
    """
    num_records, tally = stage.num_records, stage.tally
    for number, one in enumerate(placed, stage.num_sightings):
        if one.position is not None:
            stage = replace(stage, position=one.position, num_sightings=number, num_records=num_records)
            stage = replace(stage, tally=tally)
        tally = one.hands or tally
        if one.holds_person:
            num_records += 1
            if writer.add(one.record):
                writer.keep(to_plain(stage))
        job.report(one.record.frame + 1, "harvesting")
    return _Written(num_records, tally)
