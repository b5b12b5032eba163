import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from poseharvest.annotations.checksums import write_checksums
from poseharvest.annotations.marking import PartLayout, rewrite
from poseharvest.annotations.reader import Harvest
from poseharvest.detectors.network_hash import parameters_sha256
from poseharvest.detectors.registry import load_detector
from poseharvest.errors import CaptureError, ConfigError, SkeletonError, StoreError, TrainingError
from poseharvest.learning.loop.augmentation import Augmentation
from poseharvest.learning.loop.checkpoint import read_checkpoint
from poseharvest.learning.loop.training_options import TrainingOptions
from poseharvest.learning.personalize import personalize_detector as module
from poseharvest.learning.personalize.harvested_takes import split_frames
from poseharvest.learning.personalize.label_set import LabelSet
from poseharvest.learning.personalize.personalize_detector import personalize
from poseharvest.learning.personalize.personalize_options import PersonalizationOptions
from poseharvest.learning.personalize.rounds import Round
from poseharvest.storage.columns import values_of
from torchrun_kit import by_two, personalize_small

SMALL = TrainingOptions(
    epochs=14,
    batch_size=4,
    learning_rate=2e-3,
    schedule="linear",
    augmentation=Augmentation(rotation_deg=5, scale=0.05, flip=False),
)
OPTIONS = PersonalizationOptions(training=SMALL, min_pictures=4)


@pytest.fixture(scope="module")
def trained(simulation, harvested, boxes, untrained, tmp_path_factory):
    out = tmp_path_factory.mktemp("p") / "out"
    return personalize(harvested, untrained, out, options=OPTIONS, capture=simulation.capture, boxes=boxes)


def test_an_untrained_network_learns_the_person(trained, harvested):
    comparison = trained.rounds[0].comparison
    assert comparison["after"]["num_poses"] == 2
    assert comparison["pose_change_mm"] < 150
    assert np.isfinite([*comparison["after"].values(), *comparison["joint_change_mm"].values()]).all()
    assert [stretch["name"] for stretch in comparison["stretches"]] == ["frames 8 to 9"]


def test_the_weights_are_those_that_harvested(trained, simulation):
    detector = load_detector(trained.weights)
    assert torch.equal(
        detector.network.score[0].weight,
        load_detector(trained.folder / "round-1" / "weights.safetensors").network.score[0].weight,
    )
    made_by = Harvest.open(trained.harvest.path).info.detector
    assert made_by.name == "hourglass"
    assert made_by.details["parameters_sha256"] == parameters_sha256(detector.network)


def test_the_record_says_what_was_done(trained, harvested):
    record = json.loads((trained.folder / "personalization.json").read_text())
    assert record["finished"]
    assert record["judged_frames"] == [[8, 10]]
    assert record["options"]["labels"] == "ps+sel"
    assert record["options"]["training"]["learning_rate"] == 2e-3
    labels = sum(
        int((row.selected & row.annotations.inside).sum())
        for row in harvested.iter_selected()
        if row.annotations.frame < 8
    )
    assert record["rounds"][0]["num_labels"] == labels


def test_the_network_that_was_given_stays_as_it_is(trained, untrained):
    assert not torch.equal(load_detector(trained.weights).network.score[0].weight, untrained.network.score[0].weight)


