"""A folder that is not a harvest, or is incomplete, gives an error that names it."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import reselect
from poseharvest.errors import StoreError
from poseharvest.motion import MotionOptions
from poseharvest.selection.rules import SelectionRule


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_harvest(tmp_path / "h", make_records(range(10)))
    return tmp_path / "h"


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((folder / "harvest.json").read_text())
    change(content)
    (folder / "harvest.json").write_text(json.dumps(content))
    _unseal(folder)


def _unseal(folder: Path) -> None:
    """Remove the checksums, so that what is behind them can be tested."""
    (folder / "SHA256SUMS").unlink()


def test_no_folder_and_no_harvest(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere: there is no such folder"):
        Harvest.open(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"is not a harvest: it has no harvest\.json"):
        Harvest.open(tmp_path)
    with pytest.raises(StoreError, match="cannot be read: File name too long"):
        Harvest.open(tmp_path / ("h" * 300))
    (tmp_path / "harvest.json").write_text('{"crops": "wheat"}')
    with pytest.raises(StoreError, match='is not a harvest: expected "format": "poseharvest harvest"'):
        Harvest.open(tmp_path)


def test_damaged_harvest_json(folder: Path) -> None:
    text = (folder / "harvest.json").read_text()
    (folder / "harvest.json").write_text(text[: len(text) // 2])
    with pytest.raises(StoreError, match=r"harvest\.json: is damaged"):
        Harvest.open(folder)


def test_a_field_that_is_missing_is_named(folder: Path) -> None:
    _edit(folder, lambda content: content["capture"].pop("frame_rate"))
    with pytest.raises(StoreError, match=r"harvest\.json: is damaged: capture\.frame_rate: Field required"):
        Harvest.open(folder)


def test_newer_schema(folder: Path) -> None:
    _edit(folder, lambda content: content.update(schema_version=4))
    with pytest.raises(StoreError, match="newer poseharvest: schema version 4, this one reads up to 3: upgrade"):
        Harvest.open(folder)


def test_missing_and_damaged_rig(folder: Path) -> None:
    (folder / "rig.json").write_text((folder / "rig.json").read_text().replace('"right"', '"wrong"'))
    with pytest.raises(StoreError, match=r"rig\.json: expected the cameras left, right, top/side .*, got left, wrong"):
        _ = Harvest.open(folder).rig
    (folder / "rig.json").write_text("{")
    with pytest.raises(StoreError, match=r"rig\.json: is damaged: rig\.json"):
        _ = Harvest.open(folder).rig
    (folder / "rig.json").unlink()
    with pytest.raises(StoreError, match=r"rig\.json: the cameras of this harvest are missing"):
        Harvest.open(folder)


def test_missing_part(folder: Path) -> None:
    (folder / "annotations/part-00001.parquet").unlink()
    with pytest.raises(StoreError, match=r"annotations: missing part-00001\.parquet of 3 parts"):
        Harvest.open(folder)


def test_missing_part_after_opening(folder: Path) -> None:
    harvest = Harvest.open(folder)
    (folder / "frames/part-00002.parquet").unlink()
    with pytest.raises(StoreError, match=r"part-00002\.parquet: this part of the harvest is missing"):
        list(harvest.iter_frames())


def test_part_of_another_harvest(folder: Path) -> None:
    part = folder / "annotations/part-00000.parquet"
    part.with_name("part-00003.parquet").write_bytes(part.read_bytes())
    with pytest.raises(StoreError, match=r"part-00003\.parquet does not belong to this harvest"):
        Harvest.open(folder)


def test_part_with_too_few_rows(folder: Path) -> None:
    part = folder / "annotations/part-00001.parquet"
    pq.write_table(pq.read_table(part).slice(0, 63), part)
    _unseal(folder)
    with pytest.raises(StoreError, match=r"part-00001\.parquet: expected 64 rows by harvest\.json, got 63"):
        list(Harvest.open(folder).iter_frames())


def test_part_with_other_columns(folder: Path) -> None:
    part = folder / "annotations/part-00000.parquet"
    pq.write_table(pq.read_table(part).drop_columns(["det"]), part)
    _unseal(folder)
    with pytest.raises(StoreError, match=r"part-00000\.parquet: expected the columns frame, time, .* got others"):
        list(Harvest.open(folder).iter_frames())


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6])
@pytest.mark.parametrize("sealed", [True, False])
def test_one_flipped_byte_of_data_is_noticed(folder: Path, where: float, sealed: bool) -> None:
    if not sealed:
        _unseal(folder)
    part = folder / "annotations/part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[int(len(content) * where)] ^= 0xFF
    part.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"part-00001\.parquet: this part of the harvest is damaged"):
        list(Harvest.open(folder).iter_frames())


def test_unknown_fields_are_ignored(folder: Path) -> None:
    _edit(folder, lambda content: content.update(mood="good"))
    assert Harvest.open(folder).info.counts.frames == 10


def _read_all(folder: Path) -> None:
    harvest = Harvest.open(folder)
    _ = harvest.rig
    list(harvest.iter_selected())
    harvest.filled_poses()


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    write_harvest(tmp_path / "h", make_records([0, 1, 3, 4, 5]), motion=MotionOptions())
    files = [path for path in sorted((tmp_path / "h").rglob("*")) if path.is_file()]
    assert {path.name for path in files} >= {"harvest.json", "rig.json", "SHA256SUMS", "part-00000.parquet"}
    _read_all(tmp_path / "h")
    rng = random.Random(4)
    for number in range(200):
        path = files[number % len(files)]
        content = path.read_bytes()
        damaged, place = bytearray(content), rng.randrange(len(content))
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(bytes(damaged))
        with pytest.raises(StoreError):
            _read_all(tmp_path / "h")
        path.write_bytes(content)
    _read_all(tmp_path / "h")


def test_the_checksums_are_those_of_the_standard_tool(folder: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum")
    reselect(Harvest.open(folder), SelectionRule(share=0.2))
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.count(": OK") == 2 + 2 * 3
