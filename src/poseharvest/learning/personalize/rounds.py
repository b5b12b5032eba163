"""One round: learn from a harvest, and harvest again with what was learned (Sec. 3.4, 4.4)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import StoreError
from poseharvest.harvesting.harvest_capture import harvest as harvest_again
from poseharvest.learning.heatmaps2d.network_files import write_weights
from poseharvest.learning.loop.fit import report_steps
from poseharvest.learning.loop.processes import ALONE, Processes
from poseharvest.learning.personalize.compare import HarvestPair, compare
from poseharvest.learning.personalize.consistency import rating_of
from poseharvest.learning.personalize.harvest_again import options_of
from poseharvest.learning.personalize.harvested_takes import HarvestedTake
from poseharvest.learning.personalize.labels import (
    PictureLabels,
    harvest_labels,
    labels_of_takes,
    require_enough,
    thinned_out,
)
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.learning.personalize.surroundings import turns_of
from poseharvest.learning.personalize.takes import LabelledTake, learn_from_takes
from poseharvest.progress import OnProgress, Progress
from poseharvest.reading.documents import load_json
from poseharvest.reading.foreign_records import ForeignRecord, checked
from poseharvest.storage.disk import os_errors_as_store_errors
from poseharvest.storage.staging import staged_file

WEIGHTS, HARVEST, RESULT = "weights.safetensors", "harvest", "round.json"


@dataclass(frozen=True, eq=False)
class RoundInputs:
    """What every round starts from.

    Attributes:
        detector: the network that was given; every round fine-tunes it anew, so that errors do not pile up.
        takes: the harvests that were given, with their footage; every round is compared with them.
        options: of the personalisation.
        on_progress: hears how far the round is.
        processes: who trains together; the first of them does all the rest.
    """

    detector: NetworkDetector
    takes: tuple[HarvestedTake, ...]
    options: PersonalizationOptions
    on_progress: OnProgress
    processes: Processes = ALONE


@dataclass(frozen=True, eq=False)
class Round:
    """A round that is done.

    Attributes:
        folder: where its files lie.
        num_pictures: pictures that were learned from.
        num_labels: joints in them.
        comparison: of its harvests with the first ones.
        num_takes: how many there are.
    """

    folder: Path
    num_pictures: int
    num_labels: int
    comparison: dict[str, Any]
    num_takes: int = 1

    @property
    def rating(self) -> float:
        """What rounds are judged by after it, on the judged frames: `rating_of`."""
        return rating_of(self.comparison["after"])

    @property
    def rating_before(self) -> float:
        """The same of the network that was given."""
        return rating_of(self.comparison["before"])

    @property
    def harvests(self) -> tuple[Harvest, ...]:
        """What was harvested with the fine-tuned network, one a take."""
        return tuple(Harvest.open(folder) for folder in harvest_folders(self.folder, self.num_takes))

    def as_dict(self) -> dict[str, Any]:
        """Return the round in plain data."""
        return {"num_pictures": self.num_pictures, "num_labels": self.num_labels, "comparison": self.comparison}


def harvest_folders(folder: Path, num_takes: int) -> list[Path]:
    """Return where the harvests of a round lie: `harvest`, or of several takes `harvest-1` and so on."""
    if num_takes == 1:
        return [folder / HARVEST]
    return [folder / f"{HARVEST}-{number}" for number in range(1, num_takes + 1)]


def run_round(inputs: RoundInputs, sources: Sequence[Harvest], folder: Path, *, resume: bool) -> Round:
    """Return a round, from its files if it was done before and `resume` is set.

    Args:
        inputs: what every round starts from.
        sources: harvests that the labels come from, one a take.
        folder: of the round.
        resume: go on where it was.

    Raises:
        TrainingError: there are too few labels, the loss is not finite, or the run was interrupted.
        CaptureError: the footage lacks pictures that a harvest was made from.
        StoreError: a file cannot be written.
    """
    earlier = inputs.processes.from_first(lambda: _begun(folder, len(inputs.takes), resume=resume))
    if earlier is not None:
        return earlier
    labels = _labels(inputs, sources)
    personal = learn_from_takes(
        inputs.detector,
        [
            LabelledTake(take.capture, take.first.skeleton, of_take, turns_of(source))
            for take, source, of_take in zip(inputs.takes, sources, labels, strict=True)
            if of_take
        ],
        folder,
        options=inputs.options.training_of_share,
        resume=resume,
        on_frame=_frame_listener(inputs),
        on_step=report_steps(inputs.on_progress),
        processes=inputs.processes,
    )
    everything = [label for of_take in labels for label in of_take]
    return inputs.processes.from_first(lambda: _judged(inputs, personal, everything, folder, resume=resume))


def _begun(folder: Path, num_takes: int, *, resume: bool) -> Round | None:
    """Return the round that was done before, if it is to be resumed; else make the folder."""
    earlier = read_round(folder, num_takes=num_takes) if resume else None
    if earlier is None:
        with os_errors_as_store_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return earlier


def _judged(
    inputs: RoundInputs, personal: NetworkDetector, labels: Sequence[PictureLabels], folder: Path, *, resume: bool
) -> Round:
    """Return the round after a harvest with what was learned; all is written into the folder."""
    write_weights(personal, folder / WEIGHTS)
    pairs = []
    for take, name in zip(inputs.takes, harvest_folders(folder, len(inputs.takes)), strict=True):
        harvesting = replace(options_of(take.first), ignore_audit=True)  # it passed once, with these cameras
        again = harvest_again(
            take.capture,
            personal,
            name,
            options=harvesting,
            boxes=take.boxes,
            overwrite=True,
            resume=resume and not harvesting.moments,
            on_progress=inputs.on_progress,
        )
        pairs.append(HarvestPair(take.first, again, take.judged))
    num_labels = sum(int(one.known.sum()) for one in labels)
    result = Round(folder, len(labels), num_labels, compare(pairs).as_dict(), len(inputs.takes))
    with staged_file(folder / RESULT, overwrite=True) as temporary:
        temporary.write_text(json.dumps(result.as_dict(), indent=2) + "\n", encoding="utf-8")
    return result


def read_round(folder: Path, *, num_takes: int = 1) -> Round | None:
    """Return the round in a folder, or None if it is not done.

    Raises:
        StoreError: its result is damaged.
    """
    path = folder / RESULT
    if not path.is_file():
        return None
    where = f"{path}: the round's result is damaged"
    result = checked(_Result, load_json(path, where=where, error=StoreError), where, error=StoreError)
    checked(_Comparison, result.comparison, where, error=StoreError)
    return Round(folder, result.num_pictures, result.num_labels, result.comparison, num_takes)


class _Result(ForeignRecord):
    """What the file of a round's result holds."""

    num_pictures: Annotated[int, Field(ge=0)]
    num_labels: Annotated[int, Field(ge=0)]
    comparison: dict[str, Any]


