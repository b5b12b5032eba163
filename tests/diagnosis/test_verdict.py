"""The verdict names what is wrong first, and says good only where nothing speaks against it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from poseharvest.annotations.info import HarvestInfo
from poseharvest.annotations.reader import Harvest
from poseharvest.diagnosis.spread import Spread
from poseharvest.diagnosis.verdict import MAX_SIGMA_MM, first_clause, verdict_of, verdict_on
from poseharvest.findings import NOBODY_FOUND, CameraFault, Finding
from poseharvest.report.collect import collect
from walker_kit import Recipe, write_walk

SIGMA = Spread(num=640, low=4, q25=6, median=8.2, q75=10, q90=12.4, high=30)
MOVED = CameraFault(("cam03",), "place", 40.0, "it was moved after its calibration (about 200 mm)", ("cam03",))


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Harvest:
    return write_walk(tmp_path_factory.mktemp("verdict") / "h", Recipe(pictured=()))


@pytest.fixture
def info(walk: Harvest) -> HarvestInfo:
    """A harvest with nothing against it."""
    calibrated = {"calibrated": True, "used": True}
    return walk.info.model_copy(update={"diagnosed": True, "findings": (), "refinement": calibrated})


def with_findings(info: HarvestInfo, *findings: Finding) -> HarvestInfo:
    return info.model_copy(update={"findings": findings})


def test_a_sound_harvest_is_good_and_says_how_good(info: HarvestInfo) -> None:
    verdict = verdict_on(info, SIGMA)
    assert verdict.level == "good"
    assert verdict.sentence == (
        "Good: 16 joints with a sigma of 8 mm (median), nine of ten positions at most 12 mm; all four cameras agree; "
        "nobody missing in any frame; limbs keep their lengths."
    )
    assert all(reason.level == "good" for reason in verdict.reasons)


def test_a_sigma_that_is_not_calibrated_says_so(info: HarvestInfo) -> None:
    bare = info.model_copy(update={"refinement": None})
    assert "at most 12 mm, by a sigma that is not calibrated;" in verdict_on(bare, SIGMA).sentence


def test_a_camera_at_fault_makes_the_poses_wrong_and_stands_first(info: HarvestInfo) -> None:
    odd = Finding("warning", "limb lengths", "left shin: expected each limb to keep its length")
    faulty = with_findings(info.model_copy(update={"camera_faults": (MOVED,)}), MOVED.finding, odd)
    verdict = verdict_on(faulty, SIGMA)
    assert (verdict.level, verdict.sentence) == (
        "wrong",
        "Wrong: camera cam03: it was moved after its calibration (about 200 mm).",
    )
    assert not any("agree" in reason.text or "keep" in reason.text for reason in verdict.reasons)


def test_a_fault_that_begins_within_the_take_says_where(info: HarvestInfo) -> None:
    pushed = replace(MOVED, from_frame=56)
    faulty = with_findings(info.model_copy(update={"camera_faults": (pushed,)}), pushed.finding)
    assert verdict_on(faulty, SIGMA).sentence == (
        "Wrong: camera cam03: from about frame 56 on, it was moved after its calibration (about 200 mm)."
    )


def test_a_camera_that_was_left_out_is_to_be_looked_at(info: HarvestInfo) -> None:
    left_out = replace(MOVED, is_left_out=True)
    verdict = verdict_on(with_findings(info.model_copy(update={"camera_faults": (left_out,)}), left_out.finding), SIGMA)
    assert verdict.level == "look"
    assert verdict.sentence.startswith(
        "Look first: camera cam03: it was moved after its calibration (about 200 mm); left "
    )
    assert "the other four cameras agree" in [reason.text for reason in verdict.reasons]


def test_an_error_is_said_in_full(info: HarvestInfo) -> None:
    message = "the limbs are those of a person of 0.17 m, expected 0.9 to 2.3 m: is the calibration in another unit?"
    verdict = verdict_on(with_findings(info, Finding("error", "body", message)), SIGMA)
    assert (verdict.level, verdict.sentence) == ("wrong", f"Wrong: {message}.")


@pytest.mark.parametrize(("topic", "level"), [("calibration", "good"), ("depth", "look"), ("person", "look")])
def test_cameras_that_agree_outweigh_warnings_about_the_input(info: HarvestInfo, topic: str, level: str) -> None:
    verdict = verdict_on(with_findings(info, Finding("warning", topic, "something is odd")), SIGMA)
    assert verdict.level == level
    assert ("(1 warning below)" in verdict.sentence) == (level == "good")


def test_two_cameras_outweigh_nothing(info: HarvestInfo) -> None:
    pair = info.model_copy(update={"views": info.views[:2]})
    verdict = verdict_on(with_findings(pair, Finding("warning", "calibration", "something is odd")), SIGMA)
    assert verdict.sentence == "Look first: something is odd."
    assert "neither can be checked by another" in verdict_on(pair, SIGMA).sentence


@pytest.mark.parametrize(("present", "level"), [(40, "good"), (37, "good"), (30, "look")])
def test_many_lost_frames_are_to_be_looked_at(info: HarvestInfo, present: int, level: str) -> None:
    lost = Finding("warning", "person", f"{NOBODY_FOUND} some frames")
    counts = info.counts.model_copy(update={"frames": present})
    verdict = verdict_on(with_findings(info.model_copy(update={"counts": counts}), lost), SIGMA)
    assert verdict.level == level
    assert (f"nobody in {40 - present} of 40 frames" in verdict.sentence) == (present < 40)


def test_frames_that_were_not_asked_for_are_not_lost(info: HarvestInfo) -> None:
    part = info.model_copy(
        update={"options": {"start": 10, "stop": 20}, "counts": info.counts.model_copy(update={"frames": 10})}
    )
    assert "nobody missing" in verdict_on(part, SIGMA).sentence


def test_positions_that_are_vague_are_to_be_looked_at(info: HarvestInfo) -> None:
    vague = replace(SIGMA, q90=MAX_SIGMA_MM + 1)
    assert verdict_on(info, vague).sentence.startswith("Look first: 16 joints with a sigma of 8 mm (median), nine of")


def test_of_many_doubts_the_first_are_said_and_the_rest_counted(info: HarvestInfo) -> None:
    doubts = [Finding("warning", f"depth {n}", f"doubt number {n}") for n in range(5)]
    verdict = verdict_on(with_findings(info, *doubts), SIGMA)
    assert verdict.sentence == "Look first: doubt number 0; doubt number 1; doubt number 2; and 2 more."
    assert len([reason for reason in verdict.reasons if reason.level == "look"]) == 5


def test_long_messages_are_cut_between_words() -> None:
    cut = first_clause("word " * 60)
    assert len(cut) <= 152
    assert cut.endswith("word …")


def test_the_report_and_the_terminal_say_the_same(walk: Harvest, tmp_path: Path) -> None:
    """One reads every record, the other two columns; an older harvest's findings are made by the report alone."""
    content = collect(walk)
    stored = walk.info.model_copy(update={"findings": content.findings, "diagnosed": True})
    by_columns = verdict_of(Harvest(walk.path, stored))
    by_records = verdict_on(content.examined, content.joints.sigma)
    assert by_columns == by_records
    assert by_columns.level == "look"
