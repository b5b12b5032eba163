from dataclasses import replace

import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.annotations.reviews import ReviewWriter
from poseharvest.errors import TrainingError
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.labels import harvest_labels, labels_of_takes, require_enough
from poseharvest.selection.selection_rule import SelectionRule

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


def test_with_a_limit_hm_sel_believes_as_much_as_the_limit_left(tmp_path):
    made = write_harvest(tmp_path / "h", make_records(range(12)), rule=SelectionRule(share=1.0, limit=1.05))
    kept = sum(joint.selected for joint in made.info.selection.joints)
    share = kept / sum(joint.supported for joint in made.info.selection.joints)
    labels = {name: harvest_labels(made, name, range(12)) for name in (LabelSet.HM, LabelSet.HM_SEL)}
    known = {name: sum(int(one.known.sum()) for one in found) for name, found in labels.items()}
    assert 0 < share < 1
    assert known[LabelSet.HM_SEL] == pytest.approx(share * known[LabelSet.HM], abs=8)  # half a row a joint


def test_too_few_pictures_are_named(harvest):
    found = harvest_labels(harvest, LabelSet.PS_SEL, range(2, 3))
    with pytest.raises(TrainingError, match=r'labels "ps\+sel": too few annotations: expected at least 99 pictures'):
        require_enough(found, LabelSet.PS_SEL, num_pictures=99)
    require_enough(found, LabelSet.PS_SEL, num_pictures=len(found))


RULES = {
    "det": SelectionRule(share=0.6),
    "peak_score": SelectionRule("peak_score", share=0.6),
    "limit": SelectionRule(share=1.0, limit=1.05),
}
# With a limit `hm+sel` believes as much as each take's own left, which is not what that of the whole leaves.
CASES = [(labels, name) for name in RULES for labels in LabelSet if (labels, name) != (LabelSet.HM_SEL, "limit")]


@pytest.mark.parametrize(("labels", "name"), CASES)
def test_takes_are_chosen_from_as_if_they_were_one(tmp_path, labels, name):
    rule = RULES[name]
    records = make_records(range(12))
    whole = write_harvest(tmp_path / "whole", records, rule=rule)
    takes = [write_harvest(tmp_path / f"{i}", records[i : i + 4], rule=rule) for i in (0, 4, 8)]
    together = labels_of_takes(takes, labels, [range(12)] * len(takes))
    assert [{one.frame // 4 for one in take} for take in together] == [{0}, {1}, {2}]
    expected = harvest_labels(whole, labels, range(12))
    for one, other in zip([one for take in together for one in take], expected, strict=True):
        assert (one.frame, one.view) == (other.frame, other.view)
        assert torch.equal(one.known, other.known)
        assert torch.equal(one.joints[one.known], other.joints[other.known])


def test_a_take_that_came_out_badly_is_believed_less(tmp_path):
    """Its covariances are a hundred times as large: of the other take everything is selected, of it the rest."""
    records = make_records(range(8))
    vague = [replace(record, cov=100 * record.cov) for record in make_records(range(8))]
    takes = [write_harvest(tmp_path / name, rows) for name, rows in (("clear", records), ("vague", vague))]
    clear, rest = (
        sum(int(one.known.sum()) for one in take)
        for take in labels_of_takes(takes, LabelSet.PS_SEL, [range(8)] * len(takes))
    )
    own = sum(int(one.known.sum()) for one in harvest_labels(takes[0], LabelSet.PS_SEL, range(8)))
    assert clear > own
    assert rest < own


def test_no_takes_have_no_labels():
    assert labels_of_takes([], LabelSet.PS_SEL, []) == []


def test_what_people_decided_is_what_is_learned(tmp_path):
    made = write_harvest(tmp_path / "h", make_records(range(12)), rule=SelectionRule(share=0.6))
    chosen = {(one.frame, one.view): one.known for one in harvest_labels(made, LabelSet.PS_SEL, range(12))}
    (frame, view), known = next((key, known) for key, known in chosen.items() if bool(known.any()))
    joint = int(known.nonzero()[0])
    writer = ReviewWriter(made.path, made.info)
    writer.decide((frame, 0, made.skeleton.joints[joint]), "reject")
    writer.close()
    reviewed = made.with_reviews()
    for labels in (
        harvest_labels(reviewed, LabelSet.PS_SEL, range(12)),
        *labels_of_takes([reviewed], LabelSet.PS_SEL, [range(12)]),
    ):
        after = {(one.frame, one.view): one.known for one in labels}
        assert not bool(after[frame, view][joint]) if (frame, view) in after else not bool(known[joint + 1 :].any())
