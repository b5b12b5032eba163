"""Sightings that wait on disk while the subject is learned, since their heatmaps would fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from poseharvest.heatmaps.maps import Heatmaps
from poseharvest.localization.sighting import Sighting
from poseharvest.storage.disk import os_errors_as_store_errors


@dataclass(frozen=True, eq=False)
class _Place:
    """A sighting without its heatmaps, the place of the heatmaps in the file, and their shape and dtype."""

    sighting: Sighting
    start: int
    like: Tensor


class SightingSpool:
    """A sequence of sightings whose heatmaps lie in a file; every access reads them from there.

    Args:
        file: empty, for reading and writing, unbuffered; the caller closes it.
        target: path that the error of a full disk names.
    """

    def __init__(self, file: IO[bytes], target: Path) -> None:
        self._file, self._target = file, target
        self._places: list[_Place] = []

    def append(self, sighting: Sighting) -> None:
        """Append a sighting.

        Raises:
            StoreError: the file cannot be written.
        """
        values = sighting.heatmaps.values.cpu().contiguous()
        with os_errors_as_store_errors(self._target):
            start = self._file.seek(0, 2)
            remaining = values.reshape(-1).view(torch.uint8).numpy().data
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
        # A new, empty tensor: a slice of `values` would keep all of its memory.
        nothing = Heatmaps(values.new_empty(*values.shape[:2], 0, 0), sighting.heatmaps.crops)
        self._places.append(_Place(replace(sighting, heatmaps=nothing), start, values.to("meta")))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Sighting]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: int) -> Sighting:
        place = self._places[index]
        self._file.seek(place.start)
        content = bytearray(self._file.read(place.like.nbytes))
        values = torch.frombuffer(content, dtype=place.like.dtype).reshape(place.like.shape)
        return replace(place.sighting, heatmaps=Heatmaps(values, place.sighting.heatmaps.crops))