class _Agreement(ForeignRecord):
    """What rounds are judged by (`rating_of`)."""

    disagreement: float
    left_out_disagreement: float = math.nan


class _Stretch(ForeignRecord):
    """A take, or a stretch of one, before and after."""

    name: str
    before: float
    after: float


class _Comparison(ForeignRecord):
    """What is read of a round's comparison."""

    before: _Agreement
    after: _Agreement
    stretches: tuple[_Stretch, ...] = ()


def detector_of(finished: Round, like: NetworkDetector) -> NetworkDetector:
    """Return the detector around the weights of a round, running as `like` does."""
    loaded = load_detector(finished.folder / WEIGHTS)
    if not isinstance(loaded, NetworkDetector):
        raise StoreError(f"{finished.folder / WEIGHTS}: expected the weights of a network")
    return like.with_network(loaded.network)


def _labels(inputs: RoundInputs, sources: Sequence[Harvest]) -> list[list[PictureLabels]]:
    """Return the labels of every take, thinned out evenly to no more than are wanted."""
    options, learned = inputs.options, [take.learned for take in inputs.takes]
    if len(sources) == 1:
        pictures = [harvest_labels(sources[0], options.labels, learned[0], options.teach_share)]
    else:
        pictures = labels_of_takes(sources, options.labels, learned, options.teach_share)
    everything = [label for of_take in pictures for label in of_take]
    require_enough(everything, options.labels, num_pictures=options.min_pictures)
    return thinned_out(pictures, options.max_pictures)


def _frame_listener(inputs: RoundInputs) -> Callable[[int], None]:
    total, frames = sum(len(take.learned) for take in inputs.takes), count(1)
    return lambda _: inputs.on_progress(Progress(min(next(frames), total), total, "cutting out pictures"))
