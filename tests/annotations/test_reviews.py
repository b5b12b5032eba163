"""Decisions about joints: the file beside the harvest, and the rows of the harvest with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from poseharvest.annotations.across_harvests import recorded_reviews, select_together, with_decisions
from poseharvest.annotations.copies import copy_harvest
from poseharvest.annotations.reader import Harvest
from poseharvest.annotations.reselect import reselect
from poseharvest.annotations.reviews import ReviewWriter, read_reviews, reviews_path
from poseharvest.errors import StoreError
from poseharvest.geometry.dragged_point import drag_point
from poseharvest.geometry.rig import project_all
from poseharvest.selection.rules import SelectionRule
from walker_kit import Recipe, write_walk

WRIST, KNEE, PELVIS = "left_wrist", "right_knee", "pelvis"


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A harvest of 23 frames in several parts."""
    folder = tmp_path_factory.mktemp("reviews") / "walk"
    write_walk(folder, Recipe(num_frames=23, pictured=()))
    return folder


@pytest.fixture
def harvest(walk: Path, tmp_path: Path) -> Harvest:
    """A copy of it, to decide about."""
    shutil.copytree(walk, tmp_path / "walk")
    return Harvest.open(tmp_path / "walk")


def decide(harvest: Harvest, *decisions: tuple[int, str, str]) -> None:
    writer = ReviewWriter(harvest.path, harvest.info, by="Ada")
    for frame, joint, decision in decisions:
        writer.decide((frame, 0, joint), decision)
    writer.close()


def move(harvest: Harvest, frame: int, joint: str, to: torch.Tensor, views: tuple[int, ...]) -> None:
    pixels = project_all(harvest.rig.at(frame), to[None]).pixels[:, 0].tolist()
    writer = ReviewWriter(harvest.path, harvest.info)
    writer.decide((frame, 0, joint), "move", {harvest.view_names[view]: tuple(pixels[view]) for view in views})
    writer.close()


def test_a_harvest_without_decisions_is_as_it_was(harvest: Harvest) -> None:
    reviewed = harvest.with_reviews()
    assert reviewed.reviews is None
    assert reviewed.review_findings() == ()
    assert reviewed.review_provenance is None
    assert harvest.without_reviews() is harvest
    assert recorded_reviews([reviewed]) == {}


def test_the_last_decision_holds_and_can_be_taken_back(harvest: Harvest) -> None:
    decide(harvest, (3, WRIST, "reject"), (4, KNEE, "accept"), (3, WRIST, "accept"), (4, KNEE, "undo"))
    reviews = read_reviews(harvest.path, harvest.info)
    assert reviews is not None
    assert {place: one.decision for place, one in reviews.standing.items()} == {(3, 0, WRIST): "accept"}
    assert reviews.order == ((3, 0, WRIST), (3, 0, WRIST))
    assert reviews.standing[3, 0, WRIST].by == "Ada"
    decide(harvest, (3, WRIST, "undo"))
    again = read_reviews(harvest.path, harvest.info)
    assert again is not None
    assert again.standing[3, 0, WRIST].decision == "reject"
    assert again.provenance | {"sha256": ""} == {
        "file": "walk.reviews.jsonl",
        "sha256": "",
        "decisions": 1,
        "accept": 0,
        "reject": 1,
        "move": 0,
    }


def test_what_a_writer_knows_is_what_a_reader_finds(harvest: Harvest) -> None:
    """The same laws by two routes: decision by decision, and the whole file at once."""
    generator = np.random.default_rng(5)
    writer = ReviewWriter(harvest.path, harvest.info)
    for _ in range(80):
        place = (int(generator.integers(3)), 0, (WRIST, KNEE)[generator.integers(2)])
        kind = str(generator.choice(["accept", "reject", "undo", "move"]))
        if kind == "undo" and place not in writer.reviews.standing:
            with pytest.raises(StoreError, match="to take back"):
                writer.decide(place, kind)
            continue
        writer.decide(place, kind, {"cam02": (3.5, 4.25)} if kind == "move" else None)
    found = read_reviews(harvest.path, harvest.info)
    writer.close()
    assert found is not None
    assert found.history == writer.reviews.history
    assert found.order == writer.reviews.order


