from dataclasses import replace

import numpy as np
import pytest
import torch

from harvest_kit import make_records, make_rig, write_harvest
from poseharvest.errors import TrainingError
from poseharvest.geometry.rig import project_all
from poseharvest.learning.personalize.compare import HarvestPair, compare
from poseharvest.learning.personalize.consistency import left_out_shares, rating_of

FRAMES = range(4, 8)


@pytest.fixture(scope="module")
def records():
    return make_records(range(8))


@pytest.fixture(scope="module")
def before(records, tmp_path_factory):
    return write_harvest(tmp_path_factory.mktemp("c") / "before", records)


def agreeing(record, offset_px):
    """The record with every peak that far to the right of its projection."""
    shift = torch.tensor([offset_px, 0.0], dtype=torch.float64)
    present = torch.tensor([crop is not None for crop in record.crops])[:, None, None]
    return replace(record, peak_pixels=torch.where(present, record.pixels + shift, torch.nan))


def test_a_harvest_compared_with_itself_has_not_changed(before):
    found = compare([HarvestPair(before, before, FRAMES)])
    assert found.pose_change_mm == 0
    assert found.before == found.after
    assert found.before.num_poses == 4


def test_distances_are_those_that_were_put_in(before, records, tmp_path):
    moved = [agreeing(record, 7.0) for record in records]
    found = compare([HarvestPair(before, write_harvest(tmp_path / "after", moved), FRAMES)]).after
    assert found.peak_distance_px == pytest.approx(7.0)
    assert found.contradicting_percent == 0
    sides = torch.tensor([c.side for r in records[4:8] for c, _ in zip(r.crops, range(9), strict=False) if c])
    assert found.disagreement == pytest.approx(7.0 / float(sides[0]))
    far = [agreeing(record, 100.0) for record in records]
    worse = compare([HarvestPair(before, write_harvest(tmp_path / "far", far), FRAMES)]).after
    assert worse.contradicting_percent == 100
    assert worse.disagreement == pytest.approx(0.1)


def test_a_pose_that_moves_is_measured_in_mm(before, records, tmp_path):
    step = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)

    def shifted(record):
        mean = record.mean + step
        return replace(
            record, mean=mean, cov=record.cov * 4, pixels=project_all(make_rig().at(record.frame), mean).pixels
        )

    found = compare([HarvestPair(before, write_harvest(tmp_path / "after", [shifted(r) for r in records]), FRAMES)])
    assert found.pose_change_mm == pytest.approx(5.0)
    assert list(found.joint_change_mm.values()) == pytest.approx([5.0] * 16)
    assert found.after.uncertainty_mm == pytest.approx(2 * found.before.uncertainty_mm)
    assert found.after.limb_spread_percent == pytest.approx(found.before.limb_spread_percent)


def test_no_common_frame_is_named(before):
    with pytest.raises(
        TrainingError, match=r"both harvests hold in frames 90 to 94, got none \(0 poses before, 0 after"
    ):
        compare([HarvestPair(before, before, range(90, 95))])


def test_takes_are_pooled_and_named(before, records, tmp_path):
    better = write_harvest(tmp_path / "better", [agreeing(record, 1.0) for record in records])
    worse = write_harvest(tmp_path / "worse", [agreeing(record, 20.0) for record in records])
    pairs = [HarvestPair(before, better, FRAMES), HarvestPair(before, worse, FRAMES)]
    found = compare(pairs)
    each = [compare([pair]).after.disagreement for pair in pairs]
    assert found.after.num_poses == 8
    assert found.after.disagreement == pytest.approx(sum(each) / 2)
    assert [(stretch.name, stretch.num_poses) for stretch in found.stretches] == [("before", 4), ("before", 4)]


def exact(record):
    """The record with every peak on the projection of the pose."""
    return agreeing(record, 0.0)


def test_a_left_out_view_agrees_where_the_others_see_the_same_point(records, tmp_path):
    harvest = write_harvest(tmp_path / "exact", [exact(record) for record in records])
    shares = left_out_shares(harvest, exact(records[4]))
    present = np.isfinite(shares)
    assert present.any()
    inside = np.asarray(records[4].inside)
    assert shares[present & inside].max() < 1e-6


def test_one_view_that_errs_is_as_far_from_the_others_as_it_errs(records, tmp_path):
    harvest = write_harvest(tmp_path / "exact", [exact(record) for record in records])
    view, record = 1, exact(records[4])
    peaks = record.peak_pixels.clone()
    peaks[view, :, 0] += 9.0
    shares = left_out_shares(harvest, replace(record, peak_pixels=peaks))
    side = record.crops[view].side
    known = np.isfinite(shares[view]) & np.asarray(record.inside[view])
    assert shares[view][known] == pytest.approx(9.0 / side, rel=1e-6)
    peaks[view, :, 0] += side
    far = left_out_shares(harvest, replace(record, peak_pixels=peaks))
    assert far[view][known] == pytest.approx(0.1)


def test_rounds_are_judged_by_left_out_views_where_there_are_three(before):
    numbers = compare([HarvestPair(before, before, FRAMES)]).before
    assert rating_of(numbers.as_dict()) == numbers.left_out_disagreement
    assert rating_of({"disagreement": 0.02, "left_out_disagreement": float("nan")}) == 0.02


def test_a_take_is_split_into_stretches_of_time(records, tmp_path):
    many = make_records(range(40))
    before = write_harvest(tmp_path / "many", many)
    later = [agreeing(record, 15.0 if record.frame >= 30 else 3.0) for record in many]
    found = compare([HarvestPair(before, write_harvest(tmp_path / "later", later), range(40))])
    assert [stretch.name for stretch in found.stretches][:2] == ["frames 0 to 7", "frames 8 to 15"]
    assert sum(stretch.num_poses for stretch in found.stretches) == 40
