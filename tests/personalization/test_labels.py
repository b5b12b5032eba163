import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.select import SelectionRule
from poseharvest.errors import TrainingError
from poseharvest.personalization.labels import LabelSet, harvest_labels, require_enough

FRAMES = range(2, 11)


@pytest.fixture(scope="module")
def harvest(tmp_path_factory):
    records = make_records(range(12), persons=(0, 1))
    return write_harvest(tmp_path_factory.mktemp("labels") / "h", records, rule=SelectionRule(share=0.6))


def by_picture(harvest, labels):
    return {(one.frame, one.person, one.view): one for one in harvest_labels(harvest, labels, FRAMES)}


@pytest.fixture(scope="module")
def rows(harvest):
    return {(row.annotations.frame, row.annotations.person): row for row in harvest.iter_selected()}


@pytest.mark.parametrize("labels", list(LabelSet))
def test_only_present_views_of_the_frames_asked_for_are_labelled(harvest, rows, labels):
    found = by_picture(harvest, labels)
    assert list(found) == sorted(found)
    assert {key[0] for key in found} == set(FRAMES)
    for (frame, person, view), one in found.items():
        assert one.crop == rows[frame, person].annotations.crops[view]
        assert torch.isfinite(one.joints[one.known]).all()


def test_ps_is_every_projection_in_the_picture_and_ps_sel_the_selected_ones(harvest, rows):
    everything, reliable = by_picture(harvest, LabelSet.PS), by_picture(harvest, LabelSet.PS_SEL)
    for (frame, person, view), one in everything.items():
        row = rows[frame, person]
        record = row.annotations
        assert torch.equal(one.known, record.inside[view] & record.supported)
        assert torch.equal(one.joints, record.pixels[view])
        chosen = one.known & row.selected
        if chosen.any():
            assert torch.equal(reliable[frame, person, view].known, chosen)


def test_hm_is_every_maximum_and_hm_sel_the_highest_of_each_joint(harvest, rows):
    everything, highest = by_picture(harvest, LabelSet.HM), by_picture(harvest, LabelSet.HM_SEL)
    kept = {key: one.known for key, one in highest.items()}
    for joint in range(16):
        scores = {key: float(rows[key[:2]].annotations.peak_score[key[2], joint]) for key in everything}
        order = sorted(scores.values(), reverse=True)
        limit = order[round(0.6 * len(order)) - 1]
        for key, score in scores.items():
            assert bool(kept[key][joint] if key in kept else False) == (score >= limit)
    for key, one in everything.items():
        assert bool(one.known.all())
        assert torch.equal(one.joints, rows[key[:2]].annotations.peak_pixels[key[2]])


def test_too_few_pictures_are_named(harvest):
    found = harvest_labels(harvest, LabelSet.PS_SEL, range(2, 3))
    with pytest.raises(TrainingError, match=r'labels "ps\+sel": too few annotations: expected at least 99 pictures'):
        require_enough(found, LabelSet.PS_SEL, num_pictures=99)
    require_enough(found, LabelSet.PS_SEL, num_pictures=len(found))
