"""Keypoints of DeepLabCut and SLEAP, a file a view: their tables of numbers, and SLEAP's projects.

DeepLabCut: a CSV, or a table of pandas in HDF5 (`df_with_missing`), of the predictions of one video. A column is named
by scorer, individual (if there are several), body part, and x, y or likelihood; a row is a frame, counted from 0.
SLEAP: "analysis" files in HDF5, whose `tracks` have the axes track, xy, node, frame unless an attribute `dims` says
otherwise; and projects (`.slp`), which the package sleap-io reads. A score of SLEAP that is not given is 1.

sleap-io has a reader of DeepLabCut's CSV too. It is for labels of pictures, and returns nothing for predictions.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from poseharvest.detectors.joint_spelling import human_joints
from poseharvest.detectors.keypoint_files import KeypointList
from poseharvest.errors import DetectorError, FormatError
from poseharvest.reading.budgets import MAX_TABLE_CELLS
from poseharvest.reading.documents import parse_json, read_text
from poseharvest.reading.guard import foreign_library
from poseharvest.reading.hdf5 import Hdf5File, open_hdf5
from poseharvest.reading.pickled_arrays import parse_pickle

Numbers = NDArray[np.float64]

_COORDINATES = ("x", "y", "likelihood")
_LEVELS = (3, 4)  # of a column's name: scorer, individual if there are several, body part, coordinate
_PANDAS_TABLE = "df_with_missing/table"
_AXES = ("frame", "track", "node", "xy")
_SLEAP_AXES = ("track", "xy", "node", "frame")
_ENDINGS = re.compile(r"DLC_.*$|\.(analysis|predictions)$|\.(mp4|avi|mov|mkv)$", re.IGNORECASE)
_SLEAP_EXPORT = re.compile(r"^.*\.\d{3}_")  # PROJECT.000_VIDEO.analysis.h5


def view_of_table(path: Path) -> str:
    """Return the view whose keypoints a table holds, by its name without what the tools add to it.

    >>> view_of_table(Path("cam01DLC_resnet50_walkNov1shuffle1_100000.h5")), view_of_table(Path("cam01.analysis.h5"))
    ('cam01', 'cam01')
    """
    name = path.stem
    while (shorter := _ENDINGS.sub("", name)) not in {name, ""}:
        name = shorter
    return _SLEAP_EXPORT.sub("", name) or name


def read_table(path: Path) -> KeypointList:
    """Return the people of a file of DeepLabCut or SLEAP.

    Raises:
        DetectorError: a `.slp` is read without the package sleap-io.
        FormatError: the file is of another kind, or damaged.
    """
    return _READERS[path.suffix.lower()](path)


def _read_csv(path: Path) -> KeypointList:
    text = read_text(path, where=str(path))
    with foreign_library(f"{path}: expected a table as CSV"):
        rows = list(csv.reader(io.StringIO(text)))
    at = next((index for index, row in enumerate(rows[:5]) if row and row[0] == "coords"), None)
    if at is None or at + 1 not in _LEVELS:
        raise FormatError(f"{path}: expected DeepLabCut's rows scorer, bodyparts and coords, got none")
    width = len(rows[at])
    body = [row for row in rows[at + 1 :] if row]
    if not body:
        raise FormatError(f"{path}: expected a row for every frame, got none")
    if any(len(row) != width for row in (*rows[:at], *body)):
        raise FormatError(f"{path}: expected {width} columns in every row, got fewer or more: is the file complete?")
    columns = list(zip(*(row[1:] for row in rows[: at + 1]), strict=True))
    return _of_columns(columns, [_frame(row[0], path) for row in body], _floats(body, path), path)


def _frame(text: str, path: Path) -> int:
    if not text.strip().isdecimal() or len(text) > 9:
        raise FormatError(
            f"{path}: expected the number of a frame at the start of a row, got {text[:40]!r}: labels of pictures are "
            "not read, predictions of a video are"
        )
    return int(text)


def _floats(body: Sequence[Sequence[str]], path: Path) -> Numbers:
    try:
        return np.array([[float(cell) if cell.strip() else np.nan for cell in row[1:]] for row in body])
    except ValueError as error:
        raise FormatError(f"{path}: expected numbers in the table, got: {error}") from error


def _read_hdf5(path: Path) -> KeypointList:
    with open_hdf5(path, expected="a table of DeepLabCut or an analysis of SLEAP in HDF5") as file:
        if file.holds("tracks") and file.holds("node_names"):
            return _of_sleap(file, path)
        if file.holds(_PANDAS_TABLE):
            return _of_pandas(file, path)
    raise FormatError(
        f"{path}: expected a table of DeepLabCut (df_with_missing) or tracks of SLEAP in HDF5, got neither"
    )


def _of_pandas(file: Hdf5File, path: Path) -> KeypointList:
    """Return the people of a pandas table; the names of its columns are a pickle, which is interpreted and not run."""
    named = file.attribute(_PANDAS_TABLE, "values_block_0_kind") or b""
    columns = parse_pickle(named, f"{path}: names of the columns")
    table = file.columns(_PANDAS_TABLE)
    values = table.get("values_block_0")
    is_named = isinstance(columns, list) and all(
        isinstance(one, tuple) and all(isinstance(word, str) for word in one) for one in columns
    )
    if not is_named or values is None or values.shape[1:] != (len(columns),) or "index" not in table:
        raise FormatError(f"{path}: expected DeepLabCut's columns of scorer, body part and coordinate, got others")
    if table["index"].dtype.kind not in "iu":
        raise FormatError(f"{path}: expected numbers of frames as its index, got {table['index'].dtype}")
    return _of_columns(columns, table["index"].tolist(), values.astype(np.float64), path)


def _of_columns(columns: Sequence[Sequence[str]], frames: Sequence[int], values: Numbers, path: Path) -> KeypointList:
    """Return the people of a table with a column for every individual, body part and coordinate."""
    if {len(column) for column in columns} - set(_LEVELS) or {column[-1] for column in columns} != set(_COORDINATES):
        raise FormatError(f"{path}: expected columns x, y and likelihood of every body part, got others")
    people = list(dict.fromkeys(tuple(column[1:-2]) for column in columns))
    joints = list(dict.fromkeys(column[-2] for column in columns))
    _check_size(len(frames) * len(people) * len(joints) * 3, path)
    rows = np.full((len(frames), len(people), len(joints), 3), np.nan)
    for index, column in enumerate(columns):
        place = people.index(tuple(column[1:-2])), joints.index(column[-2]), _COORDINATES.index(column[-1])
        rows[(slice(None), *place)] = values[:, index]
    return _listed(frames, rows, joints)


def _of_sleap(file: Hdf5File, path: Path) -> KeypointList:
    joints, tracks = file.texts("node_names"), file.array("tracks")
    axes = _axes_of(file, path)
    if tracks.ndim != len(_AXES) or (tracks.shape[axes.index("node")], tracks.shape[axes.index("xy")]) != (
        len(joints),
        2,
    ):
        raise FormatError(f"{path}: expected tracks of x and y of {len(joints)} nodes, got the shape {tracks.shape}")
    points = tracks.transpose([axes.index(axis) for axis in _AXES]).astype(np.float64)
    scores = np.ones(points.shape[:3])
    if file.holds("point_scores"):
        kept = [axis for axis in axes if axis != "xy"]
        stored_scores = file.array("point_scores")
        scores = (
            stored_scores.transpose([kept.index(axis) for axis in _AXES[:3]])
            if stored_scores.ndim == len(kept)
            else stored_scores
        )
        if scores.shape != points.shape[:3]:
            raise FormatError(f"{path}: expected a score for every point, got the shape {stored_scores.shape}")
    rows = np.concatenate((points, scores[..., None]), -1)
    return _listed(range(len(rows)), rows, joints)


def _axes_of(file: Hdf5File, path: Path) -> tuple[str, ...]:
    """Return what the axes of SLEAP's tracks are."""
    stated = file.attribute("tracks", "dims")
    if stated is None:
        return _SLEAP_AXES
    axes = parse_json(stated.decode("utf-8", "replace"), f"{path}: dims")
    if not isinstance(axes, list) or sorted(map(str, axes)) != sorted(_AXES):
        raise FormatError(f"{path}: dims: expected {', '.join(_AXES)} in any order, got {str(axes)[:60]}")
    return tuple(axes)