@pytest.mark.parametrize(
    ("place", "decision", "pixels", "message"),
    [
        ((0, 0, "tail"), "accept", None, 'expected a joint of the harvest, .* got "tail"'),
        ((0, 0, WRIST), "move", {"cam9": (1.0, 2.0)}, 'expected a view of the harvest, .* got "cam9"'),
        ((0, 0, WRIST), "move", None, "pixels: expected those of one view or more"),
        ((0, 0, WRIST), "reject", {"cam01": (1.0, 2.0)}, "pixels: expected those of one view or more"),
        ((0, 0, WRIST), "move", {"cam01": (1.0, float("nan"))}, "finite"),
        ((0, 0, WRIST), "erase", None, "decision"),
        ((-1, 0, WRIST), "accept", None, "frame"),
    ],
)
def test_a_decision_that_means_nothing_is_refused_and_not_written(
    harvest: Harvest, place, decision, pixels, message
) -> None:
    writer = ReviewWriter(harvest.path, harvest.info)
    with pytest.raises(StoreError, match=message):
        writer.decide(place, decision, pixels)
    writer.close()
    assert len(reviews_path(harvest.path).read_text().splitlines()) == 1


def test_a_damaged_decision_is_named_by_its_line(harvest: Harvest) -> None:
    decide(harvest, (3, WRIST, "reject"), (4, WRIST, "reject"))
    path = reviews_path(harvest.path)
    path.write_text(path.read_text().replace('"frame":4', '"frame":-4'))
    with pytest.raises(StoreError, match=r"walk\.reviews\.jsonl: line 3: is damaged: frame"):
        harvest.with_reviews()


def test_decisions_on_another_harvest_are_named_and_not_applied(harvest: Harvest, tmp_path: Path) -> None:
    decide(harvest, (3, WRIST, "reject"))
    other = harvest.info.model_copy(update={"created": "2031-05-04T10:00:00+00:00"})
    reviews = read_reviews(harvest.path, other)
    assert reviews is not None
    assert reviews.standing == {}
    assert "its 1 decisions are about the harvest of" in reviews.findings[0].message
    assert "they were not applied" in reviews.findings[0].message
    with pytest.raises(StoreError, match="move that file away"):
        ReviewWriter(harvest.path, other)
    newer = reviews_path(harvest.path)
    newer.write_text(newer.read_text().replace('"version":1', '"version":2'))
    with pytest.raises(StoreError, match="expected version 1 of the format, got 2"):
        harvest.with_reviews()


def test_decisions_survive_a_new_selection_and_go_with_a_copy(harvest: Harvest, tmp_path: Path) -> None:
    decide(harvest, (3, WRIST, "reject"))
    again = reselect(harvest, SelectionRule(share=0.4)).with_reviews()
    assert again.review_provenance is not None
    copied = Harvest.open(copy_harvest(harvest, tmp_path / "copy")).with_reviews()
    assert copied.review_provenance == {**again.review_provenance, "file": "copy.reviews.jsonl"}


def test_accepted_and_rejected_joints_change_their_own_rows_alone(harvest: Harvest) -> None:
    decide(harvest, (5, "right_wrist", "accept"), (7, KNEE, "reject"))
    reviewed = harvest.with_reviews()
    place = {(5, harvest.skeleton.index("right_wrist")): True, (7, harvest.skeleton.index(KNEE)): False}
    for before, after in zip(harvest.iter_selected(), reviewed.iter_selected(), strict=True):
        frame = before.annotations.frame
        for joint in range(16):
            kept = place.get((frame, joint))
            one, other = before.annotations, after.annotations
            assert torch.equal(one.mean[joint], other.mean[joint])
            assert torch.equal(one.cov[joint], other.cov[joint])
            assert bool(after.selected[joint]) == (bool(before.selected[joint]) if kept is None else kept)
            assert bool(other.supported[joint]) == (bool(one.supported[joint]) if kept is None else kept)
            smooth = torch.full((3,), torch.nan) if kept is False else before.smooth.mean[joint]
            assert torch.equal(after.smooth.mean[joint].nan_to_num(-1), smooth.double().nan_to_num(-1))


