from dataclasses import replace

import pytest
import torch

from harvest_kit import make_records, make_rig, write_harvest
from poseharvest.errors import TrainingError
from poseharvest.geometry.rig import project_all
from poseharvest.learning.personalize.compare import compare

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
    found = compare(before, before, FRAMES)
    assert found.pose_change_mm == 0
    assert found.before == found.after
    assert found.before.num_poses == 4


def test_distances_are_those_that_were_put_in(before, records, tmp_path):
    moved = [agreeing(record, 7.0) for record in records]
    found = compare(before, write_harvest(tmp_path / "after", moved), FRAMES).after
    assert found.peak_distance_px == pytest.approx(7.0)
    assert found.contradicting_percent == 0
    sides = torch.tensor([c.side for r in records[4:8] for c, _ in zip(r.crops, range(9), strict=False) if c])
    assert found.disagreement == pytest.approx(7.0 / float(sides[0]))
    far = [agreeing(record, 100.0) for record in records]
    worse = compare(before, write_harvest(tmp_path / "far", far), FRAMES).after
    assert worse.contradicting_percent == 100
    assert worse.disagreement == pytest.approx(0.1)


def test_a_pose_that_moves_is_measured_in_mm(before, records, tmp_path):
    step = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)

    def shifted(record):
        mean = record.mean + step
        return replace(
            record, mean=mean, cov=record.cov * 4, pixels=project_all(make_rig().at(record.frame), mean).pixels
        )

    found = compare(before, write_harvest(tmp_path / "after", [shifted(r) for r in records]), FRAMES)
    assert found.pose_change_mm == pytest.approx(5.0)
    assert list(found.joint_change_mm.values()) == pytest.approx([5.0] * 16)
    assert found.after.uncertainty_mm == pytest.approx(2 * found.before.uncertainty_mm)
    assert found.after.limb_spread_percent == pytest.approx(found.before.limb_spread_percent)


def test_no_common_frame_is_named(before):
    with pytest.raises(
        TrainingError, match=r"both harvests hold in frames 90 to 94, got none \(0 poses before, 0 after"
    ):
        compare(before, before, range(90, 95))
