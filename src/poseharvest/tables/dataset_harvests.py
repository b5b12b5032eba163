"""Harvesting the sequences of a data set, a finished unit each, without the truth or in the authors' setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from poseharvest.annotations.reader import Harvest
from poseharvest.datasets.protocol import DatasetSequence, PersonTruth
from poseharvest.datasets.recording_footage import DatasetFootage
from poseharvest.detectors.protocol import HeatmapDetector
from poseharvest.harvesting.harvest_capture import harvest as run_harvest
from poseharvest.learning.personalize.finetune import trainable
from poseharvest.progress import OnProgress, with_prefix
from poseharvest.skeleton.convert import Conversion
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.finished_units import UnitStore
from poseharvest.tables.authors_setting import FROM_TRUTH, harvest_from_truth, known_body
from poseharvest.tables.request import DetectorSource, TableRequest, plain_harvesting
from poseharvest.tables.sequence_frames import positions_at, thinned

HARVEST = "harvest"


@dataclass(frozen=True, eq=False)
class ShotTruth:
    """The truth of a shot.

    Attributes:
        person: the only one, in all frames of the sequence.
        positions: (F, J, 3) mm, of the shot's frames; NaN where not annotated.
    """

    person: PersonTruth
    positions: Tensor

    def on(self, skeleton: Skeleton) -> Tensor:
        """Return (F, J, 3) on another skeleton.

        Raises:
            SkeletonError: the truth's joints do not give those of the skeleton.
        """
        return Conversion(self.person.skeleton, skeleton).points(self.positions)


@dataclass(frozen=True, eq=False)
class Shot:
    """A sequence with the views and the frames that a table uses.

    Attributes:
        sequence: of the data set.
        cameras: the views that are used, in this order; None is all.
        step: distance between the numbers of two frames.
    """

    sequence: DatasetSequence
    cameras: tuple[str, ...] | None = None
    step: int = 1

    def footage(self, *, pictures: bool = True) -> DatasetFootage:
        """Return its frames."""
        return thinned(self.sequence.footage(self.cameras, pictures=pictures), self.step)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """What the data set calls its frames."""
        return self.footage(pictures=False).numbers

    def truth(self) -> ShotTruth:
        """Return the true joints of exactly its frames.

        Raises:
            DatasetError: footage and annotations are out of step.
        """
        person = self.sequence.truth().only
        return ShotTruth(person, positions_at(person, self.numbers, sequence=self.sequence.name))

    @property
    def key(self) -> str:
        """Its part of the names of finished units."""
        return self.sequence.name if self.cameras is None else f"{self.sequence.name}: {'+'.join(self.cameras)}"


@dataclass(frozen=True, eq=False)
class HarvestedShot:
    """A shot with its harvest."""

    shot: Shot
    harvest: Harvest


@dataclass(frozen=True, eq=False)
class Harvester:
    """Harvests shots with one kind of detector.

    Attributes:
        request: what was asked for.
        name: of the detector's state, the first part of every unit's name: "generic".
        detectors: give the detector of a sequence.
        check: called before anything is harvested; raises SkeletonError if the table cannot judge a detector's joints.
        must_learn: check beforehand, too, that the detector can be fine-tuned.
        detector_settings: what the detector depends on beyond the request's own, in plain data.
    """

    request: TableRequest
    name: tuple[str, ...]
    detectors: DetectorSource
    check: Callable[[Skeleton], None]
    must_learn: bool = False
    detector_settings: Mapping[str, Any] = field(default_factory=dict)

    def harvest(self, shots: Sequence[Shot]) -> list[HarvestedShot]:
        """Return every shot with its harvest, made now where it is not done.

        Raises:
            HarvestError: a sequence's files are missing, damaged or out of step, or nobody is found in one.
        """
        return [self._harvest(shot, f"{n} of {len(shots)}, {shot.key}") for n, shot in enumerate(shots, 1)]

    def _harvest(self, shot: Shot, title: str) -> HarvestedShot:
        on_progress = with_prefix(self.request.on_progress, title)
        folder = UnitStore(self.request.out).ensure(
            (*self.name, shot.key), self._settings(shot), lambda folder: self._make(shot, folder, on_progress)
        )
        return HarvestedShot(shot, Harvest.open(folder / HARVEST))

    def _make(self, shot: Shot, folder: Path, on_progress: OnProgress) -> None:
        detector = self.detectors.load(shot.sequence.name)
        self.check(detector.skeleton)
        if self.must_learn:
            trainable(detector)
        footage = shot.footage(pictures=detector.needs_images)
        options, out = self.request.harvesting, folder / HARVEST
        if self.request.authors_setting:
            self._make_from_truth(shot, footage, detector, out, on_progress)
        else:
            run_harvest(footage, detector, out, options=options, overwrite=True, on_progress=on_progress)

    def _make_from_truth(
        self, shot: Shot, footage: DatasetFootage, detector: HeatmapDetector, out: Path, on_progress: OnProgress
    ) -> None:
        truth = shot.truth()
        harvest_from_truth(
            footage,
            detector,
            out,
            body=known_body(truth.person, truth.positions, detector.skeleton),
            options=self.request.harvesting,
            on_progress=on_progress,
        )

    def _settings(self, shot: Shot) -> dict[str, Any]:
        numbers = shot.numbers
        frames = {"count": len(numbers), "first": int(numbers[0]), "last": int(numbers[-1]), "step": shot.step}
        return {**setting_of(self.request), **self.detector_settings, "sequence": shot.sequence.name, "frames": frames}


def generic_harvester(
    request: TableRequest, check: Callable[[Skeleton], None], *, must_learn: bool = False
) -> Harvester:
    """Return the harvester of the request's own detector.

    Args:
        request: what was asked for.
        check: raises SkeletonError where the table cannot judge a detector's joints.
        must_learn: refuse a detector that cannot be fine-tuned, before anything is harvested with it.
    """
    return Harvester(request, ("generic",), request.detector, check, must_learn)


def setting_of(request: TableRequest) -> dict[str, Any]:
    """Return all of a request that changes a harvest, in plain data; the device does not."""
    return {
        "data": None if request.data is None else str(request.data.resolve()),
        "cameras_file": None if request.cameras is None else str(request.cameras.resolve()),
        "detector": request.detector.as_dict(),
        "harvesting": plain_harvesting(request.harvesting),
        "authors_setting": request.authors_setting,
    }


def setting_note(request: TableRequest) -> str:
    """Return what the harvests were told of the truth, as a sentence."""
    if request.authors_setting:
        return f"in the authors' setting: {FROM_TRUTH} come from the truth"
    return "nothing of the truth was given to the harvests"
