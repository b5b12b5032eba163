"""A harvest as a pandas table: the columns of the folder, under their names (docs/harvest_folder.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.schema import ANNOTATION_SCHEMA, ANNOTATION_VIEW
from poseharvest.errors import ConfigError

if TYPE_CHECKING:
    from pandas import DataFrame

_PLACE = ("frame", "time", "person", "joint")


def joint_table(harvest: Harvest, *, views: bool = False) -> DataFrame:
    """Return a table with a row per frame, person and joint, in that order.

    Args:
        harvest: the harvest.
        views: a row for each view of these instead, with what that view shows: `view`, `u`, `v`, `score`, `inside`, ...

    Raises:
        ConfigError: pandas is not installed.
    """
    try:
        import pandas  # noqa: F401 - Arrow uses it
    except ImportError as error:
        raise ConfigError("to_pandas: needs pandas: pip install 'poseharvest[pandas]'") from error
    if views:
        tables = [_view_rows(table) for table in harvest.columns((*_PLACE, "selected", "views"))]
        kinds = [ANNOTATION_SCHEMA.field(name) for name in (*_PLACE, "selected")]
        schema = pa.schema([*kinds, *ANNOTATION_VIEW])
    else:
        schema = pa.schema([field for field in ANNOTATION_SCHEMA if field.name != "views"])
        tables = list(harvest.columns(schema.names))
    whole = pa.concat_tables(tables) if tables else schema.empty_table()
    frame: DataFrame = whole.unify_dictionaries().to_pandas()
    return frame


def _view_rows(table: pa.Table) -> pa.Table:
    """Return a row per view of every row of a part."""
    lists = table.column("views").combine_chunks()
    repeated = table.drop_columns(["views"]).take(pc.list_parent_indices(lists))
    structs = lists.flatten()
    for field in structs.type:
        repeated = repeated.append_column(field.name, structs.field(field.name))
    return repeated
