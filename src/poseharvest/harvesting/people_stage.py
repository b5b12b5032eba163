"""Where a harvest of several people stands, so that an interrupted one can be gone on with.

The heatmaps of sightings that wait for their body are not stored: the tracker goes back to the first of them, and sees
them again.
"""

from __future__ import annotations

from dataclasses import dataclass

from poseharvest.annotations.records import FrameAnnotations
from poseharvest.findings import Finding
from poseharvest.geometry.crop import Crop
from poseharvest.harvesting.known_people import PersonName
from poseharvest.harvesting.sighting_streams import Position
from poseharvest.harvesting.subject import STORED_WITH_SUBJECT, Subject
from poseharvest.localization.find.scan import Candidate
from poseharvest.localization.follow.one_person import Belief
from poseharvest.localization.follow.people_tracker import PeopleState
from poseharvest.localization.follow.track import Track
from poseharvest.skeleton.limb_lengths import LimbLengths


@dataclass(frozen=True, eq=False)
class PersonStage:
    """One person; see `several_people.Person`.

    Attributes:
        waiting_from: frame of the first sighting without a posterior; None if none waits.
    """

    track: int
    waiting_from: int | None
    number: int
    subject: Subject | None
    first_frame: int
    last_frame: int
    num_frames: int
    uncertain: dict[int, frozenset[int]]
    overlapped: frozenset[int]
    name: PersonName | None
    measured: LimbLengths


@dataclass(frozen=True, eq=False)
class PeopleStage:
    """All people after a frame.

    Attributes:
        position: of the first frame that must be seen again.
        frame: the last frame that was used.
        people: everybody who is present or known.
        present: places in `people` of those who are present, in order.
        known: places in `people` of those whose body is known, in the order in which it was learned.
        confirmed: tracks that follow a person for certain.
        records: that wait for their turn.
        unwritten: records that the writer had, and that lie in no finished part.
        last_written: frame of the last record that the writer had.
        num_frames: number of frames with records.
        findings: on people who were left out, and on bodies.
    """

    position: Position
    frame: int
    people: tuple[PersonStage, ...]
    present: tuple[int, ...]
    known: tuple[int, ...]
    confirmed: frozenset[int]
    records: tuple[FrameAnnotations, ...]
    unwritten: tuple[FrameAnnotations, ...]
    last_written: int
    num_frames: int
    findings: tuple[Finding, ...]


STORED = (
    PeopleStage,
    PersonStage,
    Position,
    PeopleState,
    Track,
    Belief,
    Candidate,
    FrameAnnotations,
    PersonName,
    Crop,
    Finding,
    *STORED_WITH_SUBJECT,
)
"""The classes that a stored stage may hold."""
