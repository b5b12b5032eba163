"""The columns of a harvest's Parquet files. These names are a contract (docs/harvest_folder.md).

`views` is a list with one struct per view, in rig order. Positions are in mm; pixels are those of the distorted
picture.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 3
"""It increases when a reader of the version before would misread the folder; see `ADDED_COLUMNS`."""

COVARIANCE_ENTRIES: dict[str, tuple[int, int]] = {
    "cov_xx": (0, 0),
    "cov_xy": (0, 1),
    "cov_xz": (0, 2),
    "cov_yy": (1, 1),
    "cov_yz": (1, 2),
    "cov_zz": (2, 2),
}
"""Columns of the upper triangle of the covariance, with row and column in the matrix."""

SMOOTH_COLUMNS = ("x_smooth", "y_smooth", "z_smooth", "sigma_smooth")
"""Columns that the smoothing over time fills; null where it gives no position."""

_NAME = pa.dictionary(pa.int16(), pa.string())

ANNOTATION_VIEW = pa.struct([
    ("view", _NAME),
    ("u", pa.float64()),
    ("v", pa.float64()),
    ("score", pa.float64()),
    ("inside", pa.bool_()),
    ("peak_u", pa.float64()),
    ("peak_v", pa.float64()),
    ("peak_score", pa.float64()),
])

ANNOTATION_SCHEMA = pa.schema([
    ("frame", pa.int32()),
    ("time", pa.float64()),
    ("person", pa.int16()),
    ("joint", _NAME),
    ("x", pa.float64()),
    ("y", pa.float64()),
    ("z", pa.float64()),
    *((name, pa.float64()) for name in COVARIANCE_ENTRIES),
    ("det", pa.float64()),
    ("scale", pa.float64()),
    ("sigma", pa.float64()),
    ("supported", pa.bool_()),
    ("selected", pa.bool_()),
    *((name, pa.float64()) for name in SMOOTH_COLUMNS),
    ("filled", pa.bool_()),
    ("views", pa.list_(ANNOTATION_VIEW)),
])
"""`annotations/part-*.parquet`: one row per frame, person and joint, in that order."""

ADDED_COLUMNS: dict[int, tuple[str, ...]] = {2: ("scale", "sigma"), 3: (*SMOOTH_COLUMNS, "filled")}
"""Columns by the version that added them. Without a recalibration, those of version 2 follow from `det`; without a
smoothing, those of version 3 are null and false."""

FRAME_VIEW = pa.struct([
    ("view", _NAME),
    ("present", pa.bool_()),
    ("crop_x", pa.float64()),
    ("crop_y", pa.float64()),
    ("crop_side", pa.float64()),
])

FRAME_SCHEMA = pa.schema([
    ("frame", pa.int32()),
    ("time", pa.float64()),
    ("person", pa.int16()),
    ("log_evidence", pa.float64()),
    ("views", pa.list_(FRAME_VIEW)),
])
"""`frames/part-*.parquet`: one row per frame and person, in that order."""

FILLED_SCHEMA = pa.schema([
    ANNOTATION_SCHEMA.field(name) for name in ("frame", "time", "person", "joint", *SMOOTH_COLUMNS, "filled")
])
"""`filled/part-00000.parquet`: one row per frame without a record, person and joint, in that order."""
