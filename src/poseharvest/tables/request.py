"""What a table is asked for: the data, where to write, the detector, and everything that changes a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from poseharvest.errors import ConfigError
from poseharvest.harvesting.harvest_options import HarvestOptions
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize.recipe import REFINEMENT
from poseharvest.learning.pose3d.regression_options import RegressionOptions
from poseharvest.progress import OnProgress, Progress
from poseharvest.tables.result import ReproducedTable

if TYPE_CHECKING:
    from poseharvest.detectors.protocol import HeatmapDetector

SEQUENCE_FIELD: Final = "{sequence}"
_CHANGES_NO_RESULT = ("device", "loaders", "checkpoint_steps")


class TableName(StrEnum):
    """The paper's tables."""

    TABLE1 = "table1"
    TABLE2 = "table2"
    TABLE3 = "table3"
    TABLE4 = "table4"
    TABLE5 = "table5"


class DetectorSource(Protocol):
    """Where the 2D detector of every sequence comes from."""

    def load(self, sequence: str) -> HeatmapDetector:
        """Return the detector for the pictures of a sequence."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Return what it depends on in plain data: units made by another one are not used."""
        ...


@dataclass(frozen=True)
class DetectorChoice:
    """A detector as the command line names it: a `DetectorSource`.

    Attributes:
        name: as `load_detector` takes it; "{sequence}" in it stands for the sequence's name, since every sequence has a
            folder of keypoints of its own.
        weights: of a named detector.
        options: of the detector.
        device: where it runs.
    """

    name: str = "efficientpose"
    weights: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"

    def load(self, sequence: str) -> HeatmapDetector:
        """Return the detector for the pictures of a sequence.

        Raises:
            DetectorError: there is no such detector, or its weights cannot be used.
        """
        from poseharvest.detectors.registry import load_detector

        name = self.name.replace(SEQUENCE_FIELD, sequence)
        return load_detector(name, weights=self.weights, device=self.device, **self.options)

    def as_dict(self) -> dict[str, Any]:
        """Return the choice in plain data."""
        weights = None if self.weights is None else str(self.weights.expanduser().resolve())
        return {"name": self.name, "weights": weights, "options": dict(self.options)}


def silent(progress: Progress) -> None:
    """Report to nobody."""


@dataclass(frozen=True, eq=False)
class TableRequest:
    """What a table is asked for."""

    data: Path | None
    """The data set's folder; None where the table is made on synthetic footage."""

    out: Path
    """Where finished units, harvests, networks and the table are kept."""

    detector: DetectorSource = field(default_factory=DetectorChoice)
    """The generic 2D ConvNet of Sec. 3.1."""

    harvesting: HarvestOptions = field(default_factory=lambda: HarvestOptions(estimate="grid", num_previews=0))
    """The 3D inference and the selection."""

    authors_setting: bool = False
    """Take windows, bounding volume and limb lengths from the truth, as the authors' code does."""

    cameras: Path | None = None
    """Human3.6M's file of cameras; None looks for it in the folder."""

    subjects: tuple[int, ...] = ()
    """Synthetic footage: who is filmed; none takes the experiment's own."""

    frames: int | None = None
    """Synthetic footage: frames of every action; None takes the experiment's own."""

    actions: tuple[str, ...] | None = None
    """Actions of Human3.6M; None is all 15."""

    frame_step: int = 5
    """Distance between the numbers of Human3.6M's frames that are used; 5 gives 10 of its 50 frames a second."""

    leave_out: tuple[str, ...] = ()
    """Sequences of Human3.6M that are not used, by name: those with faulty files."""

    seeds: tuple[int, ...] = (0,)
    """Of the trainings; a table of trained networks has a column each, and their mean."""

    refinement: TrainingOptions = REFINEMENT
    """Fine-tuning for Tables 3 and 4 (Sec. 3.4, 4.2)."""

    max_pictures: int = 8000
    """More pictures to fine-tune on are thinned out evenly."""

    regression: RegressionOptions = field(default_factory=lambda: RegressionOptions(held_out=0))
    """Training the 3D network of Table 5 (Sec. 3.5, 4.5)."""

    on_progress: OnProgress = silent
    """Hears how far it is."""

    def __post_init__(self) -> None:
        if self.frame_step < 1:
            raise ConfigError(f"frame step: expected 1 or more, got {self.frame_step}")
        if self.max_pictures < 1:
            raise ConfigError(f"max_pictures: expected 1 or more, got {self.max_pictures}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(
                f"seeds: expected one or more, each once, got {', '.join(map(str, self.seeds)) or 'none'}"
            )


def plain_harvesting(options: HarvestOptions) -> dict[str, Any]:
    """Return the options of a harvest that change its result, in plain data."""
    return {name: value for name, value in options.as_dict().items() if name != "device"}


def plain_training(options: TrainingOptions) -> dict[str, Any]:
    """Return the options of a training that change its result, in plain data."""
    return {name: value for name, value in options.as_dict().items() if name not in _CHANGES_NO_RESULT}


def plain_regression(options: RegressionOptions) -> dict[str, Any]:
    """Return the options of a 3D network that change its result, in plain data."""
    return {**options.as_dict(), "training": plain_training(options.training)}


TableFunction = Callable[[TableRequest], ReproducedTable]
"""Makes a table; finished units of an earlier call with the same `out` are reused."""