def test_a_finished_run_is_resumed_without_work_and_others_are_refused(
    trained, harvested, untrained, simulation, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(trained.folder, out)
    inputs = {"capture": simulation.capture, "options": OPTIONS}
    again = personalize(harvested, untrained, out, resume=True, **inputs)
    assert again.rounds[0].comparison == trained.rounds[0].comparison
    with pytest.raises(StoreError, match="already exists: choose another output, resume it, or ask to overwrite it"):
        personalize(harvested, untrained, out, **inputs)
    other = {**inputs, "options": replace(OPTIONS, labels=LabelSet.HM)}
    with pytest.raises(TrainingError, match=r"was begun with options labels ps\+sel, asked for is hm: resume with"):
        personalize(harvested, untrained, out, resume=True, **other)
    with pytest.raises(
        TrainingError, match=r"was begun with weights parameters_sha256 [0-9a-f]+, asked for is [0-9a-f]+"
    ):
        personalize(harvested, load_detector(trained.weights), out, resume=True, **inputs)


def test_too_few_annotations_leave_nothing_learned(harvested, untrained, simulation, tmp_path):
    many = replace(OPTIONS, min_pictures=1000)
    with pytest.raises(TrainingError, match=r'labels "ps\+sel": too few annotations: expected at least 1000 pictures'):
        personalize(harvested, untrained, tmp_path / "out", options=many, capture=simulation.capture)


def test_detectors_without_a_network_are_named(harvested, simulation, tmp_path):
    with pytest.raises(TrainingError, match="has no network that can be trained: expected efficientpose, hourglass or"):
        personalize(harvested, simulation.detector, tmp_path / "out", capture=simulation.capture)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_learn_what_one_learns(harvested, tmp_path):
    """Two by torchrun with gloo. Losses are equal but for rounding, which grows from the sixth epoch on."""
    personalize_small(harvested.path, tmp_path / "one")
    by_two("personalize", harvested.path, tmp_path / "two")
    record, other = (json.loads((tmp_path / name / "personalization.json").read_text()) for name in ("one", "two"))
    assert record["finished"]
    assert other["finished"]
    assert other["judged_frames"] == record["judged_frames"]
    curves = [read_checkpoint(tmp_path / name / "round-1" / "checkpoint").curve for name in ("one", "two")]
    one, two = ([row["loss"] for row in curve] for curve in curves)
    assert two[:5] == pytest.approx(one[:5], rel=1e-6)
    assert two == pytest.approx(one, rel=0.1)
    again = [Harvest.open(tmp_path / name / "round-1" / "harvest").info.counts for name in ("one", "two")]
    assert again[0] == again[1]


def test_another_skeleton_is_named(harvested, untrained, simulation, tmp_path):
    joints = ("bottom", *harvested.skeleton.joints[1:])
    text = (harvested.path / "harvest.json").read_text()
    other = tmp_path / "other"
    shutil.copytree(harvested.path, other)
    (other / "SHA256SUMS").unlink()
    (other / "harvest.json").write_text(text.replace(f'"{harvested.skeleton.joints[0]}"', '"bottom"'))
    assert Harvest.open(other).skeleton.joints == joints
    with pytest.raises(SkeletonError, match=r"must have the same joints: .* lacks right_ankle"):
        personalize(other, untrained, tmp_path / "out", capture=simulation.capture)


def test_missing_footage_is_named(harvested, untrained, tmp_path):
    with pytest.raises(CaptureError, match="was harvested from a synthetic capture, which has no footage"):
        personalize(harvested, untrained, tmp_path / "out")
    with pytest.raises(CaptureError, match=r"gone: expected the footage of .*, found no folder there: name it"):
        personalize(harvested, untrained, tmp_path / "out", capture=tmp_path / "gone")


def test_other_footage_is_named(harvested, untrained, simulation, tmp_path):
    shorter = replace(simulation.capture, num_frames=9)
    with pytest.raises(CaptureError, match=r"synthetic: expected the 10 frames of .*, got 9"):
        personalize(harvested, untrained, tmp_path / "out", capture=shorter)


def test_the_last_frames_are_held_out():
    assert split_frames(range(5, 15), 0.2) == (range(5, 13), range(13, 15))
    assert split_frames(range(5, 15), 0.0) == (range(5, 15), range(5, 15))
    with pytest.raises(ConfigError, match=r"held_out: expected a share of 0 to below 1, got 1\.0"):
        PersonalizationOptions(held_out=1.0)
    with pytest.raises(ConfigError, match="rounds: expected 1 or more, got 0"):
        PersonalizationOptions(rounds=0)


@pytest.mark.parametrize(
    ("disagreements", "run", "best"),
    [
        ([0.05], 1, 0),
        ([0.05, 0.04, 0.03], 3, 2),
        ([0.05, 0.0499, 0.01], 2, 1),
        ([0.2, 0.01], 1, 0),
        ([0.05, 0.07, 0.01], 2, 0),
    ],
)
def test_rounds_end_when_one_no_longer_helps(
    disagreements, run, best, monkeypatch, trained, harvested, untrained, simulation, tmp_path
):
    """Rounds whose result is given: the network before them has a disagreement of 0.1."""
    folders = []

    def done(inputs, source, folder, *, resume):
        folders.append(folder)
        shutil.copytree(trained.rounds[0].folder, folder)
        numbers = {"before": {"disagreement": 0.1}, "after": {"disagreement": disagreements[len(folders) - 1]}}
        return Round(folder, 1, 1, numbers)

    monkeypatch.setattr(module, "run_round", done)
    options = replace(OPTIONS, rounds=len(disagreements))
    result = personalize(harvested, untrained, tmp_path / "out", options=options, capture=simulation.capture)
    assert (len(result.rounds), result.best) == (run, best)
    assert any(re.search("it did not help", finding) for finding in result.findings) == (disagreements[best] > 0.1)


def test_a_harvest_by_another_network_is_named(monkeypatch, trained, harvested, untrained, simulation, tmp_path):
    def done(inputs, source, folder, *, resume):
        shutil.copytree(trained.rounds[0].folder, folder)
        return trained.rounds[0]

    monkeypatch.setattr(module, "run_round", done)
    cases = [(trained.harvest, untrained), (trained.harvest, load_detector(trained.weights)), (harvested, untrained)]
    named = []
    for number, (harvest, detector) in enumerate(cases):
        result = personalize(harvest, detector, tmp_path / f"{number}", options=OPTIONS, capture=simulation.capture)
        named.append(any("made by another hourglass" in finding for finding in result.findings))
    assert named == [True, False, False]


def test_two_takes_of_a_person_teach_one_network(trained, harvested, untrained, simulation, boxes, tmp_path):
    """The same take twice, half as often: each is harvested again and compared, and the numbers are those of one."""
    twin = tmp_path / "twin"
    shutil.copytree(harvested.path, twin)
    takes = [harvested, Harvest.open(twin)]
    both = {"capture": [simulation.capture] * 2, "boxes": [boxes] * 2}
    options = replace(OPTIONS, training=replace(SMALL, epochs=SMALL.epochs // 2))
    two = personalize(takes, untrained, tmp_path / "two", options=options, **both)
    one, done = trained.rounds[0], two.rounds[0]
    assert (done.num_pictures, done.num_labels) == (2 * one.num_pictures, 2 * one.num_labels)
    assert [harvest.path.name for harvest in two.harvests] == ["harvest-1", "harvest-2"]
    assert done.comparison["before"]["num_poses"] == 2 * one.comparison["before"]["num_poses"]
    assert done.comparison["before"]["disagreement"] == pytest.approx(one.comparison["before"]["disagreement"])
    assert [stretch["name"] for stretch in done.comparison["stretches"]] == [harvested.path.name, "twin"]
    again = personalize(takes, untrained, tmp_path / "two", options=options, resume=True, **both)
    assert again.rounds[0].comparison == done.comparison
    record = json.loads((tmp_path / "two" / "personalization.json").read_text())
    assert record["harvests"] == [str(take.path.resolve()) for take in takes]


def widen(folder):
    """Make every joint of a harvest nine times as unsure."""
    harvest = Harvest.open(folder)
    layout = PartLayout(folder, harvest.skeleton.joints, len(harvest.view_names), harvest.info.counts.records_per_part)
    for index in range(len(layout.records_per_part)):
        rewrite(layout, index, {"det": 9.0**6 * values_of(layout.read(index, ("det",)).column("det"))})
    write_checksums(folder)


def test_each_person_s_reliable_joints_are_selected_from_their_own_takes(
    monkeypatch, harvested, untrained, simulation, boxes, tmp_path
):
    """Beside a take that is nine times as unsure, all of one person's would be selected from the surer take alone."""
    learned = []

    def noted(detector, takes, folder, **_):
        learned.append([sum(int(label.known.sum()) for label in take.labels) for take in takes])
        raise TrainingError("enough is known")

    monkeypatch.setattr("poseharvest.learning.personalize.rounds.learn_from_takes", noted)
    twin = tmp_path / "twin"
    shutil.copytree(harvested.path, twin)
    widen(twin)
    takes = [harvested, Harvest.open(twin)]
    both = {"capture": [simulation.capture] * 2, "boxes": [boxes] * 2}
    options = replace(OPTIONS, labels=LabelSet.PS_SEL)
    for subjects in ((), ("anna", "bob")):
        with pytest.raises(TrainingError, match="enough is known"):
            personalize(takes, untrained, tmp_path / f"out{len(subjects)}", options=options, subjects=subjects, **both)
    one_person, two_people = learned
    assert two_people[0] == two_people[1]
    assert one_person[1] < one_person[0] / 3
    assert '"anna"' in (tmp_path / "out2" / "personalization.json").read_text()


def test_takes_that_do_not_fit_are_named(harvested, untrained, simulation, tmp_path):
    with pytest.raises(ConfigError, match=r"expected every harvest once, it was given 2 times"):
        personalize([harvested, harvested], untrained, tmp_path / "out", capture=[simulation.capture] * 2)
    with pytest.raises(ConfigError, match=r"captures: expected none, or one for every harvest .* \(1\), got 2"):
        personalize(harvested, untrained, tmp_path / "out", capture=[simulation.capture] * 2)
    with pytest.raises(ConfigError, match="harvests: expected one or more to learn from, got none"):
        personalize([], untrained, tmp_path / "out")
