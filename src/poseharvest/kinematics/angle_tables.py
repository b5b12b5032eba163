"""Angles as tables, CSV and Parquet with the same columns: a row per frame; units stand in the names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from poseharvest.kinematics.angle_track import AngleTrack
from poseharvest.kinematics.joint_angles import Floats
from poseharvest.kinematics.motion_file import Motion
from poseharvest.kinematics.opensim_job import OpensimAnswer


def angle_table(track: AngleTrack) -> pa.Table:
    """Return `frame`, `time_s`, and for every angle `NAME_deg` and `NAME_sigma_deg`; a missing number is null."""
    columns: dict[str, Floats] = {}
    for number, name in enumerate(track.names):
        columns[f"{name}_deg"] = track.degrees[:, number]
        columns[f"{name}_sigma_deg"] = track.sigma_deg[:, number]
    return _table(track.frames, track.times_s, columns)


def coordinate_table(motion: Motion, translations: Sequence[str], frame_rate: float) -> pa.Table:
    """Return `frame`, `time_s`, and OpenSim's coordinates: `NAME_deg`, or `NAME_m` for those that are lengths."""
    frames = np.round(motion.times_s * frame_rate).astype(np.int64)
    columns = {
        f"{name}_{'m' if name in translations else 'deg'}": motion.values[:, number]
        for number, name in enumerate(motion.names)
    }
    return _table(frames, motion.times_s, columns)


def marker_table(answer: OpensimAnswer) -> pa.Table:
    """Return `marker`, `rms_mm` and `weight`, a row per marker of the model."""
    names = list(answer.marker_errors_mm)
    return pa.table({
        "marker": pa.array(names, pa.string()),
        "rms_mm": pa.array([answer.marker_errors_mm[name] for name in names], pa.float64()),
        "weight": pa.array([answer.tasks.get(name, 0.0) for name in names], pa.float64()),
    })


def write_tables(table: pa.Table, folder: Path, name: str) -> None:
    """Write `NAME.csv` and `NAME.parquet`."""
    import pyarrow.csv
    import pyarrow.parquet

    pyarrow.csv.write_csv(table, folder / f"{name}.csv", pyarrow.csv.WriteOptions(quoting_style="needed"))
    pyarrow.parquet.write_table(table, folder / f"{name}.parquet")


def _table(frames: NDArray[np.int64], times_s: Floats, columns: Mapping[str, Floats]) -> pa.Table:
    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}  # NaN becomes null
    return pa.table({"frame": pa.array(frames), "time_s": pa.array(times_s), **arrays})