def _read_slp(path: Path) -> KeypointList:
    """Return the people of a project of SLEAP with one video: of a frame, its labels, or else its predictions."""
    try:
        sleap_io = import_module("sleap_io")
    except ImportError as error:
        raise DetectorError(
            f"{path}: SLEAP's projects need sleap-io: pip install 'poseharvest[sleap]'; or export an analysis file "
            "(.h5) from SLEAP"
        ) from error
    with open_hdf5(path, expected="a project of SLEAP in HDF5") as file:
        file.check_all()
    with foreign_library(f"{path}: expected a project of SLEAP"):
        labels = sleap_io.load_slp(str(path), open_videos=False)
        videos = {id(frame.video) for frame in labels}
        joints = [str(node.name) for node in labels.skeletons[0].nodes]
        rows = {int(frame.frame_idx): _instances(frame) for frame in labels}
    if len(videos) > 1 or len(labels.skeletons) > 1:
        raise FormatError(
            f"{path}: expected a project of one video and one skeleton, got {len(videos)} and "
            f"{len(labels.skeletons)}: export an analysis file (.h5) of each video"
        )
    people = {
        number: [one for person in found for one in _listed([0], person[None, None], joints).people(0)]
        for number, found in rows.items()
    }
    return KeypointList(people, names={}, joints=human_joints(joints), lists_every_picture=False)


def _instances(frame: Any) -> list[Numbers]:
    """Return (K, 3) x, y, score of the labels of a frame, or of its predictions if there are none."""
    labelled = [_with_score(one.numpy()) for one in frame.user_instances]
    return labelled or [np.asarray(one.numpy(scores=True), np.float64) for one in frame.predicted_instances]


def _with_score(points: Any) -> Numbers:
    array = np.asarray(points, np.float64)
    return np.concatenate((array, np.ones((len(array), 1))), 1)


def _listed(frames: Sequence[int], rows: Numbers, joints: Sequence[str]) -> KeypointList:
    """Return people (F, P, K, 3), NaN for what was not found, as a list that names its joints."""
    is_found = np.isfinite(rows).all(-1, keepdims=True)
    shown = np.where(is_found, rows, 0.0)
    shown[..., 2] = shown[..., 2].clip(0.0, 1.0)
    people = {
        int(number): [torch.from_numpy(person.copy()) for person in persons if person[:, 2].any()]
        for number, persons in zip(frames, shown, strict=True)
    }
    return KeypointList(people, names={}, joints=human_joints(joints))


def _check_size(num_cells: int, path: Path) -> None:
    if num_cells > MAX_TABLE_CELLS:
        raise FormatError(f"{path}: expected at most {MAX_TABLE_CELLS} numbers, got {num_cells}")


_READERS: Mapping[str, Callable[[Path], KeypointList]] = MappingProxyType({
    ".csv": _read_csv,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".slp": _read_slp,
})

TABLE_SUFFIXES = tuple(_READERS)
"""Endings of the files that `read_table` reads."""
