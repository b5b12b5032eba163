"""Labels that count as much as they are certain: laws of the weights, and their way into the loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harvest_kit import make_records, write_harvest
from poseharvest.learning.heatmaps2d.heatmap_task import masked_heatmap_loss
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.label_weights import (
    MOST_RARE,
    TARGET_SIGMA_PX,
    label_trust,
    most_telling,
    rarities,
)
from poseharvest.learning.personalize.labels import harvest_labels

FRAMES = range(12)


@pytest.fixture(scope="module")
def harvest(tmp_path_factory):
    return write_harvest(tmp_path_factory.mktemp("weights") / "h", make_records(FRAMES, persons=(0, 1)))


@pytest.fixture(scope="module")
def rows(harvest):
    return list(harvest.iter_selected())


def widened(row, factor):
    return replace(row, scale=row.scale * factor)


def test_a_certain_joint_counts_one_and_an_uncertain_one_nothing(harvest, rows):
    for factor, limit in ((1e-9, 1.0), (1e9, 0.0)):
        for trust in label_trust(harvest, [widened(row, factor) for row in rows]).values():
            weights = trust.certainty
            assert torch.allclose(weights[weights > 0], torch.full_like(weights[weights > 0], limit), atol=1e-4)


def test_the_weight_is_the_precision_beside_the_target_s(harvest, rows):
    """By a projection of drawn points: a second route to the same number."""
    row, (width, height) = rows[3], harvest.info.detector.heatmap_size[::-1]
    weights = label_trust(harvest, [row])[row.annotations.frame, row.annotations.person].certainty
    generator = torch.Generator().manual_seed(0)
    for view, (camera, crop) in enumerate(
        zip(harvest.rig.at(row.annotations.frame), row.annotations.crops, strict=True)
    ):
        if crop is None:
            assert not weights[view].any()
            continue
        for joint in (0, 7):
            cov = row.calibrated_cov[joint].double()
            root = torch.linalg.cholesky(cov + 1e-9 * torch.eye(3).double())
            drawn = row.annotations.mean[joint] + torch.randn((40000, 3), generator=generator).double() @ root.T
            pixels = camera.project(drawn).pixels * max(height, width) / crop.side
            expected = 1 / (1 + float(pixels.var(0).mean()) / TARGET_SIGMA_PX**2)
            assert float(weights[view, joint]) == pytest.approx(expected, abs=0.02)


def test_wider_is_never_heavier(harvest, rows):
    before, after = (label_trust(harvest, some) for some in (rows, [widened(row, 2.0) for row in rows]))
    assert all(bool((after[key].certainty <= before[key].certainty).all()) for key in before)


def answered(row, distance_px):
    """The network's own answers, so far from the projected joints, along the picture's diagonal."""
    annotations = row.annotations
    return replace(row, annotations=replace(annotations, peak_pixels=annotations.pixels + distance_px / 2**0.5))


def test_an_answer_on_the_joint_is_held_by_what_is_left_of_one(harvest, rows):
    trust = label_trust(harvest, [answered(rows[3], 0.0)])[rows[3].annotations.frame, rows[3].annotations.person]
    assert torch.allclose(trust.held[trust.certainty > 0], 1 - trust.certainty[trust.certainty > 0])
    assert not trust.held[trust.certainty == 0].any()


def test_an_answer_outside_of_the_region_is_ignored_and_a_wider_region_holds_it(harvest, rows):
    key = rows[3].annotations.frame, rows[3].annotations.person
    far = answered(rows[3], 400.0)
    assert not label_trust(harvest, [far])[key].held.any()
    wide = label_trust(harvest, [widened(far, 1e9)])[key]
    seen = torch.isfinite(far.annotations.peak_pixels).all(-1) & (wide.certainty > 0)
    assert seen.any()
    assert torch.equal(wide.held[seen] > 0, torch.ones_like(wide.held[seen], dtype=torch.bool))


def test_ninety_percent_of_a_label_s_own_places_would_be_held(harvest, rows):
    """Places drawn from the label's covariance in space, widened by the target: a second route to the region."""
    row, generator = rows[3], torch.Generator().manual_seed(2)
    key, held = (row.annotations.frame, row.annotations.person), []
    roots = torch.linalg.cholesky(row.calibrated_cov.double() + 1e-9 * torch.eye(3).double())
    size = max(harvest.info.detector.heatmap_size)
    for _ in range(400):
        drawn = row.annotations.mean + (roots @ torch.randn((len(roots), 3, 1), generator=generator).double()).squeeze(
            -1
        )
        peaks = torch.full_like(row.annotations.peak_pixels, torch.nan)
        cameras = zip(harvest.rig.at(row.annotations.frame), row.annotations.crops, strict=True)
        for view, (camera, crop) in enumerate(cameras):
            if crop is not None:
                blur = TARGET_SIGMA_PX * crop.side / size * torch.randn((len(drawn), 2), generator=generator)
                peaks[view] = (camera.project(drawn).pixels + blur).to(peaks)
        trust = label_trust(harvest, [replace(row, annotations=replace(row.annotations, peak_pixels=peaks))])[key]
        held.append((trust.held > 0)[trust.certainty > 0].double().mean())
    assert float(torch.stack(held).mean()) == pytest.approx(0.9, abs=0.02)


