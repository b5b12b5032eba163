"""One round: learn from a harvest, and harvest again with what was learned (Sec. 3.4, 4.4)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from poseharvest.annotations.reader import Harvest
from poseharvest.capture.frames import FrameSource
from poseharvest.detectors.network import NetworkDetector
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import StoreError
from poseharvest.harvesting.harvest_capture import harvest as harvest_again
from poseharvest.learning.heatmaps2d.network_files import write_weights
from poseharvest.learning.loop.fit import report_steps
from poseharvest.learning.loop.processes import ALONE, Processes
from poseharvest.learning.personalize.compare import Comparison, compare
from poseharvest.learning.personalize.harvest_again import options_of
from poseharvest.learning.personalize.labels import PictureLabels, harvest_labels, require_enough
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.learning.personalize.surroundings import turns_of
from poseharvest.learning.personalize.takes import LabelledTake, learn_from_takes
from poseharvest.localization.boxes import Boxes
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
        first: the harvest that was given; every round is compared with it.
        capture: the footage.
        boxes: windows around the person where somebody has them.
        learned: frames to learn from.
        judged: frames to compare on.
        options: of the personalisation.
        on_progress: hears how far the round is.
        processes: who trains together; the first of them does all the rest.
    """

    detector: NetworkDetector
    first: Harvest
    capture: FrameSource
    boxes: Boxes | None
    learned: range
    judged: range
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
        comparison: of its harvest with the first one.
    """

    folder: Path
    num_pictures: int
    num_labels: int
    comparison: dict[str, Any]

    @property
    def disagreement(self) -> float:
        """The cameras' disagreement after it, on the judged frames."""
        return float(self.comparison["after"]["disagreement"])

    @property
    def harvest(self) -> Harvest:
        """What was harvested with the fine-tuned network."""
        return Harvest.open(self.folder / HARVEST)

    def as_dict(self) -> dict[str, Any]:
        """Return the round in plain data."""
        return {"num_pictures": self.num_pictures, "num_labels": self.num_labels, "comparison": self.comparison}


def run_round(inputs: RoundInputs, labels_from: Harvest, folder: Path, *, resume: bool) -> Round:
    """Return a round, from its files if it was done before and `resume` is set.

    Raises:
        TrainingError: there are too few labels, the loss is not finite, or the run was interrupted.
        CaptureError: the footage lacks pictures that the harvest was made from.
        StoreError: a file cannot be written.
    """
    earlier = inputs.processes.from_first(lambda: _begun(folder, resume=resume))
    if earlier is not None:
        return earlier
    labels = _labels(inputs, labels_from)
    personal = learn_from_takes(
        inputs.detector,
        [LabelledTake(inputs.capture, inputs.first.skeleton, labels, turns_of(labels_from))],
        folder,
        options=inputs.options.training,
        resume=resume,
        on_frame=_frame_listener(inputs),
        on_step=report_steps(inputs.on_progress),
        processes=inputs.processes,
    )
    return inputs.processes.from_first(lambda: _judged(inputs, personal, labels, folder, resume=resume))


def _begun(folder: Path, *, resume: bool) -> Round | None:
    """Return the round that was done before, if it is to be resumed; else make the folder."""
    earlier = read_round(folder) if resume else None
    if earlier is None:
        with os_errors_as_store_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return earlier


def _judged(
    inputs: RoundInputs, personal: NetworkDetector, labels: Sequence[PictureLabels], folder: Path, *, resume: bool
) -> Round:
    """Return the round after a harvest with what was learned; all is written into the folder."""
    write_weights(personal, folder / WEIGHTS)
    harvesting = replace(options_of(inputs.first), ignore_audit=True)  # it passed once, with these cameras
    again = harvest_again(
        inputs.capture,
        personal,
        folder / HARVEST,
        options=harvesting,
        boxes=inputs.boxes,
        overwrite=True,
        resume=resume and not harvesting.moments,
        on_progress=inputs.on_progress,
    )
    comparison: Comparison = compare(inputs.first, again, inputs.judged)
    result = Round(folder, len(labels), sum(int(one.known.sum()) for one in labels), comparison.as_dict())
    with staged_file(folder / RESULT, overwrite=True) as temporary:
        temporary.write_text(json.dumps(result.as_dict(), indent=2) + "\n", encoding="utf-8")
    return result


def read_round(folder: Path) -> Round | None:
    """Return the round in a folder, or None if it is not done.

    Raises:
        StoreError: its result is damaged.
    """
    path = folder / RESULT
    if not path.is_file():
        return None
    where = f"{path}: the round's result is damaged"
    result = checked(_Result, load_json(path, where=where, error=StoreError), where, error=StoreError)
    return Round(folder, result.num_pictures, result.num_labels, result.comparison)


class _Result(ForeignRecord):
    """What the file of a round's result holds."""

    num_pictures: Annotated[int, Field(ge=0)]
    num_labels: Annotated[int, Field(ge=0)]
    comparison: dict[str, Any]


def detector_of(finished: Round, like: NetworkDetector) -> NetworkDetector:
    """Return the detector around the weights of a round, running as `like` does."""
    loaded = load_detector(finished.folder / WEIGHTS)
    if not isinstance(loaded, NetworkDetector):
        raise StoreError(f"{finished.folder / WEIGHTS}: expected the weights of a network")
    return like.with_network(loaded.network)


def _labels(inputs: RoundInputs, harvest: Harvest) -> list[PictureLabels]:
    options = inputs.options
    pictures = harvest_labels(harvest, options.labels, inputs.learned)
    require_enough(pictures, options.labels, num_pictures=options.min_pictures)
    step = -(-len(pictures) // options.max_pictures)
    return pictures[::step]


def _frame_listener(inputs: RoundInputs) -> Callable[[int], None]:
    start, total = inputs.learned.start, len(inputs.learned)
    return lambda frame: inputs.on_progress(Progress(frame + 1 - start, total, "cutting out pictures"))
