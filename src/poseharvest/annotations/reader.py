"""Reading a harvest: checked once when opened, then streamed part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from poseharvest.annotations.checksums import check_file, read_checksums
from poseharvest.annotations.film import film_part_path
from poseharvest.annotations.info import FORMAT_NAME, INFO_FILE, HarvestInfo
from poseharvest.annotations.parts import ANNOTATIONS, FILLED, FRAMES, SCHEMAS, part_path, read_part
from poseharvest.annotations.records import FrameAnnotations, SelectedFrame, frames_from_tables
from poseharvest.annotations.remote_harvest import local_copy
from poseharvest.annotations.reviewed_rows import PLACE_COLUMNS, ReviewedRows
from poseharvest.annotations.reviews import Reviews, read_reviews
from poseharvest.annotations.schema import SCHEMA_VERSION
from poseharvest.annotations.smooth_poses import SmoothPose, poses_of_table
from poseharvest.calibration.native import RIG_FILE, read_rig
from poseharvest.errors import CalibrationError, FormatError, ShapeError, StoreError
from poseharvest.findings import Finding
from poseharvest.geometry.rig import Rig
from poseharvest.reading.documents import load_json
from poseharvest.reading.foreign_records import checked
from poseharvest.skeleton.skeleton import Skeleton
from poseharvest.storage.object_store import is_remote
from poseharvest.storage.staging import file_name

PREVIEWS = "previews"
_FRAME = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, eq=False)
class Harvest:
    """A harvest folder.

    Attributes:
        path: the folder.
        info: the content of `harvest.json`.
        reviews: decisions of people, which are put into the rows; None reads them as they were harvested.
    """

    path: Path
    info: HarvestInfo
    reviews: Reviews | None = None

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open a harvest. The content of the Parquet files is checked only when they are read.

        Args:
            path: the folder. One in an object store, s3://BUCKET/NAME, is first copied into the cache.

        Raises:
            StoreError: the folder is no harvest, is from a newer version, is damaged, or lacks a part.
        """
        folder = local_copy(path) if is_remote(path) else Path(path)
        try:
            harvest = cls(folder, _read_info(folder))
            if not (folder / RIG_FILE).is_file():
                raise StoreError(f"{folder / RIG_FILE}: the cameras of this harvest are missing")
            check_file(folder / INFO_FILE, folder, harvest._checksums)
            harvest._check_parts()
        except OSError as error:
            raise StoreError(f"{folder}: cannot be read: {error.strerror or error}") from error
        return harvest

    def with_reviews(self) -> Self:
        """Return the harvest with what people decided about its joints, if anybody did.

        Raises:
            StoreError: the file of the decisions is damaged.
        """
        return replace(self, reviews=read_reviews(self.path, self.info))

    def without_reviews(self) -> Self:
        """Return the harvest as it was harvested."""
        return self if self.reviews is None else replace(self, reviews=None)

    @property
    def review_provenance(self) -> dict[str, Any] | None:
        """What a result says of the decisions that are in the rows, as plain data; None without any."""
        return None if self.reviews is None or not self.reviews.standing else self.reviews.provenance

    def review_findings(self) -> tuple[Finding, ...]:
        """Return what a person should know of the decisions in the rows: how many, and which contradict themselves."""
        if self.reviews is None:
            return ()
        if not self.reviews.standing:
            return self.reviews.findings
        rows, found, lost = self._reviewed_rows, list(self.reviews.findings), len(self.reviews.standing)
        for index, places in enumerate(self.frame_columns(PLACE_COLUMNS)):
            if decided := rows.decided(places):
                found += rows.findings(self.part(index)[0], decided)
                lost -= len(decided)
        if lost:
            message = f"{self.reviews.path}: {lost} decisions are about frames or persons that the harvest lacks"
            found.append(Finding("warning", "review", f"{message}: they were not applied"))
        return (*found, Finding("note", "review", self.reviews.in_words))

    @cached_property
    def skeleton(self) -> Skeleton:
        """The skeleton; rows hold its joints in this order."""
        return self.info.skeleton.skeleton()

    @property
    def view_names(self) -> tuple[str, ...]:
        """The views, in rig order."""
        return tuple(view.name for view in self.info.views)

    @cached_property
    def rig(self) -> Rig:
        """The cameras.

        Raises:
            StoreError: `rig.json` is damaged, or holds other cameras.
        """
        path = self.path / RIG_FILE
        try:
            rig = read_rig(path)
        except (FormatError, CalibrationError, ShapeError) as error:
            raise StoreError(f"{path}: is damaged: {error}") from error
        if rig.names != self.view_names:
            views, cameras = ", ".join(self.view_names), ", ".join(rig.names)
            raise StoreError(f"{path}: expected the cameras {views} by harvest.json, got {cameras}")
        self._check_file(path)
        return rig

    def iter_frames(self) -> Iterator[FrameAnnotations]:
        """Stream every person of every frame, in (frame, person) order."""
        for row in self.iter_selected():
            yield row.annotations

    def iter_selected(self) -> Iterator[SelectedFrame]:
        """Stream every person of every frame with the joints that are selected."""
        num_joints, num_views = len(self.info.skeleton.joints), len(self.info.views)
        for joint_rows, frame_rows in zip(self.columns(None), self.frame_columns(None), strict=True):
            yield from frames_from_tables(joint_rows, frame_rows, num_joints, num_views)

    def columns(self, names: Sequence[str] | None) -> Iterator[pa.Table]:
        """Stream columns of `annotations/`, one table per part; all columns if None.

        Raises:
            StoreError: there is no such column, or a part is missing or damaged.
        """
        if self.reviews is None or not self.reviews.standing:
            return self._stream(ANNOTATIONS, names, len(self.info.skeleton.joints))
        _check_columns(ANNOTATIONS, names)
        return self._reviewed(names)

    def frame_columns(self, names: Sequence[str] | None) -> Iterator[pa.Table]:
        """Stream columns of `frames/`, as `columns` does."""
        return self._stream(FRAMES, names, 1)

    def part(self, index: int) -> tuple[pa.Table, pa.Table]:
        """Return the annotations and the frames of part `index`, from 0, as they were harvested.

        Raises:
            StoreError: a file is missing or damaged.
        """
        num_records = self.info.counts.records_per_part[index]
        rows = {ANNOTATIONS: num_records * len(self.info.skeleton.joints), FRAMES: num_records}
        annotations, frames = (self._read_part(part_path(self.path, kind, index), kind, n) for kind, n in rows.items())
        return annotations, frames

    def filled_poses(self) -> list[SmoothPose]:
        """Return the smooth poses in frames without a record, in (frame, person) order; short gaps of a person.

        Raises:
            StoreError: the part is missing or damaged.
        """
        if self.info.motion is None:
            return []
        num_joints = len(self.info.skeleton.joints)
        num_rows = self.info.motion.filled_records * num_joints
        return poses_of_table(self._read_part(part_path(self.path, FILLED, 0), FILLED, num_rows), num_joints)

    @cached_property
    def preview_frames(self) -> tuple[int, ...]:
        """The frames with pictures in the harvest."""
        folders = (self.path / PREVIEWS).glob("[0-9]*")
        return tuple(sorted(int(folder.name) for folder in folders if _FRAME.fullmatch(folder.name)))

    def preview(self, frame: int, view: str) -> Path | None:
        """Return the JPEG of `view` in `frame`, which may be scaled down; None if the harvest holds none."""
        path = preview_path(self.path, frame, view)
        return path if path.is_file() else None

    def film_parts(self) -> tuple[Path, ...]:
        """Return the files of the film, `info.film`; none if the harvest has no film.

        Raises:
            StoreError: one is missing or damaged.
        """
        film = self.info.film
        paths = tuple(film_part_path(self.path, index) for index in range(0 if film is None else film.num_parts))
        for path in paths:
            if not path.is_file():
                raise StoreError(f"{path}: this part of the film is missing")
            self._check_file(path, "this part of the film is damaged")
        return paths

    def _stream(self, kind: str, names: Sequence[str] | None, rows_per_record: int) -> Iterator[pa.Table]:
        _check_columns(kind, names)
        return (
            self._read_part(part_path(self.path, kind, index), kind, num_records * rows_per_record, names)
            for index, num_records in enumerate(self.info.counts.records_per_part)
        )

    def _reviewed(self, names: Sequence[str] | None) -> Iterator[pa.Table]:
        """Yield the annotations with the decisions of people; a part without any is read as it is."""
        rows, num_joints = self._reviewed_rows, len(self.info.skeleton.joints)
        wanted = SCHEMAS[ANNOTATIONS].names if names is None else list(names)
        for index, places in enumerate(self.frame_columns(PLACE_COLUMNS)):
            decided = rows.decided(places)
            columns = None if decided else wanted
            path = part_path(self.path, ANNOTATIONS, index)
            table = self._read_part(path, ANNOTATIONS, places.num_rows * num_joints, columns)
            yield rows.apply(table, places, decided).select(wanted) if decided else table

    @cached_property
    def _reviewed_rows(self) -> ReviewedRows:
        assert self.reviews is not None
        return ReviewedRows(self.reviews, self.skeleton.joints, self.rig)

    @cached_property
    def _checksums(self) -> dict[str, str] | None:
        return read_checksums(self.path)

    @cached_property
    def _checked(self) -> set[Path]:
        """The parts whose checksums were found right."""
        return set()

    def _read_part(self, path: Path, kind: str, num_rows: int, columns: Sequence[str] | None = None) -> pa.Table:
        if path not in self._checked and path.is_file():
            self._check_file(path, "this part of the harvest is damaged")
            self._checked.add(path)
        return read_part(path, kind, num_rows, columns)

    def _check_file(self, path: Path, said: str = "is damaged") -> None:
        try:
            check_file(path, self.path, self._checksums, said)
        except OSError as error:
            raise StoreError(f"{path}: cannot be read: {error.strerror or error}") from error

    def _check_parts(self) -> None:
        counts = dict.fromkeys((ANNOTATIONS, FRAMES), len(self.info.counts.records_per_part))
        counts[FILLED] = 0 if self.info.motion is None else 1
        for kind, count in counts.items():
            wanted = {part_path(self.path, kind, i).name for i in range(count)}
            present = {path.name for path in (self.path / kind).glob("*.parquet")}
            if wanted - present:
                raise StoreError(f"{self.path / kind}: missing {_some(wanted - present)} of {len(wanted)} parts")
            if present - wanted:
                raise StoreError(f"{self.path / kind}: {_some(present - wanted)} does not belong to this harvest")


