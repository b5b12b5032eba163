"""A harvest holds exactly the added records, streams them, and is never incomplete."""

from __future__ import annotations

import dataclasses
import gc
import subprocess
import sys
import weakref
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
import torch

from harvest_kit import make_records, make_rig, make_run, small_disk, write_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.records import FrameAnnotations
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import CalibrationError, StoreError
from poseharvest.geometry.rig import project_all
from poseharvest.skeleton.definitions import LSP14, MPII16


def assert_same(a: FrameAnnotations, b: FrameAnnotations) -> None:
    for field in dataclasses.fields(FrameAnnotations):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if isinstance(left, torch.Tensor):
            torch.testing.assert_close(left, right, rtol=0, atol=0, equal_nan=True)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("records_per_part", [1, 4, 7, 512])
def test_streams_back_exactly_what_was_added(tmp_path: Path, records_per_part: int) -> None:
    records = make_records(range(3, 10), persons=(0, 2))
    harvest = write_harvest(tmp_path / "h", records, records_per_part=records_per_part)
    back = list(harvest.iter_frames())
    assert len(back) == len(records)
    for a, b in zip(records, back, strict=True):
        assert_same(a, b)
    assert harvest.skeleton == MPII16
    assert harvest.view_names == ("left", "right", "top/side")
    assert harvest.info.counts.frames == 7
    assert harvest.info.counts.persons == 2
    assert harvest.info.findings[0].message == "the man is 3 m tall"


def test_projections_follow_from_the_folder_alone(tmp_path: Path) -> None:
    """The cameras and the positions that were stored give the pixels that were stored."""
    harvest = write_harvest(tmp_path / "h", make_records(range(4)))
    for record in harvest.iter_frames():
        projection = project_all(harvest.rig.at(record.frame), record.mean)
        torch.testing.assert_close(projection.pixels, record.pixels, rtol=0, atol=1e-9)


def test_records_back_do_not_share_memory(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(3)))
    first, second, _ = harvest.iter_frames()
    copy = second.mean.clone()
    first.mean.zero_()
    assert torch.equal(second.mean, copy)


def test_folder_opens_with_pandas_alone(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    records = make_records(range(6), persons=(0, 1))
    write_harvest(tmp_path / "h", records)
    table = pandas.concat([pandas.read_parquet(p) for p in sorted((tmp_path / "h/annotations").glob("*.parquet"))])
    assert len(table) == 6 * 2 * 16
    row = table[(table.frame == 2) & (table.person == 1) & (table.joint == "left_knee")].iloc[0]
    joint, record = MPII16.index("left_knee"), records[5]
    assert [row.x, row.y, row.z] == record.mean[joint].tolist()
    assert [row.cov_xx, row.cov_xy, row.cov_xz] == record.cov[joint, 0].tolist()
    assert [row.cov_yy, row.cov_yz, row.cov_zz] == record.cov[joint, [1, 1, 2], [1, 2, 2]].tolist()
    assert row.det == pytest.approx(np.linalg.det(record.cov[joint].numpy()), rel=1e-9)
    assert row.time == 2 / 50
    view = row["views"][1]
    assert view["view"] == "right"
    assert [view["u"], view["v"]] == record.pixels[1, joint].tolist()
    assert row["views"][2]["peak_u"] is None, "frame 2 has no third view"
    frames = pandas.read_parquet(tmp_path / "h/frames/part-00001.parquet")
    assert frames.log_evidence.iloc[1] == records[5].log_evidence
    assert frames["views"].iloc[1][2]["present"] is np.False_ or frames["views"].iloc[1][2]["present"] is False


def test_columns_stream_part_by_part(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(10)))
    parts = list(harvest.columns(["det", "joint"]))
    assert [part.num_rows for part in parts] == [64, 64, 32]
    dets = pa.concat_tables(parts).column("det").to_numpy().reshape(10, 16)
    np.testing.assert_array_equal(dets, [record.det.numpy() for record in make_records(range(10))])
    with pytest.raises(StoreError, match=r"annotations: expected columns of frame, .*, got size"):
        harvest.columns(["size"])


def test_preview_is_small_and_in_rgb(tmp_path: Path) -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    image[..., 0] = 200
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16) as writer:
        writer.add(make_records([0])[0])
        writer.add_preview(0, "left", image)
        writer.add_preview(0, "top/side", image[:40, :30])
        with pytest.raises(CalibrationError, match='expected one of left, right, top/side, got "middle"'):
            writer.add_preview(0, "middle", image)
        harvest = writer.finish(make_run(1))
    assert harvest.preview_frames == (0,)
    assert harvest.preview(0, "right") is None
    preview = cv2.imread(str(harvest.preview(0, "left")), cv2.IMREAD_COLOR_RGB)
    assert preview.shape == (540, 960, 3)
    assert np.abs(preview.astype(int) - [200, 0, 0]).max() <= 3
    assert cv2.imread(str(harvest.preview(0, "top/side"))).shape == (40, 30, 3)


