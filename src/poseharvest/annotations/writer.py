"""Writing a harvest: a folder of Parquet files and `harvest.json` that appears only when it is complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self

from poseharvest.annotations.checksums import write_checksums
from poseharvest.annotations.cuts import with_selection_findings
from poseharvest.annotations.film import FilmWriter
from poseharvest.annotations.info import (
    FORMAT_NAME,
    INFO_FILE,
    Counts,
    FilmInfo,
    HarvestInfo,
    HarvestRun,
    MotionInfo,
    SelectionInfo,
    SkeletonInfo,
    views_of,
)
from poseharvest.annotations.marking import PartLayout, mark_parts, withdraw_support
from poseharvest.annotations.parts import ANNOTATIONS, FRAMES, part_path, read_part, write_part
from poseharvest.annotations.preview_pictures import preview_jpeg
from poseharvest.annotations.reader import Harvest, is_harvest, preview_path
from poseharvest.annotations.records import FrameAnnotations, annotation_table, frame_table, frames_from_tables
from poseharvest.annotations.schema import SCHEMA_VERSION
from poseharvest.annotations.smoothing import smooth_parts
from poseharvest.annotations.unfinished import (
    PROGRESS,
    Progress,
    has_parts,
    remove_progress,
    remove_unmarked,
    set_unmarked_aside,
)
from poseharvest.arrays import Image
from poseharvest.calibration.native import RIG_FILE, write_rig
from poseharvest.errors import FormatError, StoreError
from poseharvest.geometry.rig import Rig
from poseharvest.motion.motion_options import MotionOptions
from poseharvest.selection.recalibration import Recalibration
from poseharvest.selection.rules import SelectionRule
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.columns import values_of
from poseharvest.storage.disk import flush_file, flush_tree, os_errors_as_store_errors
from poseharvest.storage.staging import StagedFolder
from poseharvest.versions import current_versions

_MAX_PERSON = 2**15 - 1


class HarvestWriter:
    """Streams annotations into a harvest folder; it keeps at most one part in memory.

    Use it as a context manager: add the records in order of (frame, person), then call `finish`. If the block ends
    before `finish`, no files remain, unless `keep` was called: then another writer can go on with them.

    Attributes:
        film: takes small pictures of the frames; None without `keep_film`.

    Args:
        path: the folder to make.
        rig: the capture's cameras; records hold their views in this order.
        skeleton: records hold its joints in this order.
        overwrite: replace an existing harvest at `path`; a folder that is not a harvest is never replaced.
        records_per_part: rows of `frames/` in one Parquet file.
        recalibration: used for the columns `scale` and `sigma`; the covariances of the records are not changed.
        request: all that the annotations depend on, as plain data. A harvest is gone on with only if it is the same.
        resume: go on with an unfinished harvest at `path`, if there is one.

    Raises:
        ConfigError: the unfinished harvest was begun with another request.
        StoreError: `path` exists and may not be replaced, or cannot be written (for example, the disk is full).
    """

    def __init__(  # noqa: PLR0913 - what a harvest is made of, and what may stand at its place
        self,
        path: Path | str,
        *,
        rig: Rig,
        skeleton: Skeleton,
        overwrite: bool = False,
        records_per_part: int = 128,
        recalibration: Recalibration | None = None,
        request: Mapping[str, Any] | None = None,
        resume: bool = False,
    ) -> None:
        self._rig, self._skeleton = rig, skeleton
        self._views, self._shape = rig.names, (len(rig), len(skeleton))
        self._capacity, self._recalibration = records_per_part, recalibration
        self._buffer: list[FrameAnnotations] = []
        self._records_per_part: list[int] = []
        self._last = self._last_kept = (-1, -1)
        self._num_frames = 0
        self._persons: set[int] = set()
        self._finished = False
        self.film: FilmWriter | None = None
        self._staged = StagedFolder(
            Path(path),
            replaceable=is_harvest if overwrite else None,
            record=PROGRESS,
            is_worth_keeping=has_parts,
            resume=resume,
        )
        self._progress = Progress(request or {})
        self._kept: Progress | None = None  # what stands on the disk
        self._is_of_use = True
        if self._staged.is_resumed:
            with ExitStack() as stack:
                stack.callback(self._staged.keep)
                self._restore(request or {})
                stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            if error is not None:
                error.add_note(f"the harvest is finished: {self._staged.target}: poseharvest report makes its report")
            return
        if error is not None and self._can_go_on():
            self._staged.keep()
            kept = f"{self.num_kept} poses" if self.num_kept else "the learned limbs"
            error.add_note(f"{kept} of {self._staged.target} are kept: go on with --resume")
            return
        self._staged.discard()
        if kind is None:
            raise StoreError(f"{self._staged.target}: the writer was closed without finish(): nothing was kept")

    @property
    def target(self) -> Path:
        """The final path of the folder."""
        return self._staged.target

    @property
    def request(self) -> Mapping[str, Any]:
        """All that the annotations depend on, as plain data."""
        return self._progress.request

    def scratch_file(self) -> IO[bytes]:
        """Return an empty temporary file on the disk of the harvest, for data too large for memory.

        Raises:
            StoreError: the file cannot be made.
        """
        with os_errors_as_store_errors(self._staged.target):
            # Unbuffered: with a full disk, a buffer would raise a second error when the file is closed.
            return TemporaryFile(dir=self._staged.path, buffering=0)

    @property
    def state(self) -> Any:
        """What the last call of `keep` was given, also by an interrupted writer; None if there was none."""
        return None if self._kept is None else self._kept.state

    @property
    def is_complete(self) -> bool:
        """An interrupted writer had finished the harvest, up to its name: `commit` gives it that."""
        return self._progress.is_complete

    @property
    def num_kept(self) -> int:
        """Number of records that another writer need not add again."""
        return 0 if self._kept is None else sum(self._kept.records_per_part)

    def keep(self, state: Any) -> None:
        """Make durable what is finished: a writer with `resume` then goes on after the last finished part.

        Args:
            state: what is needed to go on, as plain data.

        Raises:
            StoreError: it cannot be written.
        """
        progress = replace(self._progress, state=state)
        with os_errors_as_store_errors(self._staged.target):
            progress.write(self._staged.path)
        self._progress = self._kept = progress

    def forget(self) -> None:
        """Keep nothing of what is finished: it is of no use."""
        self._kept, self._is_of_use = None, False

    def _can_go_on(self) -> bool:
        """Return whether what is kept stands on the disk; a signal may come between that and the note of it here."""
        return self._is_of_use and (self._kept is not None or (self._staged.path / PROGRESS).is_file())

    @property
    def unwritten(self) -> tuple[FrameAnnotations, ...]:
        """Records that were added and lie in no finished part."""
        return tuple(self._buffer)

    def records(self) -> Iterator[FrameAnnotations]:
        """Yield all records so far, in order, also those that an interrupted writer has finished.

        Raises:
            StoreError: a part is damaged.
        """
        num_joints, num_views = len(self._skeleton), len(self._rig)
        for index, count in enumerate(self._records_per_part):
            paths = {kind: part_path(self._staged.path, kind, index) for kind in (ANNOTATIONS, FRAMES)}
            rows = read_part(paths[ANNOTATIONS], ANNOTATIONS, count * num_joints)
            frames = read_part(paths[FRAMES], FRAMES, count)
            for row in frames_from_tables(rows, frames, num_joints, num_views):
                yield row.annotations
        yield from self._buffer

    def add(self, record: FrameAnnotations) -> bool:
        """Add one person in one frame, and return whether a part was finished with it.

        Records that an interrupted writer has finished are passed over.

        Raises:
            StoreError: it does not follow the last record in (frame, person) order, or does not fit rig and skeleton.
        """
        if (record.frame, record.person) <= self._last_kept:
            return False
        self._check(record)
        self._num_frames += record.frame != self._last[0]
        self._last = (record.frame, record.person)
        self._persons.add(record.person)
        self._buffer.append(record)
        if len(self._buffer) < self._capacity:
            return False
        self._flush()
        return True

    def add_preview(self, frame: int, view: str, image: Image) -> None:
        """Store a picture (H, W, 3), RGB, for the report, as a JPEG of at most 960 pixels along its longer side."""
        self._rig.camera(view)
        path = preview_path(self._staged.path, frame, view)
        with os_errors_as_store_errors(self._staged.target):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(preview_jpeg(image))
            flush_file(path)

    def keep_film(self, film: FilmInfo) -> None:
        """Keep small pictures of the frames, which `film` then takes; they must all be there at `finish`."""
        self.film = FilmWriter(self._staged.path, film)

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
        if self._kept is not None:
            self.keep(self._kept.state)  # with the last, shorter part
        layout = PartLayout(self._staged.path, self._skeleton.joints, len(self._rig), tuple(self._records_per_part))
        with os_errors_as_store_errors(self._staged.target):
            if self._kept is not None:
                set_unmarked_aside(self._staged.path)
            if unsupported:
                withdraw_support(layout, unsupported)
            summary = mark_parts(layout, selection or SelectionRule())
            smoothed = None if motion is None else smooth_parts(layout, self._skeleton, motion, self._known_errors(run))
            self._write_rig()
            write_info(self._info(run, summary, smoothed), self._staged.path)
            if self._kept is not None:
                flush_tree(self._staged.path)
                self._progress = replace(self._progress, is_complete=True)
                self._progress.write(self._staged.path)
        return self.commit()

    def commit(self) -> Harvest:
        """Give a harvest that is complete its name, and open it.

        Raises:
            StoreError: something else stands under the name by now, or it cannot be written.
        """
        with os_errors_as_store_errors(self._staged.target):
            remove_unmarked(self._staged.path)
        self._staged.commit()
        self._finished = True
        remove_progress(self._staged.target)
        return Harvest.open(self._staged.target)

    def _restore(self, request: Mapping[str, Any]) -> None:
        """Go on with the unfinished harvest in the folder."""
        progress = Progress.read(self._staged.path)
        progress.check_request(request, self._staged.target)
        if not progress.is_complete:
            with os_errors_as_store_errors(self._staged.target):
                progress.restore_parts(self._staged.path)
        self._progress = self._kept = progress
        self._records_per_part = list(progress.records_per_part)
        if not progress.is_complete:
            self._count_kept()

    def _count_kept(self) -> None:
        """Count the records in the finished parts."""
        for index, count in enumerate(self._records_per_part):
            rows = read_part(part_path(self._staged.path, FRAMES, index), FRAMES, count, ["frame", "person"])
            frames, persons = (values_of(rows.column(name)).tolist() for name in ("frame", "person"))
            self._num_frames += len({*frames} - {self._last[0]})
            self._last = self._last_kept = (frames[-1], persons[-1])
            self._persons.update(persons)

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
            self._progress = self._progress.with_part(self._staged.path, len(self._buffer))
        self._records_per_part.append(len(self._buffer))
        self._buffer = []

    def _known_errors(self, run: HarvestRun) -> Callable[[int], bool]:
        """Return whether it is known how large the errors of a person are: from the footage, or from a map."""
        return run.is_calibrated if self._recalibration is None else lambda _: True

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
            film=None if self.film is None else self.film.finish(),
            counts=Counts(
                frames=self._num_frames,
                persons=len(self._persons),
                records=sum(self._records_per_part),
                records_per_part=tuple(self._records_per_part),
            ),
        )


def write_info(info: HarvestInfo, folder: Path) -> None:
    """Write `harvest.json` and, since it is the last file of a harvest, the checksums of all files."""
    (folder / INFO_FILE).write_text(info.model_dump_json(indent=2) + "\n", encoding="utf-8")
    write_checksums(folder)
