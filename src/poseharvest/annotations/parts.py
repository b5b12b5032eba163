"""The Parquet files of a harvest, one part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from poseharvest.annotations.schema import ANNOTATION_SCHEMA, FRAME_SCHEMA
from poseharvest.errors import StoreError

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
    # Else Arrow holds 10 MB from the first part on.
    pa.default_memory_pool().release_unused()


def read_part(path: Path, kind: str, num_rows: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one part, or some of its columns.

    Raises:
        StoreError: the file is missing or damaged, or is not the one that `harvest.json` counts.
    """
    if not path.is_file():
        raise StoreError(f"{path}: this part of the harvest is missing")
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            _check_part(path, file, SCHEMAS[kind], num_rows)
            return file.read(columns=None if columns is None else list(columns))
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: this part of the harvest is damaged: {_first_line(error)}") from error


def _check_part(path: Path, file: pq.ParquetFile, schema: pa.Schema, num_rows: int) -> None:
    if not file.schema_arrow.equals(schema):
        raise StoreError(f"{path}: expected the columns {', '.join(schema.names)} with their types, got others")
    if file.metadata.num_rows != num_rows:
        raise StoreError(f"{path}: expected {num_rows} rows by harvest.json, got {file.metadata.num_rows}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
