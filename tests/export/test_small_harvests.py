"""Every format takes any skeleton, down to two joints, and any harvest, down to one moment of one person."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harvest_kit import make_records, make_rig, make_run
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.writer import HarvestWriter
from poseharvest.export.registry import export
from poseharvest.skeleton.skeleton import Skeleton, limbs

ezc3d = pytest.importorskip("ezc3d")

_BY_JOINT = ("mean", "cov", "supported")
_BY_VIEW_AND_JOINT = ("pixels", "inside", "score", "peak_pixels", "peak_score")
NAMES = [("root", "tip"), ("épaule gauche", "肩", "a;b,c"), ("x" * 100, "y", "left_ear", "right_big_toe")]


def write_small(path: Path, joints: Sequence[str], frames: Sequence[int]) -> Harvest:
    """Write a harvest of some joints in some frames."""
    skeleton = Skeleton("small", tuple(joints), limbs(*(f"{joints[0]}-{name}" for name in joints[1:])))
    with HarvestWriter(path, rig=make_rig(), skeleton=skeleton) as writer:
        for record in make_records(frames):
            by_joint = {name: getattr(record, name)[: len(joints)] for name in _BY_JOINT}
            by_view = {name: getattr(record, name)[:, : len(joints)] for name in _BY_VIEW_AND_JOINT}
            writer.add(replace(record, **by_joint, **by_view))
        return writer.finish(make_run(frames[-1] + 1))


@pytest.mark.parametrize("joints", NAMES)
@pytest.mark.parametrize("frames", [(0,), (41,), (3, 4, 9)])
def test_names_and_positions_come_back(joints: tuple[str, ...], frames: tuple[int, ...], tmp_path: Path) -> None:
    harvest = write_small(tmp_path / "h", joints, frames)
    names = list(harvest.skeleton.joints)
    means = [record.mean.numpy() for record in harvest.iter_frames()]

    trc = export(harvest, "trc", tmp_path / "a.trc", up="keep", gaps="skip", unit="mm").read_text("utf-8").splitlines()
    assert [cell for cell in trc[3].split("\t")[2:] if cell] == names
    rows = np.array([line.split("\t")[2:-1] for line in trc[6:]], dtype=float).reshape(len(frames), -1, 3)
    np.testing.assert_allclose(rows, means, rtol=1e-7)

    c3d = ezc3d.c3d(str(export(harvest, "c3d", tmp_path / "a.c3d")))
    assert c3d["parameters"]["POINT"]["LABELS"]["value"] == names
    found = c3d["data"]["points"][:3].transpose(2, 1, 0)[[frame - frames[0] for frame in frames]]
    np.testing.assert_allclose(found, means, rtol=1e-6, atol=1e-3)

    with export(harvest, "csv", tmp_path / "a.csv", decimal=",").open(encoding="utf-8") as stream:
        table = list(csv.DictReader(stream, delimiter=";"))
    assert [row["joint"] for row in table] == names * len(frames)
    assert [float(row["x_mm"].replace(",", ".")) for row in table] == np.stack(means)[..., 0].ravel().tolist()

    content = json.loads((export(harvest, "coco", tmp_path / "coco") / "annotations/left.json").read_text("utf-8"))
    assert content["categories"][0]["keypoints"] == names
    assert [image["poseharvest"]["frame"] for image in content["images"]] == list(frames)