def test_nothing_remains_of_a_block_that_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, records_per_part=1) as writer:
            writer.add(make_records([0])[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_all_records_are_read_back_before_the_end(tmp_path: Path, is_interrupted: bool) -> None:
    """From finished parts, also of an interrupted writer, and from memory; one frame lies in two parts."""
    records = make_records(range(3), persons=(0, 2, 5))
    options = {"rig": make_rig(), "skeleton": MPII16, "records_per_part": 4, "resume": True}

    def begin() -> None:
        with HarvestWriter(tmp_path / "h", **options) as writer:
            for record in records[:6]:
                if writer.add(record):
                    writer.keep({})
            raise KeyboardInterrupt

    if is_interrupted:
        with pytest.raises(KeyboardInterrupt):
            begin()
    with HarvestWriter(tmp_path / "h", **options) as writer:
        for record in records[:6]:
            writer.add(record)
        back = list(writer.records())
        assert len(back) == 6
        for a, b in zip(records, back, strict=False):
            assert_same(a, b)
        for record in records[6:]:
            writer.add(record)
        counts = writer.finish(make_run(1)).info.counts
    assert (counts.frames, counts.persons, counts.records_per_part) == (3, 3, (4, 4, 1))


def test_forgetting_finish_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"h: the writer was closed without finish\(\): nothing was kept"),
        HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_until_finish_nothing_stands_under_the_name(tmp_path: Path) -> None:
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, records_per_part=1) as writer:
        writer.add(make_records([0])[0])
        lock, partial = sorted(tmp_path.iterdir())
        assert lock.name == ".h.lock"
        assert partial.name.startswith(".h.partial-")
        with pytest.raises(StoreError, match=r"is not a harvest: it has no harvest\.json"):
            Harvest.open(partial)
        writer.finish(make_run(1))
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_existing_output(tmp_path: Path) -> None:
    path = tmp_path / "h"
    write_harvest(path, make_records([0]))
    with pytest.raises(StoreError, match="h: already exists: choose another output"):
        write_harvest(path, make_records([0]))
    assert write_harvest(path, make_records([5, 6]), overwrite=True).info.counts.frames == 2
    assert [p.name for p in tmp_path.iterdir()] == ["h"]


def test_overwrite_never_replaces_another_folder(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter1.txt").write_text("years of work")
    with pytest.raises(StoreError, match="thesis: already exists and is not an output of this kind"):
        write_harvest(thesis, make_records([0]), overwrite=True)
    assert (thesis / "chapter1.txt").read_text() == "years of work"


def test_a_folder_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def collide() -> None:
        with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16) as writer:
            writer.add(make_records([0])[0])
            (tmp_path / "h").mkdir()
            writer.finish(make_run(1))

    with pytest.raises(StoreError, match="already exists"):
        collide()
    assert [p.name for p in tmp_path.iterdir()] == ["h"]
    assert list((tmp_path / "h").iterdir()) == []


def test_records_out_of_order_or_of_another_rig(tmp_path: Path) -> None:
    zero, one = make_records([0, 1])
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16) as writer:
        writer.add(one)
        with pytest.raises(StoreError, match="frame 0, person 0: records must come in order"):
            writer.add(zero)
        with pytest.raises(StoreError, match="person from 0 to 32767"):
            writer.add(dataclasses.replace(one, person=40000))
        writer.finish(make_run(2))
    other = HarvestWriter(tmp_path / "other", rig=make_rig(), skeleton=LSP14)
    with pytest.raises(StoreError, match=r"expected \(views, joints\) \(3, 14\) of the harvest, got \(3, 16\)"), other:
        other.add(zero)


def test_an_empty_harvest_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="needs at least one person in one frame, got none"),
        HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16) as writer,
    ):
        writer.finish(make_run(0))


_FILLS_THE_DISK = """
import resource, signal, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from harvest_kit import make_records, make_rig, make_run
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.errors import StoreError
from poseharvest.skeleton.definitions import MPII16
records = make_records(range(40))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with HarvestWriter(Path(sys.argv[1]), rig=make_rig(), skeleton=MPII16, records_per_part=40) as writer:
        for record in records:
            writer.add(record)
        writer.finish(make_run(40))
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file size are POSIX")
def test_a_limit_on_file_size_leaves_nothing(tmp_path: Path) -> None:
    paths = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]
    process = subprocess.run(
        [sys.executable, "-c", _FILLS_THE_DISK, str(tmp_path / "h"), *paths], capture_output=True, text=True, check=True
    )
    assert f"{tmp_path / 'h'}: cannot be written: " in process.stdout
    assert "File too large" in process.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path, kilobytes=200):
        with pytest.raises(StoreError, match=rf"{tmp_path / 'h'}: cannot be written: .*No space left on device"):
            write_harvest(tmp_path / "h", make_records(range(60)), records_per_part=8)
        assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: File name too long"):
        write_harvest(tmp_path / ("h" * 300), make_records([0]))


def test_the_writer_holds_one_part(tmp_path: Path) -> None:
    with HarvestWriter(tmp_path / "h", rig=make_rig(), skeleton=MPII16, records_per_part=5) as writer:
        added = []
        for frame in range(23):
            record = make_records([frame])[0]
            added.append(weakref.ref(record))
            writer.add(record)
            del record
        gc.collect()
        assert sum(record() is not None for record in added) == 3
        writer.finish(make_run(23))


def test_the_reader_opens_a_part_when_it_gets_there(tmp_path: Path) -> None:
    harvest = write_harvest(tmp_path / "h", make_records(range(8)))
    (tmp_path / "h/annotations/part-00001.parquet").write_bytes(b"rubbish")
    frames = harvest.iter_frames()
    assert [next(frames).frame for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(StoreError, match=r"part-00001\.parquet: this part of the harvest is damaged"):
        next(frames)


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        write_harvest(tmp_path / "file" / "h", make_records([0]))


def test_permissions_are_those_of_any_new_folder(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    write_harvest(tmp_path / "h", make_records([0]))
    assert (tmp_path / "h").stat().st_mode == (tmp_path / "plain").stat().st_mode
