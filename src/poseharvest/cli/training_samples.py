"""What `poseharvest train2d` trains on: files of labels, or the studio's pictures, drawn once and kept in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poseharvest.learning.loop.augmentation import NO_AUGMENTATION, Augmentation
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.progress import OnProgress, Progress

if TYPE_CHECKING:
    from poseharvest.detectors.network import NetworkDetector
    from poseharvest.learning.loop.samples import SampleSource


@dataclass(frozen=True, eq=False)
class TrainingSamples:
    """What a network is trained and validated on, and what that is in plain data."""

    training: SampleSource
    validation: SampleSource | None
    described_as: Mapping[str, Any]


@dataclass(frozen=True)
class LabelFiles:
    """A data set's files.

    Attributes:
        dataset: its name in `poseharvest.datasets.registry.PICTURES`.
        training: file of labels to train on.
        validation: another one to validate on.
        images: folder of the pictures; None finds them beside the files.
    """

    dataset: str
    training: Path
    validation: Path | None
    images: Path | None

    def open(self, detector: NetworkDetector, _options: TrainingOptions, _on_progress: OnProgress) -> TrainingSamples:
        """Return the people in the files."""
        from poseharvest.datasets.registry import open_pictures
        from poseharvest.learning.heatmaps2d.picture_source import PictureSource

        def opened(path: Path) -> SampleSource:
            return PictureSource.of(open_pictures(self.dataset, path, images=self.images), detector.skeleton)

        return TrainingSamples(
            opened(self.training),
            None if self.validation is None else opened(self.validation),
            {"dataset": self.dataset, "annotations": str(self.training)},
        )


@dataclass(frozen=True)
class StudioShots:
    """What the studio is asked for.

    Attributes:
        world: its name.
        training: pictures to train on.
        validation: pictures to validate on, of another series.
        folder: keeps them.
        workers: processes that draw.
    """

    world: str
    training: int
    validation: int
    folder: Path
    workers: int

    def open(self, detector: NetworkDetector, options: TrainingOptions, on_progress: OnProgress) -> TrainingSamples:
        """Return the studio's pictures, drawn first unless their folder holds them."""
        from poseharvest.learning.heatmaps2d.stored_samples import store_samples
        from poseharvest.learning.heatmaps2d.studio_source import VALIDATION_SEED, studio_source

        size = detector.preprocessing.input_size

        def drawn(name: str, seed: int, count: int, augmentation: Augmentation) -> SampleSource:
            room = {"rotation_deg": augmentation.rotation_deg, "scale": augmentation.scale}
            return store_samples(
                studio_source(self.world, seed, count, input_size=size, augmentation=augmentation),
                self.folder / name,
                description={"world": self.world, "seed": seed, "input_size": size, "room_for": room},
                workers=self.workers,
                on_drawn=lambda done, total: on_progress(Progress(done, total, f"drawing pictures for {name}")),
            )

        training = drawn("training", options.seed, self.training, options.augmentation)
        validation = drawn("validation", VALIDATION_SEED, self.validation, NO_AUGMENTATION) if self.validation else None
        settings = {"world": self.world, "training": self.training, "validation": self.validation}
        return TrainingSamples(training, validation, {"dataset": "studio", **settings})
