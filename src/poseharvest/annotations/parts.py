"""The Parquet files of a harvest, one part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseharvest.annotations.rows import sigma_of
from poseharvest.annotations.schema import ADDED_COLUMNS, ANNOTATION_SCHEMA, FRAME_SCHEMA
from poseharvest.errors import StoreError
from poseharvest.storage.columns import column, values_of

ANNOTATIONS = "annotations"
FRAMES = "frames"
SCHEMAS: dict[str, pa.Schema] = {ANNOTATIONS: ANNOTATION_SCHEMA, FRAMES: FRAME_SCHEMA}


def part_path(folder: Path, kind: str, index: int) -> Path:
    """Return the path of part `index` (from 0) of `kind`, ANNOTATIONS or FRAMES."""
    return folder / kind / f"part-{index:05d}.parquet"


def write_part(table: pa.Table, path: Path) -> None:
    """Write one part, each page with a checksum."""
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    # Without this, Arrow keeps 10 MB after the first part.
    pa.default_memory_pool().release_unused()


def read_part(path: Path, kind: str, num_rows: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one part, or some of its columns.

    Raises:
        StoreError: the file is missing or damaged, or does not match the counts of `harvest.json`.
    """
    if not path.is_file():
        raise StoreError(f"{path}: this part of the harvest is missing")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            wanted = SCHEMAS[kind].names if columns is None else list(columns)
            if _check_part(path, file, SCHEMAS[kind], num_rows):
                return file.read(columns=None if columns is None else wanted)
            return _completed(file, wanted)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: this part of the harvest is damaged: {_first_line(error)}") from error


def _check_part(path: Path, file: pq.ParquetFile, schema: pa.Schema, num_rows: int) -> bool:
    """Return whether the part holds all columns: a part of version 1 lacks some."""
    first_version = pa.schema([field for field in schema if field.name not in ADDED_COLUMNS])
    if not (file.schema_arrow.equals(schema) or file.schema_arrow.equals(first_version)):
        raise StoreError(f"{path}: expected the columns {', '.join(schema.names)} with their types, got others")
    if file.metadata.num_rows != num_rows:
        raise StoreError(f"{path}: expected {num_rows} rows by harvest.json, got {file.metadata.num_rows}")
    return bool(file.schema_arrow.equals(schema))


def _completed(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return columns of a part of version 1; without recalibration, the added columns follow from `det`."""
    stored = [name for name in columns if name not in ADDED_COLUMNS]
    table = file.read(columns=[*stored, *(["det"] if "det" not in stored else [])])
    det = values_of(table.column("det"))
    scale = np.ones_like(det)
    added = {"scale": scale, "sigma": sigma_of(det, scale)}
    return pa.table(
        [column(added[name], pa.float64()) if name in added else table.column(name) for name in columns],
        schema=pa.schema([ANNOTATION_SCHEMA.field(name) for name in columns]),
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