def is_harvest(folder: Path) -> bool:
    """Return whether `folder` holds a `harvest.json` of this package, of any version."""
    try:
        content = load_json(folder / INFO_FILE)
    except FormatError:
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT_NAME


def preview_path(folder: Path, frame: int, view: str) -> Path:
    """Return the path of the picture of `view` in `frame`, in a harvest `folder`."""
    return folder / PREVIEWS / f"{frame:06d}" / f"{file_name(view)}.jpg"


def _read_info(folder: Path) -> HarvestInfo:
    path = folder / INFO_FILE
    if not path.is_file():
        what = "is not a harvest: it has no harvest.json" if folder.is_dir() else "there is no such folder"
        raise StoreError(f"{folder}: {what}")
    where = f"{path}: is damaged"
    content = load_json(path, where=where, error=StoreError)
    if not isinstance(content, dict) or content.get("format") != FORMAT_NAME:
        raise StoreError(f'{path}: is not a harvest: expected "format": "{FORMAT_NAME}"')
    version = content.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: was written by a newer poseharvest: schema version {version}, this one reads up to "
            f"{SCHEMA_VERSION}: upgrade poseharvest"
        )
    return checked(HarvestInfo, content, where, error=StoreError)


def _check_columns(kind: str, names: Sequence[str] | None) -> None:
    unknown = sorted(set(names or ()) - set(SCHEMAS[kind].names))
    if unknown:
        raise StoreError(f"{kind}: expected columns of {', '.join(SCHEMAS[kind].names)}, got {', '.join(unknown)}")


def _some(names: set[str]) -> str:
    listed = ", ".join(sorted(names)[:3])
    return listed if len(names) <= 3 else f"{listed} and {len(names) - 3} more"