def test_a_moved_joint_is_the_most_likely_one_in_all_its_columns(harvest: Harvest) -> None:
    row = next(row for row in harvest.iter_selected() if row.annotations.frame == 12)
    joint = harvest.skeleton.index(WRIST)
    true = row.annotations.mean[joint] + torch.tensor([120.0, 60.0, -90.0])
    move(harvest, 12, WRIST, true, (0, 2))
    reviewed = harvest.with_reviews()
    after = next(row for row in reviewed.iter_selected() if row.annotations.frame == 12)
    pixels = torch.full((4, 2), torch.nan, dtype=torch.float64)
    pixels[[0, 2]] = project_all(harvest.rig.at(12), true[None]).pixels[[0, 2], 0]
    expected = drag_point(harvest.rig.at(12), row.annotations.mean[joint], row.calibrated_cov[joint], pixels)
    assert torch.allclose(after.annotations.mean[joint], expected.mean, atol=1e-6)
    assert torch.allclose(after.calibrated_cov[joint], expected.cov, atol=1e-6)
    assert float(after.sigma_mm[joint]) == pytest.approx(float(torch.linalg.det(expected.cov)) ** (1 / 6))
    assert torch.allclose(after.smooth.mean[joint], expected.mean)
    assert bool(after.selected[joint])
    seen = project_all(harvest.rig.at(12), expected.mean[None]).pixels[:, 0]
    assert torch.allclose(after.annotations.pixels[:, joint], seen, atol=1e-6)
    assert after.annotations.score[:, joint].tolist() == [1, 0, 1, 0]
    assert not bool(after.annotations.inside[2, joint])  # the view has no picture of this frame
    others = [j for j in range(16) if j != joint]
    assert torch.equal(after.annotations.pixels[:, others], row.annotations.pixels[:, others])


def test_every_way_of_reading_columns_sees_the_decisions(harvest: Harvest) -> None:
    decide(harvest, (2, KNEE, "reject"))
    reviewed = harvest.with_reviews()
    whole = pa.concat_tables(reviewed.columns(None))
    assert whole.schema.equals(pa.concat_tables(harvest.columns(None)).schema)
    for names in (["selected"], ["sigma", "x", "frame"], ["views"]):
        assert pa.concat_tables(reviewed.columns(names)).equals(whole.select(names))
    with pytest.raises(StoreError, match=r"expected columns of .* got colour"):
        reviewed.columns(["colour"])


def test_findings_say_what_is_in_and_what_contradicts_itself(harvest: Harvest) -> None:
    decide(harvest, (2, KNEE, "reject"), (900, KNEE, "accept"))
    writer = ReviewWriter(harvest.path, harvest.info)
    seen = next(harvest.iter_frames()).pixels[:, 6]
    apart = {"cam01": (0.0, 20.0), "cam02": (80.0, -60.0), "cam04": (-90.0, 40.0)}
    moved = {
        name: tuple((seen[harvest.view_names.index(name)] + torch.tensor(off)).tolist()) for name, off in apart.items()
    }
    writer.decide((0, 0, PELVIS), "move", moved)
    writer.close()
    messages = [finding.message for finding in harvest.with_reviews().review_findings()]
    assert "pelvis of person 0 in frame 0: where it was dragged in view" in messages[0]
    assert "1 decisions are about frames or persons that the harvest lacks" in messages[1]
    assert "the decisions of a review are in it: 1 accepted, 1 rejected, 1 moved (" in messages[2]


def test_a_selection_over_several_harvests_keeps_what_was_decided(harvest: Harvest) -> None:
    plain = select_together([harvest, harvest])
    keep, drop = np.argwhere(~plain[0][:, :6])[0], np.argwhere(plain[0])[0]
    names = harvest.skeleton.joints
    decide(harvest, (int(keep[0]), names[keep[1]], "accept"), (int(drop[0]), names[drop[1]], "reject"))
    reviewed = harvest.with_reviews()
    marks = select_together([reviewed, harvest])
    assert marks[0][tuple(keep)]
    assert not marks[0][tuple(drop)]
    changed = with_decisions(reviewed, plain[1]) != plain[1]
    assert sorted(map(tuple, np.argwhere(changed))) == sorted([tuple(keep), tuple(drop)])
    assert recorded_reviews([reviewed, harvest])["reviews"][1] is None


def test_the_file_is_one_that_people_can_read(harvest: Harvest) -> None:
    decide(harvest, (3, WRIST, "reject"))
    head, line = map(json.loads, reviews_path(harvest.path).read_text().splitlines())
    assert head["format"] == "poseharvest reviews"
    assert (head["version"], head["created"]) == (1, harvest.info.created)
    assert {key: line[key] for key in ("number", "frame", "person", "joint", "decision", "by")} == {
        "number": 1,
        "frame": 3,
        "person": 0,
        "joint": WRIST,
        "decision": "reject",
        "by": "Ada",
    }
