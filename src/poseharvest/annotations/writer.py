"""Writing a harvest: a folder of Parquet files and `harvest.json` that appears only when it is complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

import cv2
import numpy as np

from poseharvest.annotations.cuts import with_selection_findings
from poseharvest.annotations.info import (
    FORMAT_NAME,
    Counts,
    HarvestInfo,
    HarvestRun,
    MotionInfo,
    SelectionInfo,
    SkeletonInfo,
    views_of,
)
from poseharvest.annotations.marking import PartLayout, mark_parts, withdraw_support
from poseharvest.annotations.parts import ANNOTATIONS, FRAMES, part_path, write_part
from poseharvest.annotations.reader import INFO_FILE, Harvest, is_harvest, preview_path
from poseharvest.annotations.records import FrameAnnotations, annotation_table, frame_table
from poseharvest.annotations.schema import SCHEMA_VERSION
from poseharvest.annotations.smoothing import smooth_parts
from poseharvest.arrays import Image
from poseharvest.calibration.native import RIG_FILE, write_rig
from poseharvest.errors import FormatError, StoreError
from poseharvest.geometry.rig import Rig
from poseharvest.motion.joint_tracks import MotionOptions
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.select import SelectionRule
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.staging import StagedFolder, os_errors_as_store_errors
from poseharvest.versions import current_versions

_PREVIEW_LONG_SIDE = 960
_PREVIEW_QUALITY = 85
_MAX_PERSON = 2**15 - 1


class HarvestWriter:
    """Streams annotations into a harvest folder; it keeps at most one part in memory.

    Use it as a context manager: add the records in order of (frame, person), then call `finish`. If the block ends
    before `finish`, no files remain.

    Args:
        path: the folder to make.
        rig: the capture's cameras; records hold their views in this order.
        skeleton: records hold its joints in this order.
        overwrite: replace an existing harvest at `path`; a folder that is not a harvest is never replaced.
        records_per_part: rows of `frames/` in one Parquet file.
        recalibration: used for the columns `scale` and `sigma`; the covariances of the records are not changed.

    Raises:
        StoreError: `path` exists and may not be replaced, or cannot be written (for example, the disk is full).
    """

    def __init__(
        self,
        path: Path | str,
        *,
        rig: Rig,
        skeleton: Skeleton,
        overwrite: bool = False,
        records_per_part: int = 128,
        recalibration: Recalibration | None = None,
    ) -> None:
        self._rig, self._skeleton = rig, skeleton
        self._views, self._shape = rig.names, (len(rig), len(skeleton))
        self._capacity, self._recalibration = records_per_part, recalibration
        self._listeners: list[Callable[[FrameAnnotations], None]] = []
        self._buffer: list[FrameAnnotations] = []
        self._records_per_part: list[int] = []
        self._last = (-1, -1)
        self._num_frames = 0
        self._persons: set[int] = set()
        self._finished = False
        self._staged = StagedFolder(Path(path), replaceable=is_harvest if overwrite else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        self._staged.discard()
        if kind is None:
            raise StoreError(f"{self._staged.target}: the writer was closed without finish(): nothing was kept")

    @property
    def target(self) -> Path:
        """The final path of the folder."""
        return self._staged.target

    def scratch_file(self) -> IO[bytes]:
        """Return an empty temporary file on the disk of the harvest, for data too large for memory.

        Raises:
            StoreError: the file cannot be made.
        """
        with os_errors_as_store_errors(self._staged.target):
            # Unbuffered: with a full disk, a buffer would raise a second error when the file is closed.
            return TemporaryFile(dir=self._staged.path, buffering=0)

    def listen(self, listener: Callable[[FrameAnnotations], None]) -> None:
        """Call `listener` with every record that is added from now on, in order."""
        self._listeners.append(listener)

    def add(self, record: FrameAnnotations) -> None:
        """Add one person in one frame.

        Raises:
            StoreError: it does not follow the last record in (frame, person) order, or does not fit rig and skeleton.
        """
        self._check(record)
        self._num_frames += record.frame != self._last[0]
        self._last = (record.frame, record.person)
        self._persons.add(record.person)
        for listener in self._listeners:
            listener(record)
        self._buffer.append(record)
        if len(self._buffer) >= self._capacity:
            self._flush()

    def add_preview(self, frame: int, view: str, image: Image) -> None:
        """Store a picture (H, W, 3), RGB, for the report, as a JPEG of at most 960 pixels along its longer side."""
        self._rig.camera(view)
        path = preview_path(self._staged.path, frame, view)
        scale = min(1.0, _PREVIEW_LONG_SIDE / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
        options = [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY]
        _, encoded = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), options)
        with os_errors_as_store_errors(self._staged.target):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded.tobytes())

    def finish(
        self,
        run: HarvestRun,
        selection: SelectionRule | None = None,
        unsupported: Mapping[int, Sequence[int]] | None = None,
        motion: MotionOptions | None = None,
    ) -> Harvest:
        """Select the reliable annotations, smooth the tracks, write `harvest.json`, and open the finished folder.

        Findings about the selection are added to the findings of the run.

        Args:
            run: capture, detector and options of the run.
            selection: the rule; the paper's 70 % by determinant if None.
            unsupported: indices of joints, by person, whose support is removed because it was only chance.
            motion: how tracks are smoothed over time; None if the frames do not follow one another.

        Raises:
            StoreError: nothing was added, or writing fails.
        """
        if self._buffer:
            self._flush()
        if not self._records_per_part:
            raise StoreError(f"{self._staged.target}: a harvest needs at least one person in one frame, got none")
        layout = PartLayout(self._staged.path, self._skeleton.joints, len(self._rig), tuple(self._records_per_part))
        with os_errors_as_store_errors(self._staged.target):
            if unsupported:
                withdraw_support(layout, unsupported)
            summary = mark_parts(layout, selection or SelectionRule())
            smoothed = None if motion is None else smooth_parts(layout, self._skeleton, motion)
            self._write_rig()
            write_info(self._info(run, summary, smoothed), self._staged.path)
        self._staged.commit()
        self._finished = True
        return Harvest.open(self._staged.target)

    def _check(self, record: FrameAnnotations) -> None:
        where = f"frame {record.frame}, person {record.person}"
        if (record.frame, record.person) <= self._last:
            raise StoreError(f"{where}: records must come in order of (frame, person), the last was {self._last}")
        if record.frame < 0 or not 0 <= record.person <= _MAX_PERSON:
            raise StoreError(f"{where}: expected a frame from 0 and a person from 0 to {_MAX_PERSON}")
        got = tuple(record.score.shape)
        if got != self._shape:
            raise StoreError(f"{where}: expected (views, joints) {self._shape} of the harvest, got {got}")

    def _flush(self) -> None:
        index = len(self._records_per_part)
        annotations = annotation_table(self._buffer, self._skeleton.joints, self._views, self._recalibration)
        with os_errors_as_store_errors(self._staged.target):
            write_part(annotations, part_path(self._staged.path, ANNOTATIONS, index))
            write_part(frame_table(self._buffer, self._views), part_path(self._staged.path, FRAMES, index))
        self._records_per_part.append(len(self._buffer))
        self._buffer = []

    def _write_rig(self) -> None:
        try:
            write_rig(self._rig, self._staged.path / RIG_FILE)
        except FormatError as error:
            raise StoreError(f"{self._staged.target}: {error}") from error

    def _info(self, run: HarvestRun, selection: SelectionInfo, motion: MotionInfo | None) -> HarvestInfo:
        findings = with_selection_findings(run.findings, selection)
        return HarvestInfo(
            **{**dict(run), "findings": findings},
            format=FORMAT_NAME,
            schema_version=SCHEMA_VERSION,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=current_versions(),
            skeleton=SkeletonInfo.of(self._skeleton),
            views=views_of(self._rig),
            selection=selection,
            recalibration=self._recalibration,
            motion=motion,
            counts=Counts(
                frames=self._num_frames,
                persons=len(self._persons),
                records=sum(self._records_per_part),
                records_per_part=tuple(self._records_per_part),
            ),
        )


def write_info(info: HarvestInfo, folder: Path) -> None:
    """Write `harvest.json`."""
    (folder / INFO_FILE).write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
