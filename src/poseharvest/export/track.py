"""One person's frames, evenly spaced, as formats of marker trajectories want them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.rows import SelectedFrame
from poseharvest.errors import ConfigError


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


def find_track(harvest: Harvest, person: int | None, file: str) -> Track:
    """Return the frames of `person`, in one pass over two columns.

    Args:
        harvest: of one person or more.
        person: whom to write; None for the only one.
        file: what is written, for the error.

    Raises:
        ConfigError: the person is not in the harvest, or there are several and none is chosen.
    """
    tracks: dict[int, Track] = {}
    for table in harvest.frame_columns(["frame", "person"]):
        for frame, who in zip(table.column("frame").to_pylist(), table.column("person").to_pylist(), strict=True):
            old = tracks.get(who, Track(who, frame, frame, 0))
            tracks[who] = Track(who, old.first, frame, math.gcd(old.step, frame - old.last))
    found = ", ".join(map(str, sorted(tracks)))
    if person is None and len(tracks) > 1:
        raise ConfigError(f"person: {file} holds one person, this harvest holds {found}: choose one")
    chosen = next(iter(tracks)) if person is None else person
    if chosen not in tracks:
        raise ConfigError(f"person: expected one of {found}, got {chosen}")
    track = tracks[chosen]
    return Track(chosen, track.first, track.last, max(1, track.step))


def rows_of(harvest: Harvest, track: Track) -> Iterator[SelectedFrame | None]:
    """Yield a row for every frame of the track; None where the person was not found."""
    expected = track.first
    for row in harvest.iter_selected():
        record = row.annotations
        if record.person != track.person:
            continue
        for _ in range(expected, record.frame, track.step):
            yield None
        yield row
        expected = record.frame + track.step
