"""The Parquet files of a harvest, one part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseharvest.annotations.records import sigma_of
from poseharvest.annotations.schema import ADDED_COLUMNS, ANNOTATION_SCHEMA, FILLED_SCHEMA, FRAME_SCHEMA
from poseharvest.errors import StoreError
from poseharvest.storage.columns import column, values_of

ANNOTATIONS = "annotations"
FRAMES = "frames"
FILLED = "filled"
SCHEMAS: dict[str, pa.Schema] = {ANNOTATIONS: ANNOTATION_SCHEMA, FRAMES: FRAME_SCHEMA, FILLED: FILLED_SCHEMA}


def part_path(folder: Path, kind: str, index: int) -> Path:
    """Return the path of part `index` (from 0) of `kind`: ANNOTATIONS, FRAMES or FILLED."""
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
    """Return whether the part holds all columns: a part of an older version lacks some."""
    if not any(file.schema_arrow.equals(older) for older in _versions(schema)):
        raise StoreError(f"{path}: expected the columns {', '.join(schema.names)} with their types, got others")
    if file.metadata.num_rows != num_rows:
        raise StoreError(f"{path}: expected {num_rows} rows by harvest.json, got {file.metadata.num_rows}")
    return bool(file.schema_arrow.equals(schema))


def _versions(schema: pa.Schema) -> list[pa.Schema]:
    """Return the schema in all versions, the newest first."""
    versions = [schema]
    for version in sorted(ADDED_COLUMNS, reverse=True):
        versions.append(pa.schema([field for field in versions[-1] if field.name not in ADDED_COLUMNS[version]]))
    return versions


def _completed(file: pq.ParquetFile, columns: Sequence[str]) -> pa.Table:
    """Return columns of a part of an older version; those that it lacks are as without recalibration and smoothing."""
    stored = set(file.schema_arrow.names)
    table = file.read(columns=[*(name for name in columns if name in stored), *({"det"} - set(columns))])
    fields = [ANNOTATION_SCHEMA.field(name) for name in columns]
    arrays = [table.column(one.name) if one.name in stored else _added(one, table) for one in fields]
    return pa.table(arrays, schema=pa.schema(fields))


def _added(field: pa.Field, table: pa.Table) -> pa.Array:
    """Return the column of an added field for the rows of a table."""
    det = values_of(table.column("det"))
    if field.name in {"scale", "sigma"}:
        scale = np.ones_like(det)
        return column(scale if field.name == "scale" else sigma_of(det, scale), field.type)
    if field.name == "filled":
        return column(np.zeros(len(det), dtype=np.bool_), field.type)
    return pa.nulls(len(det), field.type)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