def posture(row, shift):
    mean = row.annotations.mean.clone()
    mean[7] += shift
    return replace(row, annotations=replace(row.annotations, mean=mean, supported=torch.ones(len(mean)).bool()))


def test_a_rare_posture_counts_more_and_the_mean_is_one(rows):
    frequent = [posture(rows[0], torch.zeros(3).double())] * 30
    rare = [posture(rows[0], torch.tensor([0.0, 900.0, 0.0]).double())] * 2
    weights = rarities([*frequent, *rare])
    assert sum(weights) / len(weights) == pytest.approx(1)
    assert weights[-1] > 3 * weights[0]
    assert max(weights) / min(weights) <= MOST_RARE**2 + 1e-9


def test_where_people_stand_does_not_matter(rows):
    moved = [
        replace(row, annotations=replace(row.annotations, mean=row.annotations.mean + 1000.0 * number))
        for number, row in enumerate(rows)
    ]
    assert rarities(moved) == pytest.approx(rarities(rows))


def test_one_posture_is_no_rarer_than_itself(rows):
    assert rarities(rows[:1]) == [1.0]
    assert rarities([rows[0]] * 5) == pytest.approx([1.0] * 5)
    assert rarities([]) == []


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_the_share_that_tells_most_keeps_its_order_and_both_takes(rows, share):
    takes = [rows[:7], rows[7:]]
    chosen = most_telling(takes, share)
    assert sum(map(len, chosen)) == max(1, round(share * len(rows)))
    for take, part in zip(takes, chosen, strict=True):
        frames = [row.annotations.frame for row in part]
        assert frames == sorted(frames)
        assert set(frames) <= {row.annotations.frame for row in take}


def test_the_posture_that_is_there_once_is_taken_before_a_second_of_another(rows):
    frequent = [posture(rows[0], torch.zeros(3).double())] * 30
    rare = posture(rows[0], torch.tensor([0.0, 900.0, 0.0]).double())
    assert rare in most_telling([[*frequent, rare]], 2 / 31)[0]


def test_labels_of_a_share_are_those_of_its_frames(harvest, rows):
    poses = {(row.annotations.frame, row.annotations.person) for row in most_telling([rows], 0.3)[0]}
    labels, everything = (harvest_labels(harvest, LabelSet.PS, FRAMES, share) for share in (0.3, 1.0))
    keys = [[(one.frame, one.person, one.view) for one in many] for many in (labels, everything)]
    assert keys[0] == [key for key in keys[1] if key[:2] in poses]


def test_labels_hold_both(harvest, rows):
    trusted, rare = label_trust(harvest, rows), rarities(rows)
    by_key = {(row.annotations.frame, row.annotations.person): weight for row, weight in zip(rows, rare, strict=True)}
    labels, plain = (harvest_labels(harvest, one, FRAMES) for one in (LabelSet.PS_WEIGHT, LabelSet.PS))
    assert len(labels) == len(plain)
    for one, other in zip(labels, plain, strict=True):
        key = (one.frame, one.person)
        assert torch.equal(one.known, other.known)
        assert torch.equal(one.joints, other.joints)
        assert torch.allclose(one.weight, by_key[key] * trusted[key].certainty[one.view])
        assert torch.allclose(one.held, by_key[key] * trusted[key].held[one.view])
        assert other.weight is None
        assert other.held is None


def test_the_loss_counts_a_joint_by_its_weight():
    generator = torch.Generator().manual_seed(1)
    heatmaps = [torch.rand((2, 3, 5, 7), generator=generator) for _ in range(2)]
    targets, known = torch.rand((2, 3, 5, 7), generator=generator), torch.tensor([[True, True, False]] * 2)
    weights = torch.rand((2, 3), generator=generator)
    whole = masked_heatmap_loss(heatmaps, targets, known, weights)
    by_joint = [
        float(weights[b, j]) * float(masked_heatmap_loss(heatmaps, targets, one_joint(known, b, j)))
        for b in range(2)
        for j in range(3)
    ]
    assert float(whole) == pytest.approx(sum(by_joint), rel=1e-5)
    alike = masked_heatmap_loss(heatmaps, targets, known, torch.ones(2, 3))
    assert torch.equal(alike, masked_heatmap_loss(heatmaps, targets, known))


def one_joint(known, b, j):
    alone = torch.zeros_like(known)
    alone[b, j] = known[b, j]
    return alone
