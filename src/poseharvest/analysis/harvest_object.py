"""The harvest that `poseharvest.Harvest` opens and `poseharvest.harvest` returns: one object for all that follows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from poseharvest.analysis import short_description
from poseharvest.annotations import dense_arrays as dense
from poseharvest.annotations.copies import copy_harvest
from poseharvest.annotations.reader import Harvest as StoredHarvest
from poseharvest.annotations.records import SelectedFrame

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame
    from xarray import Dataset

    from poseharvest.analysis.pose_dataset import PoseDataset
    from poseharvest.evaluation.check import Evaluation
    from poseharvest.evaluation.tracks import PoseTracks

Floats = NDArray[np.float64]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class HarvestFrame:
    """Everybody in one frame.

    Attributes:
        frame: index in the capture, from 0.
        time_s: seconds from the capture's start.
        people: the record of each person, in order of their numbers; at least one.
    """

    frame: int
    time_s: float
    people: tuple[SelectedFrame, ...]


class Harvest(StoredHarvest):
    """A harvest folder with its poses as arrays, tables and figures.

    `len` counts its frames: those in which somebody was found. Iteration gives them one at a time and keeps none. The
    arrays have F frames, P persons and J joints; each is read from its own columns at its first use, and then kept.
    Positions and their uncertainty are NaN where a joint is not supported or the person was not found.
    """

    @classmethod
    def open(cls, path: Path | str, *, reviews: bool = True) -> Self:
        """Open a harvest. The content of the Parquet files is checked only when they are read.

        Args:
            path: the folder. One in an object store, s3://BUCKET/NAME, is first copied into the cache.
            reviews: with what people decided about its joints (`poseharvest review`).

        Raises:
            StoreError: the folder is no harvest, is from a newer version, is damaged, or lacks a part; the file of the
                decisions is damaged.
        """
        harvest = super().open(path)
        if not reviews:
            return harvest
        reviewed = harvest.with_reviews()
        for finding in reviewed.reviews.findings if reviewed.reviews is not None else ():
            _log.warning("%s", finding.message)
        return reviewed

    def __len__(self) -> int:
        return self.info.counts.frames

    def __bool__(self) -> bool:
        return True  # also a harvest of nobody is a harvest

    def __iter__(self) -> Iterator[HarvestFrame]:
        for frame, rows in groupby(self.iter_selected(), key=lambda row: row.annotations.frame):
            people = tuple(rows)
            yield HarvestFrame(frame, people[0].annotations.time_s, people)

    def __repr__(self) -> str:
        return short_description.in_one_line(self)

    def _repr_html_(self) -> str:
        return short_description.as_html(self)

    @property
    def joint_names(self) -> tuple[str, ...]:
        """The J joints."""
        return self.skeleton.joints

    @property
    def frame_numbers(self) -> NDArray[np.int64]:
        """(F,) indices in the capture, from 0, of the frames in which somebody was found."""
        return self._axes.frames

    @property
    def times_s(self) -> Floats:
        """(F,) seconds from the capture's start."""
        return self._axes.times_s

    @property
    def person_numbers(self) -> NDArray[np.int64]:
        """(P,) numbers of the persons."""
        return self._axes.people

    @cached_property
    def positions(self) -> Floats:
        """(F, P, J, 3) positions that each frame says alone, mm in the world."""
        return dense.dense_positions(self, self._axes)

    @cached_property
    def covariances(self) -> Floats:
        """(F, P, J, 3, 3) covariances of `positions`, mm^2, recalibrated where the harvest is."""
        return dense.dense_covariances(self, self._axes)

    @cached_property
    def sigmas_mm(self) -> Floats:
        """(F, P, J) standard deviations to read, det^(1/6) of `covariances`, mm."""
        return dense.dense_sigmas(self, self._axes)

    @cached_property
    def supported(self) -> NDArray[np.bool_]:
        """(F, P, J) bool, True where two views show the joint."""
        return dense.dense_flags(self, self._axes, "supported")

    @cached_property
    def selected(self) -> NDArray[np.bool_]:
        """(F, P, J) bool, True where the joint is reliable enough to be an annotation."""
        return dense.dense_flags(self, self._axes, "selected")

    @property
    def smooth_positions(self) -> Floats:
        """(F, P, J, 3) positions smoothed over time, short gaps filled, mm; NaN where there are none."""
        return self._smooth[0]

    @property
    def smooth_sigmas_mm(self) -> Floats:
        """(F, P, J) standard deviations of `smooth_positions`, mm."""
        return self._smooth[1]

    def to_xarray(self, *, smooth: bool = False, within_mm: float = 30.0) -> Dataset:
        """Return the poses as `movement` wants them: `position`, `confidence`, and our `sigma` and `selected`.

        Args:
            smooth: the positions that are smoothed over time, with short gaps filled.
            within_mm: `confidence` is the chance that a joint lies within this distance of its position.

        Raises:
            ConfigError: xarray is not installed, or the distance is not positive.
        """
        from poseharvest.export.movement_dataset import movement_dataset

        return movement_dataset(self, smooth=smooth, within_mm=within_mm)

    def to_pandas(self, *, views: bool = False) -> DataFrame:
        """Return a table with a row per frame, person and joint; with `views`, a row for each view of these.

        Raises:
            ConfigError: pandas is not installed.
        """
        from poseharvest.analysis.joint_table import joint_table

        return joint_table(self, views=views)

    def as_dataset(self) -> PoseDataset:
        """Return a data set for `torch.utils.data.DataLoader`: a sample per frame and person."""
        from poseharvest.analysis.pose_dataset import PoseDataset

        return PoseDataset.of(self)

    def export(self, format: str, path: Path | str, *, overwrite: bool = False, **options: Any) -> Path:
        """Write the harvest in the format of another tool and return the path; `poseharvest.export` lists the formats.

        Args:
            format: "coco", "trc" or another name.
            path: the file or folder to make.
            overwrite: replace an earlier export.
            options: of the format.
        """
        from poseharvest.export.registry import export

        return export(self, format, path, overwrite=overwrite, **options)

    def report(self, out: Path | str | None = None, *, overwrite: bool = False) -> Path:
        """Write the report, one HTML file, and return its path; `report/index.html` in the harvest if `out` is None."""
        from poseharvest.report.html import report

        return report(self.path, out, overwrite=overwrite)

    def evaluate(
        self,
        truth: PoseTracks | Path | str | None = None,
        *,
        against: StoredHarvest | None = None,
        approximate: bool = False,
    ) -> Evaluation:
        """Return how good the harvest is, by itself and, if they are known, by true positions or another harvest.

        It is judged as it was harvested, without what people decided about its joints.

        Args:
            truth: true positions, or the table that holds them.
            against: another harvest of the same capture.
            approximate: also judge joints that can only be derived approximately.
        """
        from poseharvest.evaluation.evaluate_harvest import evaluate
        from poseharvest.evaluation.tracks import read_tracks

        known = read_tracks(Path(truth)) if isinstance(truth, str | Path) else truth
        return evaluate(self.without_reviews(), truth=known, against=against, approximate=approximate)

    def plot(self, *joints: str, person: int | None = None, smooth: bool = True) -> Figure:
        """Return a figure of some joints over time, with bands of two standard deviations.

        Args:
            joints: their names; all if none is given.
            person: whom to draw; None is the only one.
            smooth: draw the positions that are smoothed over time, where the harvest has them.

        Raises:
            ConfigError: matplotlib is not installed, there is no such joint or person, or nobody is in the harvest.
        """
        from poseharvest.analysis.plots import plot_joints

        return plot_joints(self, joints, person=person, smooth=smooth)

    def save(self, path: Path | str, *, overwrite: bool = False) -> Harvest:
        """Write the harvest into a folder, as it is, and return that one.

        Raises:
            StoreError: the folder exists and is no harvest that may be replaced, or cannot be written.
        """
        return Harvest.open(copy_harvest(self, Path(path), overwrite=overwrite))

    @cached_property
    def _axes(self) -> dense.FramesAndPeople:
        return dense.frames_and_people(self)

    @cached_property
    def _smooth(self) -> tuple[Floats, Floats]:
        return dense.dense_smooth_positions(self, self._axes)
