"""Exports appear whole or not at all, and wrong requests are named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export_kit import options_for
from harvest_kit import make_records, small_disk, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError, StoreError
from poseharvest.export.registry import EXPORTERS, export


@pytest.mark.parametrize("name", EXPORTERS)
def test_existing_output_is_replaced_only_on_request(name: str, harvest: Harvest, tmp_path: Path) -> None:
    options = options_for(name)
    out = export(harvest.path, name, tmp_path / "out", **options)
    with pytest.raises(StoreError, match="out: already exists: choose another output"):
        export(harvest, name, out, **options)
    assert export(harvest, name, out, overwrite=True, **options) == out
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_overwrite_never_replaces_what_is_no_export(harvest: Harvest, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    for name in ("coco", "trc"):
        with pytest.raises(StoreError, match="thesis: already exists"):
            export(harvest, name, tmp_path / "thesis", overwrite=True)
    with pytest.raises(StoreError, match="is not an output of this kind"):
        export(harvest, "coco", harvest.path, overwrite=True)


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_damaged_harvest_leaves_nothing(name: str, tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(8)))
    part = tmp_path / "h/annotations/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-50])
    with pytest.raises(StoreError, match=r"part-00001\.parquet: this part of the harvest is damaged"):
        export(harvest, name, tmp_path / "out", **options_for(name))
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


@pytest.mark.parametrize("name", EXPORTERS)
def test_a_full_disk_leaves_nothing(name: str, harvest: Harvest, tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=8):
        with pytest.raises(StoreError, match="out: cannot be written: No space left on device"):
            export(harvest, name, tmp_path / "out", **options_for(name))
        assert list(tmp_path.iterdir()) == []


def test_provenance_beside_a_folder(harvest: Harvest, tmp_path: Path) -> None:
    content = json.loads((export(harvest, "coco", tmp_path / "out", box_margin=0.2) / "export.json").read_text())
    assert content["options"]["box_margin"] == 0.2
    assert content["capture"] == "trial"


def test_unknown_format_and_option(harvest: Harvest, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f'format: expected one of {", ".join(EXPORTERS)}, got "fbx"'):
        export(harvest, "fbx", tmp_path / "out")
    with pytest.raises(ConfigError, match=r'csv: expected options of .*, got "layuot"; did you mean "layout"\?'):
        export(harvest, "csv", tmp_path / "out", layuot="wide")
    with pytest.raises(ConfigError, match=r'trc: expected options of unit, up, blank, .*, got "box_margin"'):
        export(harvest, "trc", tmp_path / "out", box_margin=0.1)


def test_the_page_of_exports_says_of_each_format_what_its_record_says() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    table = page[page.index("| `--format` |") :].split("\n\n")[0].splitlines()[2:]
    expected = {f"| `{name}` | {exporter.description} |" for name, exporter in EXPORTERS.items()}
    assert [row for row in table if row not in expected] == []
    assert len(table) > 3


@pytest.mark.parametrize("name", EXPORTERS)
def test_options_are_frozen_and_have_defaults(name: str) -> None:
    options = EXPORTERS[name].options
    assert options() == options()
    assert options.__dataclass_params__.frozen
