"""The columns of a harvest's Parquet files. These names are a contract (docs/harvest_folder.md).

`views` is a list with one struct per view, in rig order. Positions are in mm; pixels are those of the distorted
picture.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 2
"""It increases when a reader of the version before would misread the folder. Version 1 lacks `scale` and `sigma`."""

COVARIANCE_ENTRIES: dict[str, tuple[int, int]] = {
    "cov_xx": (0, 0),
    "cov_xy": (0, 1),
    "cov_xz": (0, 2),
    "cov_yy": (1, 1),
    "cov_yz": (1, 2),
    "cov_zz": (2, 2),
}
"""Columns of the upper triangle of the covariance, with row and column in the matrix."""

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
    ("views", pa.list_(ANNOTATION_VIEW)),
])
"""`annotations/part-*.parquet`: one row per frame, person and joint, in that order."""

ADDED_COLUMNS = ("scale", "sigma")
"""Columns that version 1 lacks; without a recalibration they follow from `det`."""

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
