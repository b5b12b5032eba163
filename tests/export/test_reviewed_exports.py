"""Exports of a harvest whose joints a person has decided about: what they hold, and what they say of it."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
import torch

from poseharvest.analysis.harvest_object import Harvest
from poseharvest.annotations.reviews import ReviewWriter, reviews_path
from poseharvest.export.registry import EXPORTERS, export, export_with_findings
from poseharvest.geometry.rig import project_all
from poseharvest.motion import MotionOptions
from walker_kit import Recipe, write_walk

FRAME = 7
PLAIN = ("bvh", "c3d", "coco", "csv", "gltf", "trc")  # without an extra package or footage


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A harvest with a rejected, an accepted and a moved joint in one frame."""
    folder = tmp_path_factory.mktemp("reviewed") / "walk"
    harvest = write_walk(folder, Recipe(num_frames=20, pictured=(), motion=MotionOptions()))
    record = next(record for record in harvest.iter_frames() if record.frame == FRAME)
    to = record.mean[harvest.skeleton.index("left_wrist")] + torch.tensor([90.0, -60.0, 120.0])
    pixels = project_all(harvest.rig.at(FRAME), to[None]).pixels[:, 0].tolist()
    writer = ReviewWriter(folder, harvest.info)
    writer.decide((FRAME, 0, "right_knee"), "reject")
    writer.decide((FRAME, 0, "head_top"), "accept")
    writer.decide(
        (FRAME, 0, "left_wrist"), "move", {name: tuple(pixels[k]) for k, name in enumerate(harvest.view_names)}
    )
    writer.close()
    return folder


@pytest.mark.parametrize("format", PLAIN)
def test_every_format_is_another_with_the_decisions_and_says_how_many(format: str, walk: Path, tmp_path: Path) -> None:
    findings = export_with_findings(walk, format, tmp_path / "with").findings
    plain = export_with_findings(Harvest.open(walk, reviews=False), format, tmp_path / "without").findings
    counted = [one.message for one in findings if one.topic == "review"]
    assert len(counted) == 1
    assert "1 accepted, 1 rejected, 1 moved" in counted[0]
    assert hashlib.sha256(reviews_path(walk).read_bytes()).hexdigest()[:16] in counted[0]
    assert [one for one in plain if one.topic == "review"] == []
    assert contents(tmp_path / "with") != contents(tmp_path / "without")
    assert format in EXPORTERS


def contents(path: Path) -> list[bytes]:
    files = [path] if path.is_file() else sorted(path.rglob("*.json"))
    return [file.read_bytes() for file in files]


def test_coco_learns_what_was_decided_and_names_the_file(walk: Path, tmp_path: Path) -> None:
    export(walk, "coco", tmp_path / "coco")
    provenance = Harvest.open(walk).review_provenance
    assert json.loads((tmp_path / "coco" / "export.json").read_text())["reviews"] == provenance
    harvest = Harvest.open(walk)
    index = harvest.skeleton.index
    moved = harvest.positions[FRAME, 0, index("left_wrist")]
    for view, camera in enumerate(harvest.rig.at(FRAME)):
        content = json.loads((tmp_path / "coco" / "annotations" / f"{camera.name}.json").read_text())
        assert content["info"]["poseharvest"]["reviews"] == provenance
        images = {one["id"]: one for one in content["images"]}
        (person,) = (one for one in content["annotations"] if f"{FRAME:06d}" in images[one["image_id"]]["file_name"])
        points = [person["keypoints"][3 * joint : 3 * joint + 3] for joint in range(16)]
        assert points[index("right_knee")] == [0, 0, 0]
        assert points[index("head_top")][2] > 0
        seen = project_all(harvest.rig.at(FRAME), torch.from_numpy(moved)[None]).pixels[view, 0]
        assert points[index("left_wrist")] == pytest.approx([*seen.tolist(), 2], abs=0.01)


def test_a_rejected_joint_is_a_gap_and_a_moved_one_lies_where_it_was_put(walk: Path, tmp_path: Path) -> None:
    export(walk, "csv", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open() as stream:
        rows = {row["joint"]: row for row in csv.DictReader(stream) if row["frame"] == str(FRAME)}
    knee, wrist = rows["right_knee"], rows["left_wrist"]
    unit = next(name.removeprefix("x_") for name in knee if name.startswith("x_") and "smooth" not in name)
    assert (knee["supported"], knee["selected"], knee[f"x_{unit}"]) == ("false", "false", "")
    smooth = [name for name in wrist if name.startswith("x_smooth")]
    assert [knee[name] for name in smooth] == [""]
    assert float(wrist[smooth[0]]) == pytest.approx(float(wrist[f"x_{unit}"]))


def test_python_reads_the_decisions_unless_they_are_left_out(walk: Path) -> None:
    reviewed, plain = Harvest.open(walk), Harvest.open(walk, reviews=False)
    index = plain.skeleton.index
    assert plain.reviews is None
    assert reviewed.without_reviews().reviews is None
    different = {
        plain.skeleton.joints[joint]
        for frame, person, joint in zip(*(reviewed.supported != plain.supported).nonzero(), strict=True)
        if (frame, person) == (FRAME, 0)
    }
    assert different == {"right_knee"}
    wrist = index("left_wrist")
    assert abs(reviewed.positions[FRAME, 0, wrist] - plain.positions[FRAME, 0, wrist]).max() > 50
    assert reviewed.sigmas_mm[FRAME, 0, wrist] != plain.sigmas_mm[FRAME, 0, wrist]
    assert reviewed.selected[FRAME, 0, index("head_top")]
    with_it, without = reviewed.to_pandas(), plain.to_pandas()
    assert with_it.dtypes.equals(without.dtypes)
    assert int((with_it["x"] != without["x"]).sum()) == 1
