"""Poses of people over time, from a harvest or a file of true positions.

A file of true positions is a table, as Parquet (`.parquet`) or CSV (`.csv`), with one row a joint. Its columns are
`frame` (from 0), `joint` (a name), `x`, `y`, `z` (mm in the world of the calibration) and, with several people,
`person`. Other columns are ignored, so the `annotations/` of a harvest are such a table too. A missing row, an empty
cell or NaN means that the truth of the joint is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import matrix
from poseharvest.errors import FormatError, ShapeError
from poseharvest.evaluation.pairs import Floats
from poseharvest.reading.budgets import MAX_TABLE_CELLS
from poseharvest.reading.guard import foreign_library
from poseharvest.storage.columns import values_of

Ints = NDArray[np.int64]
_COLUMNS = ("frame", "joint", "x", "y", "z")
_MAX_NUMBER = 2**31


@dataclass(frozen=True, eq=False)
class PoseTracks:
    """N poses of one or several people.

    Attributes:
        joints: J names.
        frames: (N,) frame numbers.
        persons: (N,) numbers of the persons.
        positions: (N, J, 3) mm; NaN where not known.
    """

    joints: tuple[str, ...]
    frames: Ints
    persons: Ints
    positions: Floats

    def __post_init__(self) -> None:
        wanted = (len(self.frames), len(self.joints), 3)
        if self.positions.shape != wanted or self.persons.shape != self.frames.shape:
            raise ShapeError(f"poses: expected positions of shape {wanted}, got {self.positions.shape}")


def harvest_tracks(harvest: Harvest, *, unsure: bool = False, smooth: bool = False) -> PoseTracks:
    """Return the means of a harvest; joints that are not known are NaN.

    Args:
        harvest: the harvest.
        unsure: include every joint with a peak in some view. By default only joints supported by two views are
            included, so that a mean over a data set looks better than it is.
        smooth: return the positions that are smoothed over time, of the same joints.
    """
    num_joints, axes = len(harvest.skeleton), [f"{axis}_smooth" if smooth else axis for axis in "xyz"]
    frames, persons, positions = [], [], []
    for table in harvest.columns(("frame", "person", *axes, "supported", "views")):
        places = np.stack([matrix(table, axis, num_joints) for axis in axes], -1)
        known = _has_peak(table, num_joints) if unsure else matrix(table, "supported", num_joints)
        positions.append(np.where(known[..., None], places, np.nan))
        frames.append(matrix(table, "frame", num_joints)[:, 0].astype(np.int64))
        persons.append(matrix(table, "person", num_joints)[:, 0].astype(np.int64))
    empty = np.zeros(0, np.int64)
    return PoseTracks(
        harvest.skeleton.joints,
        np.concatenate([empty, *frames]),
        np.concatenate([empty, *persons]),
        np.concatenate([np.zeros((0, num_joints, 3)), *positions]),
    )


def _has_peak(table: pa.Table, num_joints: int) -> NDArray[np.bool_]:
    peaks = values_of(table.column("views").combine_chunks().flatten().field("peak_score"))
    has_peak = np.nan_to_num(peaks).reshape(table.num_rows, -1) > 0
    return np.asarray(has_peak.any(-1).reshape(-1, num_joints), dtype=bool)


def read_tracks(path: Path) -> PoseTracks:
    """Return the positions of a file, joints in order of appearance.

    Raises:
        FormatError: the file cannot be read, lacks a column, has values that are not numbers, or gives a joint of one
            person and frame twice; the message names file and place.
    """
    table = _read_table(path)
    columns = {name: _numbers(path, table, name) for name in ("frame", "x", "y", "z")}
    has_person = "person" in table.schema.names
    person = _numbers(path, table, "person") if has_person else np.zeros(table.num_rows)
    with foreign_library(f'{path}: column "joint": expected names'):
        joint_names = [str(name) for name in table.column("joint").cast(pa.string()).to_pylist()]
    joints = tuple(dict.fromkeys(joint_names))
    place = {name: index for index, name in enumerate(joints)}
    joint = np.array([place[name] for name in joint_names], dtype=np.int64)
    whole = np.abs(np.stack((columns["frame"], person))) <= _MAX_NUMBER
    if table.num_rows == 0 or not whole.all():
        raise FormatError(f"{path}: expected rows with a frame and a person, got {table.num_rows} rows, some without")
    keys = np.stack((columns["frame"], person), 1).astype(np.int64)
    poses, pose = np.unique(keys, axis=0, return_inverse=True)
    pose = pose.reshape(-1)
    _check_unique(path, pose * len(joints) + joint, (keys, joint_names))
    positions = np.full((len(poses), len(joints), 3), np.nan)
    positions[pose, joint] = np.stack([columns[axis] for axis in "xyz"], 1)
    return PoseTracks(joints, poses[:, 0], poses[:, 1], positions)


def _read_table(path: Path) -> pa.Table:
    readers: dict[str, Callable[[Path], pa.Table]] = {".parquet": _read_parquet, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise FormatError(f"{path}: expected a table of positions in .parquet or .csv")
    with foreign_library(f"{path}: expected a table of positions"):
        table = readers[path.suffix.lower()](path)
        names = table.column_names  # decoded only here
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise FormatError(f"{path}: expected the columns {', '.join(_COLUMNS)}, missing {', '.join(missing)}")
    return table


def _read_csv(path: Path) -> pa.Table:
    import pyarrow.csv as pa_csv

    return pa_csv.read_csv(path)


def _read_parquet(path: Path) -> pa.Table:
    """Return the table of a Parquet file.

    One of more cells than anybody has is refused: a few bytes can stand for a billion equal ones.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        wanted = [name for name in (*_COLUMNS, "person") if name in file.schema_arrow.names]
        if file.metadata.num_rows * len(wanted) > MAX_TABLE_CELLS:
            raise FormatError(f"{path}: expected at most {MAX_TABLE_CELLS} values, got {file.metadata.num_rows} rows")
        return file.read(columns=wanted)


def _numbers(path: Path, table: pa.Table, name: str) -> Floats:
    with foreign_library(f'{path}: column "{name}": expected numbers'):
        return np.asarray(table.column(name).cast(pa.float64()).to_numpy(), dtype=np.float64)


def _check_unique(path: Path, cells: Ints, where: tuple[Ints, list[str]]) -> None:
    order = np.argsort(cells, kind="stable")
    twice = order[1:][np.diff(cells[order]) == 0]
    if len(twice):
        keys, joints = where
        frame, person = keys[twice[0]].tolist()
        raise FormatError(f'{path}: joint "{joints[twice[0]]}" of person {person} in frame {frame} is given twice')
