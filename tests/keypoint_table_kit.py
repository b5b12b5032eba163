"""Keypoints in the layouts of DeepLabCut and SLEAP."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path

import h5py
import numpy as np

SHORT = ["nose", "leye", "reye", "lear", "rear", "lsho", "rsho", "lelb", "relb", "lwri", "rwri", "lhip", "rhip"]
NAMES = [*SHORT, "lkne", "rkne", "lank", "rank"]
FRAMES, K = 5, len(NAMES)


def planted(num_people: int = 1) -> np.ndarray:
    """(F, P, K, 3) x, y, score; the second frame shows nobody, and one joint is missing in the third."""
    rows = np.random.default_rng(4).uniform(0.1, 0.9, (FRAMES, num_people, K, 3))
    rows[..., :2] *= (640, 480)
    rows[1] = np.nan
    rows[2, 0, 3] = np.nan
    return rows


def columns(people: list[str]) -> list[tuple[str, ...]]:
    middle = [(one,) if one else () for one in people]
    return [
        ("DLC_resnet50", *person, name, coordinate)
        for person in middle
        for name in NAMES
        for coordinate in ("x", "y", "likelihood")
    ]


def write_csv(path: Path, rows: np.ndarray, people: list[str]) -> Path:
    heads = ["scorer", "individuals", "bodyparts", "coords"] if people[0] else ["scorer", "bodyparts", "coords"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for head, words in zip(heads, zip(*columns(people), strict=True), strict=True):
            writer.writerow([head, *words])
        for number, values in enumerate(rows.reshape(len(rows), -1)):
            writer.writerow([number, *("" if np.isnan(value) else repr(float(value)) for value in values)])
    return path


def write_pandas(path: Path, rows: np.ndarray, people: list[str]) -> Path:
    """As pandas and PyTables write it: a table of an index and one block of values, with the columns as a pickle."""
    values = rows.reshape(len(rows), -1)
    table = np.zeros(len(rows), dtype=[("index", "<i8"), ("values_block_0", "<f8", (values.shape[1],))])
    table["index"], table["values_block_0"] = np.arange(len(rows)), values
    with h5py.File(path, "w") as file:
        stored = file.create_dataset("df_with_missing/table", data=table)
        stored.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps(columns(people), protocol=0))
        file["df_with_missing"].attrs["pandas_type"] = np.bytes_(b"frame_table")
    return path


def write_sleap(path: Path, rows: np.ndarray, *, dims: tuple[str, ...] | None = None, scores: bool = True) -> Path:
    axes = ("frame", "track", "node", "xy")
    wanted = dims or ("track", "xy", "node", "frame")
    with h5py.File(path, "w") as file:
        order = [axes.index(axis) for axis in wanted]
        file["tracks"] = rows[..., :2].transpose(order)
        if dims:
            file["tracks"].attrs["dims"] = json.dumps(dims)
        if scores:
            file["point_scores"] = rows[..., 2].transpose([axes.index(axis) for axis in wanted if axis != "xy"])
        file["node_names"] = np.array(NAMES, dtype="S20")
    return path
