"""True positions for tests: what the walker of walker_kit really does, and tables of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from walker_kit import walking_pose

NUM_FRAMES = 30


def true_walk(num_frames: int = NUM_FRAMES) -> np.ndarray:
    """(F, 16, 3) mm in the order of MPII16."""
    return np.stack([walking_pose(0.22 * frame) for frame in range(num_frames)])


def write_truth(path: Path, positions: np.ndarray, joints: Sequence[str]) -> Path:
    """Write (F, J, 3) as a truth table in Parquet or CSV, with a column that nobody asked for."""
    frames, num_joints = positions.shape[:2]
    table = pa.table({
        "frame": np.repeat(np.arange(frames), num_joints),
        "joint": list(joints) * frames,
        **{axis: positions[..., k].ravel() for k, axis in enumerate("xyz")},
        "note": ["mocap"] * (frames * num_joints),
    })
    (pa_csv.write_csv if path.suffix == ".csv" else pq.write_table)(table, path)
    return path
