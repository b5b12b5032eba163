"""The pandas table is what pandas reads from the folder by itself."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from export_kit import STRANGE
from poseharvest import Harvest


@pytest.mark.parametrize("strange", STRANGE)
def test_the_table_is_what_pandas_reads_from_the_folder(strange: str, tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE[strange](tmp_path / "h").path)
    parts = sorted((harvest.path / "annotations").glob("*.parquet"))
    expected = pandas.concat([pandas.read_parquet(part) for part in parts], ignore_index=True)
    table = harvest.to_pandas()
    assert list(table) == [name for name in expected if name != "views"]
    texts = {"joint": str}
    pandas.testing.assert_frame_equal(table.astype(texts), expected.drop(columns="views").astype(texts))


def test_a_row_for_every_view(tmp_path: Path) -> None:
    harvest = Harvest.open(STRANGE["three people"](tmp_path / "h").path)
    table = harvest.to_pandas(views=True)
    assert len(table) == 12 * 3 * 16 * 4
    rows = table.set_index(["frame", "person", "joint", "view"])
    for row in harvest.iter_selected():
        record = row.annotations
        for v, view in enumerate(harvest.view_names):
            found = rows.loc[(record.frame, record.person, "left_wrist", view)]
            joint = harvest.skeleton.index("left_wrist")
            assert [found.u, found.v] == record.pixels[v, joint].tolist()
            assert (found.score, found.inside) == (float(record.score[v, joint]), bool(record.inside[v, joint]))
            assert found.selected == bool(row.selected[joint])
