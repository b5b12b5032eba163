"""The names of the columns are a contract with tools outside: this test fails if one changes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from poseharvest.annotations.schema import ANNOTATION_SCHEMA, ANNOTATION_VIEW, FILLED_SCHEMA, FRAME_SCHEMA, FRAME_VIEW

_DOCUMENT = (Path(__file__).parents[2] / "docs/harvest_folder.md").read_text(encoding="utf-8")


def _names(struct: pa.StructType) -> list[str]:
    return [field.name for field in struct]


def test_columns_of_annotations() -> None:
    names = "frame time person joint x y z cov_xx cov_xy cov_xz cov_yy cov_yz cov_zz det scale sigma supported selected"
    smooth = ["x_smooth", "y_smooth", "z_smooth", "sigma_smooth", "filled"]
    assert ANNOTATION_SCHEMA.names == [*names.split(), *smooth, "views"]
    assert FILLED_SCHEMA.names == ["frame", "time", "person", "joint", *smooth]
    assert _names(ANNOTATION_VIEW) == ["view", "u", "v", "score", "inside", "peak_u", "peak_v", "peak_score"]


def test_columns_of_frames() -> None:
    assert FRAME_SCHEMA.names == ["frame", "time", "person", "log_evidence", "views"]
    assert _names(FRAME_VIEW) == ["view", "present", "crop_x", "crop_y", "crop_side"]


def test_every_column_is_documented() -> None:
    nested = [f"views.{name}" for struct in (ANNOTATION_VIEW, FRAME_VIEW) for name in _names(struct)]
    for name in (*ANNOTATION_SCHEMA.names, *FRAME_SCHEMA.names, *nested):
        assert f"`{name}`" in _DOCUMENT, name
