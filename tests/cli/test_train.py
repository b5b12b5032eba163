"""`train2d` and `personalize` as a user runs them."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from poseharvest.cli.personalize import _groups
from poseharvest.detectors.registry import load_detector
from poseharvest.skeleton.definitions import COCO17


@pytest.fixture
def coco(tmp_path):
    """Two pictures with a person in COCO's format."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    images, people = [], []
    for number in range(2):
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), rng.integers(0, 255, (90, 120, 3), dtype=np.uint8))
        images.append({"id": number, "file_name": f"{number}.png"})
        points = np.column_stack((rng.uniform(10, 110, 17), rng.uniform(10, 80, 17), np.full(17, 2)))
        people.append({"image_id": number, "keypoints": points.ravel().tolist(), "bbox": [5, 5, 110, 80], "area": 5e3})
    categories = [{"id": 1, "name": "person", "keypoints": list(COCO17.joints)}]
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"images": images, "annotations": people, "categories": categories}))
    return path


def test_a_network_is_trained_and_gone_on_with(run, coco, tmp_path):
    arguments = ("train2d", coco, "--dataset", "coco", "--out", tmp_path / "out", "--stacks", 1, "--features", 2)
    arguments += ("--stem", 2, "--input-px", 64)
    arguments += ("--rotation-deg", 20, "--scale", 0.15, "--colour", 0.3)
    done = run(*arguments, "--epochs", 1, "--batch-size", 2)
    assert done.code == 0, done.err
    assert "1 epochs, 1 steps, loss" in done.out
    augmentation = json.loads((tmp_path / "out" / "training.json").read_text())["options"]["augmentation"]
    assert (augmentation["rotation_deg"], augmentation["scale"], augmentation["colour"]) == (20, 0.15, 0.3)
    weights = tmp_path / "out" / "weights.safetensors"
    before = load_detector(weights).network.score[0].weight
    assert run(*arguments, "--epochs", 2, "--batch-size", 2, "--resume").code == 0
    assert not torch.equal(load_detector(weights).network.score[0].weight, before)
    again = run(*arguments, "--epochs", 2, "--batch-size", 2)
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "already exists: choose another output, resume it, or ask to overwrite it" in again.err


STUDIO = ("train2d", "--dataset", "studio", "--stacks", 1, "--features", 2, "--stem", 2, "--input-px", 64)


def test_a_network_is_trained_on_the_studio_and_reads_its_size_from_its_weights(run, tmp_path):
    arguments = (*STUDIO, "--pictures", 4, "--validation-pictures", 2, "--out", tmp_path / "out")
    done = run(*arguments, "--epochs", 1, "--schedule", "linear", "--warm-up-steps", 1)
    assert done.code == 0, done.err
    assert "1 epochs, 1 steps, loss" in done.out
    assert ", PCKh " in done.out
    detector = load_detector(tmp_path / "out" / "weights.safetensors")
    assert detector.preprocessing.input_size == (64, 64)
    assert detector.network.shape.stem == 2
    kept = tmp_path / "out.drawn" / "training" / "pixels.npy"
    before = kept.stat().st_mtime_ns
    assert run(*arguments, "--epochs", 1, "--overwrite").code == 0
    assert kept.stat().st_mtime_ns == before
    samples = json.loads((tmp_path / "out" / "training.json").read_text())["samples"]
    assert samples == {"dataset": "studio", "world": "generic", "training": 4, "validation": 2}


def test_what_does_not_go_together_is_wrong_usage(run, coco, tmp_path):
    out = ("--out", tmp_path / "out")
    for arguments, message in (
        ((*STUDIO, coco, *out), "the studio draws its pictures"),
        ((*STUDIO, "--validation", coco, *out), "the studio draws its pictures"),
        (("train2d", "--dataset", "coco", *out), "expected the file of labels of coco"),
        ((*STUDIO, "--weights", coco, *out), "the weights know the size of their input"),
    ):
        done = run(*arguments)
        assert done.code == 2
        assert message in done.err
    wrong = run(*STUDIO[:-1], 100, *out)
    assert (wrong.code, wrong.err.count("\n")) == (1, 1)
    assert "--input-px: expected a multiple of 64 for an hourglass, got 100, hourglass" in wrong.err


def test_errors_are_one_line(run, coco, tmp_path):
    missing = run("train2d", tmp_path / "no.json", "--dataset", "coco", "--out", tmp_path / "out")
    assert (missing.code, missing.err.count("\n")) == (1, 1)
    assert "no.json: expected COCO's annotations" in missing.err
    assert run("train2d", coco, "--dataset", "imagenet", "--out", tmp_path / "out").code == 2
    assert run("personalize", tmp_path / "no", "--out", tmp_path / "out").code == 1
    assert run("personalize", tmp_path / "no", "--out", tmp_path / "out", "--labels", "all").code == 2


def test_a_harvest_from_keypoints_says_that_nothing_can_be_trained(run, footage, tmp_path):
    harvested = run(
        "harvest", footage.capture, "--detector", footage.keypoints, "--out", tmp_path / "h", "--resolution", 24
    )
    assert harvested.code == 0, harvested.err
    done = run("personalize", tmp_path / "h", "--out", tmp_path / "p", "--detector", footage.keypoints)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "has no network that can be trained" in done.err
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--each",), "--each: expected --subject NAME once for every harvest, got none"),
        (("--subject", "anna"), r"--subject: expected none, or one for every harvest in their order \(2\), got 1"),
        (("--subject", "anna", "--subject", "a/b", "--each"), 'expected names that a folder can have, got "a/b"'),
    ],
)
def test_whose_takes_they_are_is_said_of_each(run, footage, tmp_path, options, message):
    takes = [tmp_path / name for name in ("one", "two")]
    for take in takes:
        made = run("harvest", footage.capture, "--detector", footage.keypoints, "--out", take, "--resolution", 24)
        assert made.code == 0, made.err
    done = run("personalize", *takes, "--out", tmp_path / "p", *options)
    assert done.code == 1
    assert re.search(message, done.err)


def test_each_subject_learns_from_their_own_takes():
    found = _groups(["anna", "bob", "anna"], 3, Path("out"), each=True)
    assert [(group.harvests, group.out.as_posix()) for group in found] == [((0, 2), "out/anna"), ((1,), "out/bob")]
    assert found[0].of(["x", "y", "z"]) == ["x", "z"]
    assert found[0].of([]) == []
    (together,) = _groups(["anna", "bob"], 2, Path("out"), each=False)
    assert (together.harvests, together.subjects, together.out) == ((0, 1), ("anna", "bob"), Path("out"))
