"""From the placed sightings of one person to records, a batch of inference at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.harvesting.annotate import TOGETHER, annotate, infer_each
from poseharvest.harvesting.hand_sightings import HandTally
from poseharvest.harvesting.job import Job
from poseharvest.harvesting.sighting_streams import PlacedSighting, Position
from poseharvest.harvesting.subject import Subject
from poseharvest.localization.sighting import Sighting


@dataclass(frozen=True, eq=False)
class PlacedRecord:
    """The record of a sighting.

    Attributes:
        record: its annotations.
        holds_person: enough joints are supported for a person, so that the record belongs to the harvest.
        position: the place of the sighting if it begins a batch of inference, else None.
        hands: what was seen of hands up to this record, if they are harvested.
    """

    record: FrameAnnotations
    holds_person: bool
    position: Position | None
    hands: HandTally | None = None


def records_of_one(job: Job, subject: Subject, placed: Iterable[PlacedSighting]) -> Iterator[PlacedRecord]:
    """Yield the record of every sighting of the one person, in order; the first sighting begins a batch of inference.

    Args:
        job: the harvest.
        subject: the person.
        placed: the sightings, which are read one batch ahead.
    """
    positions: deque[Position] = deque()  # of the batch that is being inferred

    def sightings() -> Iterator[Sighting]:
        for one in placed:
            positions.append(one.position)
            yield one.sighting

    inferred = infer_each(job.learner.model(subject.shells), sightings(), subject.support, subject.refinement)
    for number, (sighting, posterior) in enumerate(inferred):
        position = positions.popleft()
        record = annotate(sighting, posterior, support=subject.support)
        # After a person has left, a network still gives peaks at the last place, but no two views agree on them.
        holds_person = job.boxes is not None or subject.support.holds_person(record.supported)
        yield PlacedRecord(record, holds_person, position if number % TOGETHER == 0 else None)
