"""One person's frames, evenly spaced, as formats of marker trajectories want them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import SelectedFrame
from poseharvest.errors import ConfigError
from poseharvest.export.export_options import is_within


class TrackOptions(Protocol):
    """Whom to write, and when: fields of the options of every format of trajectories."""

    @property
    def person(self) -> int | None:
        """Whom to write; None for the only one."""

    @property
    def start(self) -> int:
        """The capture's first frame to write."""

    @property
    def stop(self) -> int | None:
        """The frame before which to stop; None for the last."""


@dataclass(frozen=True)
class Track:
    """The frames of one person: `first` to `last` in steps of `step`."""

    person: int
    first: int
    last: int
    step: int

    @property
    def frames(self) -> range:
        """Every frame of the file, also those in which the person was not found."""
        return range(self.first, self.last + 1, self.step)


def find_track(harvest: Harvest, options: TrackOptions, file: str) -> Track:
    """Return the frames of a person, in one pass over two columns.

    Args:
        harvest: of one person or more.
        options: whom to write, and when.
        file: what is written, for the error.

    Raises:
        ConfigError: the person is not in the harvest or not in these frames, or there are several and none is chosen.
    """
    tracks: dict[int, Track] = {}
    within: dict[int, list[int]] = {}
    for frame, who in _frames_and_people(harvest):
        old = tracks.get(who, Track(who, frame, frame, 0))
        tracks[who] = Track(who, old.first, frame, math.gcd(old.step, frame - old.last))
        if is_within(frame, options.start, options.stop):
            within[who] = [within.get(who, [frame])[0], frame]
    person = _chosen(sorted(tracks), options.person, file)
    if person not in within:
        frames = f"{options.start} to {'the last' if options.stop is None else options.stop - 1}"
        raise ConfigError(f"frames {frames}: expected person {person} in some, got none: change --start or --stop")
    first, last = within[person]
    return Track(person, first, last, max(1, tracks[person].step))


def rows_of(harvest: Harvest, track: Track) -> Iterator[SelectedFrame | None]:
    """Yield a row for every frame of the track; None where the person was not found."""
    expected = track.first
    for row in harvest.iter_selected():
        record = row.annotations
        if record.frame > track.last:
            return
        if record.person != track.person or record.frame < track.first:
            continue
        for _ in range(expected, record.frame, track.step):
            yield None
        yield row
        expected = record.frame + track.step


def _frames_and_people(harvest: Harvest) -> Iterator[tuple[int, int]]:
    for table in harvest.frame_columns(["frame", "person"]):
        yield from zip(table.column("frame").to_pylist(), table.column("person").to_pylist(), strict=True)


def _chosen(people: Sequence[int], person: int | None, file: str) -> int:
    if not people:
        raise ConfigError(f"{file} holds one person, this harvest holds nobody")
    numbers = ", ".join(map(str, people))
    if person is None and len(people) > 1:
        raise ConfigError(f"person: {file} holds one person, this harvest holds {numbers}: choose one with --person")
    if person is not None and person not in people:
        raise ConfigError(f"person: expected one of {numbers}, got {person}")
    return people[0] if person is None else person
