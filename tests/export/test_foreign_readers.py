"""Every export is read by a reader that is not ours and not the library that wrote it.

Readers of recordings (`test_rerun.py`), of SLEAP's labels (`test_sleap.py`), of YOLO (`test_yolo.py`) and movement
(`tests/export/test_movement_dataset.py`) have tests of their own.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import pyarrow.dataset as ds
import pytest
from numpy.typing import NDArray

from export_kit import STRANGE, GreyFootage, options_for
from harvest_kit import FRAME_RATE
from poseharvest.annotations.reader import Harvest
from poseharvest.errors import ConfigError
from poseharvest.export.registry import EXPORTERS, export, export_with_findings


def expected_mm(harvest: Harvest) -> NDArray[np.float64]:
    """(F, J, 3) of the one person from the first frame to the last; NaN where no marker is written."""
    rows = {record.frame: record for record in harvest.iter_frames()}
    frames = range(min(rows), max(rows) + 1)
    empty = np.full((len(harvest.skeleton), 3), np.nan)
    return np.array([
        np.where(rows[f].supported.numpy()[:, None], rows[f].mean.numpy(), np.nan) if f in rows else empty
        for f in frames
    ])


def test_c3d_by_a_reader_in_python(harvest: Harvest, tmp_path: Path) -> None:
    """ezc3d writes; the package `c3d` reads."""
    c3d = pytest.importorskip("c3d")
    pytest.importorskip("ezc3d")
    path = export(harvest, "c3d", tmp_path / "a.c3d")
    with path.open("rb") as stream:
        reader = c3d.Reader(stream)
        assert reader.point_rate == FRAME_RATE
        assert [label.strip() for label in reader.point_labels] == list(harvest.skeleton.joints)
        assert reader.first_frame == 2 + 1
        frames = [points for _, points, _ in reader.read_frames()]
    points = np.array(frames)
    is_missing = points[..., 3] < 0
    found = np.where(is_missing[..., None], np.nan, points[..., :3])
    np.testing.assert_allclose(found, expected_mm(harvest), rtol=1e-6, atol=1e-3)
    sigma = {row.annotations.frame: row.sigma_mm.numpy() for row in harvest.iter_selected()}
    np.testing.assert_allclose(points[0, :, 3], np.ceil(sigma[2]).clip(max=255))


def test_c3d_by_kineticstoolkit(harvest: Harvest, tmp_path: Path) -> None:
    ktk = pytest.importorskip("kineticstoolkit.lab", reason="kineticstoolkit is not installed (it brings Qt)")
    read = ktk.read_c3d(str(export(harvest, "c3d", tmp_path / "a.c3d")), convert_point_unit=True)["Points"]
    expected = expected_mm(harvest) / 1000
    assert set(read.data) == set(harvest.skeleton.joints)
    for joint, values in read.data.items():
        found = expected[:, harvest.skeleton.index(joint)]
        np.testing.assert_allclose(values[:, :3], found, rtol=1e-5, atol=1e-6, err_msg=joint)
    np.testing.assert_allclose(np.diff(read.time), 1 / FRAME_RATE, atol=1e-6)


def test_trc_by_a_published_reader(harvest: Harvest, tmp_path: Path) -> None:
    """`trc-data-reader` takes what stands between tabs for markers in order, so that none may be missing."""
    library = pytest.importorskip("trc", reason="trc-data-reader is not installed")
    path = export(harvest, "trc", tmp_path / "a.trc", up="keep", unit="mm", blank="none", gaps="skip")
    read = library.TRCData()
    read.load(str(path))
    assert read["Markers"] == list(harvest.skeleton.joints)
    assert (read["DataRate"], read["NumFrames"], read["Units"]) == (FRAME_RATE, 20, "mm")
    records = list(harvest.iter_frames())
    assert read["Frame#"] == [record.frame + 1 for record in records]
    np.testing.assert_allclose(read["Time"], [record.time_s for record in records], rtol=1e-8)
    for joint in read["Markers"]:
        expected = [record.mean[harvest.skeleton.index(joint)].tolist() for record in records]
        np.testing.assert_allclose(read[joint], expected, rtol=1e-7)


def test_trc_by_pandas(harvest: Harvest, tmp_path: Path) -> None:
    """As scripts of labs read it: a table with tabs, the header left out."""
    path = export(harvest, "trc", tmp_path / "a.trc", up="keep", unit="mm", gaps="empty")
    table = pandas.read_csv(path, sep="\t", skiprows=6, header=None).dropna(axis=1, how="all")
    numbers = table.to_numpy()[:, 2:].reshape(len(table), -1, 3)
    np.testing.assert_allclose(numbers, expected_mm(harvest), rtol=1e-7)


def test_csv_by_duckdb(harvest_of_two: Harvest, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    path = export(harvest_of_two, "csv", tmp_path / "a.csv", blank="none")
    rows = duckdb.sql(f"SELECT frame, person, joint, x_mm, selected FROM '{path}' WHERE joint = 'pelvis'").fetchall()
    pelvis = harvest_of_two.skeleton.index("pelvis")
    assert rows == [
        (
            r.annotations.frame,
            r.annotations.person,
            "pelvis",
            float(r.annotations.mean[pelvis, 0]),
            bool(r.selected[pelvis]),
        )
        for r in harvest_of_two.iter_selected()
    ]


@pytest.mark.parametrize("reader", ["arrow", "pandas", "duckdb", "polars"])
def test_the_folder_s_parquet(reader: str, harvest_of_two: Harvest) -> None:
    library = pytest.importorskip({"arrow": "pyarrow"}.get(reader, reader), reason=f"{reader} is not installed")
    folder, sql = harvest_of_two.path / "annotations", "SELECT x, selected FROM '{}' ORDER BY frame, person"
    if reader == "arrow":
        table = ds.dataset(folder).to_table(["x", "selected"]).to_pydict()
        x, selected = table["x"], table["selected"]
    elif reader == "pandas":
        frame = library.read_parquet(folder)
        x, selected = frame["x"].tolist(), frame["selected"].tolist()
    elif reader == "polars":
        frame = library.read_parquet(folder / "*.parquet")
        x, selected = frame["x"].to_list(), frame["selected"].to_list()
    else:
        x, selected = zip(*library.sql(sql.format(folder / "*.parquet")).fetchall(), strict=True)
    rows = list(harvest_of_two.iter_selected())
    assert sorted(x) == sorted(value for row in rows for value in row.annotations.mean[:, 0].tolist())
    assert sum(selected) == sum(int(row.selected.sum()) for row in rows)


def test_coco_by_faster_coco_eval(harvest_of_two: Harvest, tmp_path: Path) -> None:
    """The evaluation of COCO gives perfect estimates of the reliable joints a score of 1."""
    library = pytest.importorskip("faster_coco_eval")
    folder = export(harvest_of_two, "coco", tmp_path / "coco")
    path = folder / "annotations" / "left.json"
    truth = library.COCO(str(path))
    assert len(truth.getImgIds()) == 6
    assert len(truth.getAnnIds()) == 12
    content = json.loads(path.read_text())
    estimates = [
        {"image_id": one["image_id"], "category_id": 1, "keypoints": one["keypoints"], "score": 0.9}
        for one in content["annotations"]
    ]
    evaluator = library.COCOeval_faster(truth, truth.loadRes(estimates), "keypoints")
    evaluator.params.kpt_oks_sigmas = np.full(16, 0.05)
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    assert evaluator.stats[0] == pytest.approx(1.0)


_REFUSES = {
    ("trc", "three people"): "a TRC file holds one person, this harvest holds 0, 1, 2: choose one with --person",
    ("c3d", "three people"): "a C3D file holds one person, this harvest holds 0, 1, 2: choose one with --person",
    ("bvh", "three people"): "a BVH file holds one person, this harvest holds 0, 1, 2: choose one with --person",
    ("gltf", "three people"): "a glTF file holds one person, this harvest holds 0, 1, 2: choose one with --person",
    ("bvh", "nothing supported"): "expected a joint of person 0 to write, --blank unsupported leaves none",
    ("gltf", "nothing supported"): "expected a joint of person 0 to write, --blank unsupported leaves none",
    ("trc", "nothing supported"): "expected a joint of person 0 to write, --blank unsupported leaves none",
    ("c3d", "nothing supported"): "expected a joint of person 0 to write, --blank unsupported leaves none",
}
"""Which format says of which harvest, in one line, what is missing; all others are written."""


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", EXPORTERS)
def test_strange_harvests_are_written_or_it_says_what_is_missing(name: str, strange: str, tmp_path: Path) -> None:
    harvest, options = STRANGE[strange](tmp_path / "h"), options_for(name)
    if "source" in options:
        options["source"] = GreyFootage(harvest.rig)
    expected = _REFUSES.get((name, strange))
    if expected is None:
        written = export_with_findings(harvest, name, tmp_path / "out", **options)
        assert written.path.exists()
        assert all("\n" not in finding.message for finding in written.findings)
    else:
        with pytest.raises(ConfigError) as caught:
            export(harvest, name, tmp_path / "out", **options)
        assert expected in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()


def test_one_of_three_is_written(tmp_path: Path) -> None:
    harvest = STRANGE["three people"](tmp_path / "h")
    path = export(harvest, "trc", tmp_path / "a.trc", person=1, up="keep", unit="mm", smooth=False)
    table = pandas.read_csv(path, sep="\t", skiprows=6, header=None).to_numpy()[:, 2:50].reshape(-1, 16, 3)
    means = [
        np.where(record.supported.numpy()[:, None], record.mean.numpy(), np.nan)
        for record in harvest.iter_frames()
        if record.person == 1
    ]
    np.testing.assert_allclose(table, means, rtol=1e-7)


def test_legs_that_nobody_sees_are_in_no_format(tmp_path: Path) -> None:
    harvest = STRANGE["seated"](tmp_path / "h")
    legs = [f"{side}_{part}" for side in ("left", "right") for part in ("knee", "ankle")]
    csv = pandas.read_csv(export(harvest, "csv", tmp_path / "a.csv"))
    assert csv[csv.joint.isin(legs)].x_mm.isna().all()
    assert csv[csv.joint == "pelvis"].x_mm.notna().all()
    coco = json.loads((export(harvest, "coco", tmp_path / "coco") / "annotations" / "left.json").read_text())
    keypoints = np.array([one["keypoints"] for one in coco["annotations"]]).reshape(-1, 16, 3)
    assert (keypoints[:, [harvest.skeleton.index(leg) for leg in legs]] == 0).all()
    trc = export(harvest, "trc", tmp_path / "a.trc").read_text().splitlines()
    markers = [cell for cell in trc[3].split("\t")[2:] if cell]
    for line in trc[6:]:
        cells = line.split("\t")[2:]
        assert all(cells[3 * markers.index(leg)] == "" for leg in legs)
