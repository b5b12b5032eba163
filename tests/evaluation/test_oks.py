"""OKS: by hand, and average precision from faster-coco-eval against our own similarity."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from poseharvest.errors import ConfigError, ShapeError
from poseharvest.evaluation.oks import COCO_SIGMAS, keypoint_average_precision, keypoint_similarity
from poseharvest.evaluation.pairs import PosePairs

JOINTS = tuple(COCO_SIGMAS)
NUM = 40


@pytest.fixture(scope="module")
def people() -> PosePairs:
    """One person a picture, from nearly right to quite wrong; some joints unlabelled."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(50, 250, (NUM, len(JOINTS), 2))
    estimate = truth + rng.normal(size=truth.shape) * np.linspace(1, 60, NUM)[:, None, None]
    truth[rng.random(truth.shape[:2]) < 0.2] = np.nan
    return PosePairs(estimate, truth, JOINTS)


def coco(people: PosePairs, areas: np.ndarray) -> tuple[dict, list[dict]]:
    truth = {
        "images": [{"id": k, "width": 400, "height": 300} for k in range(NUM)],
        "categories": [{"id": 1, "name": "person", "keypoints": list(JOINTS), "skeleton": []}],
        "annotations": [],
    }
    detections = []
    for k in range(NUM):
        known = people.known[k]
        labelled = np.column_stack((np.nan_to_num(people.truth[k]), 2 * known))
        truth["annotations"].append({
            "id": k + 1,
            "image_id": k,
            "category_id": 1,
            "iscrowd": 0,
            "area": float(areas[k]),
            "bbox": [40.0, 40.0, 220.0, 220.0],
            "num_keypoints": int(known.sum()),
            "keypoints": labelled.ravel().tolist(),
        })
        found = np.column_stack((people.estimate[k], np.ones(len(JOINTS))))
        detections.append({
            "image_id": k,
            "category_id": 1,
            "score": 1 - k / 100,
            "keypoints": found.ravel().tolist(),
        })
    return truth, detections


def test_by_hand():
    """At a distance of s times k, a joint counts exp(-1/2)."""
    k = 2 * COCO_SIGMAS["nose"]
    truth = np.array([[[0.0, 0], [0, 0]]])
    pairs = PosePairs(np.array([[[50 * k, 0], [0, 0]]]), truth, ("nose", "left_wrist"))
    np.testing.assert_allclose(keypoint_similarity(pairs, np.array([2500.0])), [(np.exp(-0.5) + 1) / 2])


def test_unlabelled_joints_are_left_out_and_missing_ones_count_nothing():
    truth = np.zeros((2, 2, 2))
    truth[0, 1] = np.nan
    estimate = np.zeros((2, 2, 2))
    estimate[1, 1] = np.nan
    pairs = PosePairs(estimate, truth, ("nose", "left_wrist"))
    np.testing.assert_allclose(keypoint_similarity(pairs, np.ones(2)), [1, 0.5])
    truth[:] = np.nan
    assert np.isnan(keypoint_similarity(pairs, np.ones(2))).all()


@pytest.mark.parametrize(("name", "threshold"), [("AP50", 0.5), ("AP75", 0.75)])
def test_average_precision_counts_what_our_similarity_accepts(people, name, threshold):
    """With scores in the order of quality, precision is 1 up to the last person accepted, so AP is their share."""
    pytest.importorskip("faster_coco_eval")
    areas = np.linspace(5000, 30000, NUM)
    similarity = keypoint_similarity(people, areas)
    assert 0 < (similarity >= threshold).sum() < NUM
    order = np.argsort(-similarity)
    truth, detections = coco(people, areas)
    for rank, k in enumerate(order):
        detections[k]["score"] = 1 - rank / NUM
    recalled = (similarity >= threshold).mean()
    reached = np.mean(np.linspace(0, 1, 101) <= recalled + 1e-12)  # COCO reads precision at 101 recalls
    scores = keypoint_average_precision(truth, detections)
    assert scores[name].value == pytest.approx(100 * reached, abs=1e-6)
    assert str(scores["AP"].protocol) == "AP over OKS 0.50 to 0.95, all areas, 17 joints, 40 frames, %"


def test_perfect_detections_score_100(people):
    pytest.importorskip("faster_coco_eval")
    truth, detections = coco(PosePairs(np.nan_to_num(people.truth), people.truth, JOINTS), np.full(NUM, 9000.0))
    assert {round(score.value, 6) for score in keypoint_average_precision(truth, detections).values()} == {100.0}


def test_nothing_is_printed(people, capfd):
    pytest.importorskip("faster_coco_eval")
    keypoint_average_precision(*coco(people, np.full(NUM, 9000.0)))
    assert capfd.readouterr() == ("", "")


def test_the_truth_is_not_changed(people):
    pytest.importorskip("faster_coco_eval")
    truth, detections = coco(people, np.full(NUM, 9000.0))
    keypoint_average_precision(truth, detections)
    assert (truth, detections) == coco(people, np.full(NUM, 9000.0))


def test_without_the_extra_it_says_what_to_install(monkeypatch, people):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(ConfigError, match=r"pip install 'poseharvest\[coco\]'"):
        keypoint_average_precision(*coco(people, np.full(NUM, 9000.0)))


def test_nonsense_is_refused(people):
    with pytest.raises(ShapeError, match=r"areas: expected shape \(40,\)"):
        keypoint_similarity(people, np.ones(3))
    with pytest.raises(ConfigError, match="OKS: expected joints with a sigma"):
        keypoint_similarity(PosePairs(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), ("tail",)), np.ones(1))
    truth, detections = coco(people, np.full(NUM, 9000.0))
    with pytest.raises(ConfigError, match="expected annotations and detections, got 40 and 0"):
        keypoint_average_precision(truth, [])
    with pytest.raises(ConfigError, match="expected 17 sigmas for the category's joints, got 2"):
        keypoint_average_precision(truth, detections, [0.1, 0.1])
